#include "base/cleanup.h"
#include "base/clock.h"
#include "tests/unit/unit.h"
#include <limits.h>
#include <stdio.h>
#include <time.h>

static void times_read_as_the_table_says(void **state)
{
    static const struct {
        const char *text;
        int64_t unix_ms;
    } cases[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "1970-01-01", 0 },
        { "1970-01-02", 86400000 },
        { "2026-11-22T17:17:57.123Z", 1795367877123 },
        { "2026-11-22t17:17:57.123z", 1795367877123 },
        { "2026-11-22T18:17:57.123+01:00", 1795367877123 },
        { "2026-11-22T11:47:57.123-05:30", 1795367877123 },
        { "2026-11-22T17:17:57.123999999Z", 1795367877123 },
        { "2026-11-22T17:17:57.1Z", 1795367877100 },
        { "2026-11-22T17:17:57.000000001Z", 1795367877000 },
        { "2026-11-22T17:17:57-00:00", 1795367877000 },
        { "2024-02-29", 1709164800000 },
        { "2000-02-29", 951782400000 },
        { "2016-12-31T23:59:60Z", 1483228800000 },
        { "1969-12-31T23:59:59.999Z", -1 },
        { "9999-12-31T23:59:59.999Z", 253402300799999 },
        { "0000-01-01", -62167219200000 },
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t unix_ms = 1;

        if (!clock_parse_rfc3339(text_of(cases[i].text), &unix_ms) || unix_ms != cases[i].unix_ms)
            fail_msg("%s: %lld", cases[i].text, (long long)unix_ms);
    }
}

static void what_is_no_rfc_3339_time_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "2026",
        "2026-11",
        "2026-11-2",
        "26-11-22",
        "2026-00-22",
        "2026-13-22",
        "2026-11-00",
        "2026-11-31",
        "2026-02-29",
        "1900-02-29",
        "2026/11/22",
        "20261122",
        "2026-11-22T",
        "2026-11-22T17:17Z",
        "2026-11-22T17:17:57",
        "2026-11-22 17:17:57Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T17:60:57Z",
        "2026-11-22T17:17:61Z",
        "2026-11-22T17:17:57.Z",
        "2026-11-22T17:17:57,1Z",
        "2026-11-22T17:17:57.1234567890Z",
        "2026-11-22T17:17:57+1:00",
        "2026-11-22T17:17:57+0100",
        "2026-11-22T17:17:57+24:00",
        "2026-11-22T17:17:57+01:60",
        "2026-11-22T17:17:57ZZ",
        "2026-11-22T17:17:57Z ",
        " 2026-11-22",
        "-026-11-22",
        "+2026-11-22",
        "2026-11-22Z",
    };
    int64_t unix_ms;
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (clock_parse_rfc3339(text_of(texts[i]), &unix_ms))
            fail_msg("%s", texts[i]);
    }
}

/* Every day of 400 years and more, against the C library. */
static void every_day_is_written_as_the_library_does_and_read_back(void **state)
{
    (void)state;

    for (int64_t day = 0; day < 170000; day++) {
        int64_t unix_ms = day * 86400000 + day * 7919 % 86400000, back;
        time_t seconds = unix_ms / 1000;
        char text[CLOCK_RFC3339_LEN + 1], expected[64];
        struct tm tm;
        size_t len;

        gmtime_r(&seconds, &tm);
        len = strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(expected + len, sizeof expected - len, ".%03dZ", (int)(unix_ms % 1000));
        clock_rfc3339(unix_ms, text);
        assert_string_equal(text, expected);
        assert_true(clock_parse_rfc3339(text_of(text), &back));
        assert_true(back == unix_ms);
    }
}

static void times_out_of_range_are_written_as_the_nearest_in_it(void **state)
{
    char text[CLOCK_RFC3339_LEN + 1];
    (void)state;

    clock_rfc3339(-1, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    clock_rfc3339(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

static void what_is_left_of_a_deadline_is_never_negative_and_fits_poll(void **state)
{
    int64_t now = clock_mono_ms();
    (void)state;

    assert_int_equal(clock_left_ms(now - 1000), 0);
    assert_int_equal(clock_left_ms(INT64_MAX), INT_MAX);
    assert_in_range(clock_left_ms(now + 60000), 1, 60000);
    assert_true(clock_mono_us() / 1000 >= now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_read_as_the_table_says),
        cmocka_unit_test(what_is_no_rfc_3339_time_is_refused),
        cmocka_unit_test(every_day_is_written_as_the_library_does_and_read_back),
        cmocka_unit_test(times_out_of_range_are_written_as_the_nearest_in_it),
        cmocka_unit_test(what_is_left_of_a_deadline_is_never_negative_and_fits_poll),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
