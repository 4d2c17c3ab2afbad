#include "model/decimal.h"

enum {
    INT64_DIGITS = 19,
    DECIMALS_MAX = 9,
};

/* Past this an exponent decides the result alone: no token is long enough to make up for it. */
static const int64_t EXPONENT_LIMIT = INT64_C(1) << 60;

/* A number taken apart: SIGN WHOLE.FRACTION x 10^EXPONENT. */
struct parts {
    bool negative;
    struct text whole, fraction;
    int64_t exponent;
};

static struct text take_digits(const char **at, const char *end)
{
    struct text digits = { *at, 0 };

    while (*at < end && **at >= '0' && **at <= '9')
        (*at)++;
    digits.len = (size_t)(*at - digits.ptr);
    return digits;
}

static bool take_char(const char **at, const char *end, char c)
{
    if (*at == end || **at != c)
        return false;
    (*at)++;
    return true;
}

static bool take_exponent(const char **at, const char *end, int64_t *exponent)
{
    bool negative = false;
    struct text digits;
    int64_t sum = 0;

    if (!take_char(at, end, '+'))
        negative = take_char(at, end, '-');
    digits = take_digits(at, end);
    for (size_t i = 0; i < digits.len; i++) {
        if (sum < EXPONENT_LIMIT / 10)
            sum = sum * 10 + (digits.ptr[i] - '0');
        else
            sum = EXPONENT_LIMIT;
    }
    *exponent = negative ? -sum : sum;
    return digits.len > 0;
}

/* The grammar of RFC 8259 section 6. */
static bool take_apart(struct text token, struct parts *parts)
{
    const char *at = token.ptr, *end;

    if (token.len == 0)
        return false;
    end = token.ptr + token.len;
    *parts = (struct parts){ .negative = take_char(&at, end, '-') };
    parts->whole = take_digits(&at, end);
    parts->fraction = (struct text){ at, 0 };
    if (parts->whole.len == 0 || (parts->whole.len > 1 && parts->whole.ptr[0] == '0'))
        return false;
    if (take_char(&at, end, '.')) {
        parts->fraction = take_digits(&at, end);
        if (parts->fraction.len == 0)
            return false;
    }
    if (take_char(&at, end, 'e') || take_char(&at, end, 'E')) {
        if (!take_exponent(&at, end, &parts->exponent))
            return false;
    }
    return at == end;
}

/* Digit I of WHOLE and FRACTION in a row. */
static int digit_at(const struct parts *parts, size_t i)
{
    return (i < parts->whole.len ? parts->whole.ptr[i] : parts->fraction.ptr[i - parts->whole.len]) - '0';
}

enum decimal_result decimal_parse(struct text token, int decimals, int64_t *value)
{
    struct parts parts;
    size_t first = 0, past;
    int64_t power, sum = 0;

    if (!take_apart(token, &parts))
        return DECIMAL_MALFORMED;

    /* Digits [first, past) without the zeros at both ends, times 10^power, is the result. */
    past = parts.whole.len + parts.fraction.len;
    power = parts.exponent - (int64_t)parts.fraction.len + decimals;
    while (past > 0 && digit_at(&parts, past - 1) == 0) {
        past--;
        power++;
    }
    while (first < past && digit_at(&parts, first) == 0)
        first++;
    if (first == past) {
        *value = 0;
        return DECIMAL_OK;
    }
    if (power < 0)
        return DECIMAL_TOO_PRECISE;
    if (past - first > INT64_DIGITS || power > INT64_DIGITS)
        return DECIMAL_TOO_LARGE;
    for (size_t i = first; i < past + (size_t)power; i++) {
        int digit = i < past ? digit_at(&parts, i) : 0;

        /* Built from below zero when negative, since INT64_MIN has no positive counterpart. */
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, parts.negative ? -digit : digit, &sum))
            return DECIMAL_TOO_LARGE;
    }
    *value = sum;
    return DECIMAL_OK;
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

void decimal_append(struct buf *buf, int64_t value, int decimals)
{
    char digits[INT64_DIGITS + DECIMALS_MAX];
    char *end = digits + sizeof digits, *at = end;
    uint64_t rest = magnitude(value);
    char *out;

    while (rest > 0 || end - at <= decimals) { /* one digit before the point at least */
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    }
    out = buf_reserve(buf, sizeof digits + 2);
    if (value < 0)
        *out++ = '-';
    while (at < end) {
        if (end - at == decimals)
            *out++ = '.';
        *out++ = *at++;
    }
    buf->len = (size_t)(out - buf->ptr);
}

void decimal_append_short(struct buf *buf, int64_t value, int decimals)
{
    while (decimals > 0 && value % 10 == 0) {
        value /= 10;
        decimals--;
    }
    decimal_append(buf, value, decimals);
}
