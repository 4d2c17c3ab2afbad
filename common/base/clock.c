#include "base/clock.h"
#include <limits.h>
#include <time.h>

enum { MS_PER_DAY = 86400 * 1000 };

static int64_t read_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_unix_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_unix_us(void)
{
    return read_us(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int clock_left_ms(int64_t deadline_ms)
{
    int64_t left = deadline_ms - clock_mono_ms();

    if (left <= 0)
        return 0;
    return left < INT_MAX ? (int)left : INT_MAX;
}

/* Howard Hinnant's algorithms for the proleptic Gregorian calendar: eras of 400 years that start on a 1st of March, so
 * that the leap day is the last of its year. */
static int64_t days_from_date(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int era = (y >= 0 ? y : y - 399) / 400;
    int year_of_era = y - era * 400;
    int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return (int64_t)era * 146097 + day_of_era - 719468;
}

static void date_from_days(int64_t days, int *year, int *month, int *day)
{
    int shifted = (int)(days + 719468); /* since 0000-03-01; never negative here */
    int era = shifted / 146097;
    int day_of_era = shifted % 146097;
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int shifted_month = (5 * day_of_year + 2) / 153;

    *day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    *month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

static char *put_digits(char *at, int value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + count;
}

void clock_rfc3339(int64_t unix_ms, char out[static CLOCK_RFC3339_LEN + 1])
{
    const int64_t last = INT64_C(253402300799999); /* 9999-12-31T23:59:59.999Z */
    int year, month, day, ms;

    unix_ms = unix_ms < 0 ? 0 : unix_ms > last ? last : unix_ms;
    date_from_days(unix_ms / MS_PER_DAY, &year, &month, &day);
    ms = (int)(unix_ms % MS_PER_DAY);
    out = put_digits(out, year, 4);
    *out++ = '-';
    out = put_digits(out, month, 2);
    *out++ = '-';
    out = put_digits(out, day, 2);
    *out++ = 'T';
    out = put_digits(out, ms / 3600000, 2);
    *out++ = ':';
    out = put_digits(out, ms / 60000 % 60, 2);
    *out++ = ':';
    out = put_digits(out, ms / 1000 % 60, 2);
    *out++ = '.';
    out = put_digits(out, ms % 1000, 3);
    *out++ = 'Z';
    *out = '\0';
}

/* Takes COUNT digits from the front of TEXT as a number within [LOW, HIGH]. */
static bool take_number(struct text *text, size_t count, int low, int high, int *value)
{
    int sum = 0;

    if (text->len < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (text->ptr[i] < '0' || text->ptr[i] > '9')
            return false;
        sum = sum * 10 + (text->ptr[i] - '0');
    }
    text->ptr += count;
    text->len -= count;
    *value = sum;
    return sum >= low && sum <= high;
}

/* Takes C from the front of TEXT; letters in either case. */
static bool take_char(struct text *text, char c)
{
    if (text->len == 0 || (text->ptr[0] != c && !(c >= 'A' && c <= 'Z' && text->ptr[0] == (c | 0x20))))
        return false;
    text->ptr++;
    text->len--;
    return true;
}

static bool take_date(struct text *text, int64_t *days)
{
    static const int month_days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year, month, day;
    bool leap;

    if (!take_number(text, 4, 0, 9999, &year) || !take_char(text, '-') || !take_number(text, 2, 1, 12, &month) ||
        !take_char(text, '-') || !take_number(text, 2, 1, month_days[month - 1], &day))
        return false;
    leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month == 2 && day == 29 && !leap)
        return false;
    *days = days_from_date(year, month, day);
    return true;
}

/* "." and 1..9 digits, or nothing. */
static bool take_fraction(struct text *text, int *ms)
{
    int digit, digits = 0, weight = 100;

    *ms = 0;
    if (!take_char(text, '.'))
        return true;
    while (take_number(text, 1, 0, 9, &digit)) {
        *ms += digit * weight;
        weight /= 10;
        digits++;
    }
    return digits >= 1 && digits <= 9;
}

static bool take_offset(struct text *text, int *minutes)
{
    int sign, hour, minute;

    *minutes = 0;
    if (take_char(text, 'Z'))
        return true;
    sign = take_char(text, '+') ? 1 : take_char(text, '-') ? -1 : 0;
    if (sign == 0 || !take_number(text, 2, 0, 23, &hour) || !take_char(text, ':') || !take_number(text, 2, 0, 59, &minute))
        return false;
    *minutes = sign * (hour * 60 + minute);
    return true;
}

bool clock_parse_rfc3339(struct text text, int64_t *unix_ms)
{
    int64_t days;
    int hour, minute, second, ms, offset;

    if (!take_date(&text, &days))
        return false;
    if (text.len == 0) {
        *unix_ms = days * MS_PER_DAY;
        return true;
    }
    /* Second 60 is a leap second; like POSIX it counts as the first of the next minute. */
    if (!take_char(&text, 'T') || !take_number(&text, 2, 0, 23, &hour) || !take_char(&text, ':') ||
        !take_number(&text, 2, 0, 59, &minute) || !take_char(&text, ':') || !take_number(&text, 2, 0, 60, &second) ||
        !take_fraction(&text, &ms) || !take_offset(&text, &offset) || text.len > 0)
        return false;
    *unix_ms = days * MS_PER_DAY + (((int64_t)hour * 60 + minute - offset) * 60 + second) * 1000 + ms;
    return true;
}
