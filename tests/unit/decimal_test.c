#include "model/decimal.h"
#include "tests/unit/unit.h"
#include <stdio.h>

struct reading {
    const char *token;
    int decimals;
    enum decimal_result result;
    int64_t value;
};

static const struct reading readings[] = {
    { "0", 2, DECIMAL_OK, 0 },
    { "-0", 2, DECIMAL_OK, 0 },
    { "0.000", 0, DECIMAL_OK, 0 },
    { "19.99", 2, DECIMAL_OK, 1999 },
    { "19.990", 2, DECIMAL_OK, 1999 },
    { "19.9900000000000000000000000000000000000000", 2, DECIMAL_OK, 1999 },
    { "14.50", 3, DECIMAL_OK, 14500 },
    { "0.001", 3, DECIMAL_OK, 1 },
    { "-0.01", 2, DECIMAL_OK, -1 },
    { "1e2", 0, DECIMAL_OK, 100 },
    { "1E+2", 0, DECIMAL_OK, 100 },
    { "100e-2", 0, DECIMAL_OK, 1 },
    { "1.5e1", 0, DECIMAL_OK, 15 },
    { "0.00000000000000000000000000000019e32", 0, DECIMAL_OK, 19 },
    { "0e999999999999999999999999999", 2, DECIMAL_OK, 0 },
    { "0.0e-999999999999999999999999999", 2, DECIMAL_OK, 0 },
    { "9223372036854775807", 0, DECIMAL_OK, INT64_MAX },
    { "-9223372036854775808", 0, DECIMAL_OK, INT64_MIN },
    { "92233720368547758.07", 2, DECIMAL_OK, INT64_MAX },
    { "9.223372036854775807e18", 0, DECIMAL_OK, INT64_MAX },
    { "9223372036.854775807", 9, DECIMAL_OK, INT64_MAX },
    { "1e18", 0, DECIMAL_OK, 1000000000000000000 },
    { "9223372036854775808", 0, DECIMAL_TOO_LARGE, 0 },
    { "-9223372036854775809", 0, DECIMAL_TOO_LARGE, 0 },
    { "92233720368547758.08", 2, DECIMAL_TOO_LARGE, 0 },
    { "99999999999999999999", 0, DECIMAL_TOO_LARGE, 0 },
    { "1e19", 0, DECIMAL_TOO_LARGE, 0 },
    { "1e17", 2, DECIMAL_TOO_LARGE, 0 },
    { "1e99999999999999999999999999999999999999", 0, DECIMAL_TOO_LARGE, 0 },
    { "19.999", 2, DECIMAL_TOO_PRECISE, 0 },
    { "19.990000000000000001", 2, DECIMAL_TOO_PRECISE, 0 },
    { "0.1", 0, DECIMAL_TOO_PRECISE, 0 },
    { "1e-1", 0, DECIMAL_TOO_PRECISE, 0 },
    { "1e-10", 9, DECIMAL_TOO_PRECISE, 0 },
    { "1e-99999999999999999999999999999999999999", 9, DECIMAL_TOO_PRECISE, 0 },
    { "123456789012345678901234567890.5", 0, DECIMAL_TOO_PRECISE, 0 },
    { "", 0, DECIMAL_MALFORMED, 0 },
    { "-", 0, DECIMAL_MALFORMED, 0 },
    { "+1", 0, DECIMAL_MALFORMED, 0 },
    { "01", 0, DECIMAL_MALFORMED, 0 },
    { "-01", 0, DECIMAL_MALFORMED, 0 },
    { "00", 0, DECIMAL_MALFORMED, 0 },
    { "1.", 0, DECIMAL_MALFORMED, 0 },
    { ".5", 0, DECIMAL_MALFORMED, 0 },
    { "-.5", 0, DECIMAL_MALFORMED, 0 },
    { "2.e3", 0, DECIMAL_MALFORMED, 0 },
    { "1e", 0, DECIMAL_MALFORMED, 0 },
    { "1e+", 0, DECIMAL_MALFORMED, 0 },
    { "1e+-1", 0, DECIMAL_MALFORMED, 0 },
    { "1e1.5", 0, DECIMAL_MALFORMED, 0 },
    { " 1", 0, DECIMAL_MALFORMED, 0 },
    { "1 ", 0, DECIMAL_MALFORMED, 0 },
    { "0x10", 0, DECIMAL_MALFORMED, 0 },
    { "1,5", 0, DECIMAL_MALFORMED, 0 },
    { "NaN", 0, DECIMAL_MALFORMED, 0 },
    { "Infinity", 0, DECIMAL_MALFORMED, 0 },
};

static void every_token_reads_as_the_table_says(void **state)
{
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(readings); i++) {
        int64_t value = 0;
        enum decimal_result result = decimal_parse(text_of(readings[i].token), readings[i].decimals, &value);

        if (result != readings[i].result || value != readings[i].value)
            fail_msg("%s with %d decimals: result %d, value %lld", readings[i].token, readings[i].decimals, result,
                     (long long)value);
    }
}

static void a_nul_inside_a_token_is_no_digit(void **state)
{
    int64_t value;
    (void)state;

    assert_int_equal(decimal_parse((struct text){ "1\0002", 3 }, 0, &value), DECIMAL_MALFORMED);
}

/* A million digits, in the number and in its exponent: exact, and no work past the length. */
static void a_million_digits_are_read_exactly(void **state)
{
    enum { DIGITS = 1000000 };
    ARENA_SCOPE arena = { 0 };
    struct buf buf = BUF_IN(&arena);
    char *digits;
    int64_t value = 0;
    (void)state;

    buf_str(&buf, "0.");
    digits = buf_reserve(&buf, DIGITS);
    memset(digits, '0', DIGITS);
    buf.len += DIGITS;
    buf_str(&buf, "42e1000002");
    assert_int_equal(decimal_parse(buf_view(&buf), 0, &value), DECIMAL_OK);
    assert_int_equal(value, 42);

    buf.ptr[buf.len - 1] = '1'; /* one place less */
    assert_int_equal(decimal_parse(buf_view(&buf), 0, &value), DECIMAL_TOO_PRECISE);
    assert_int_equal(decimal_parse(buf_view(&buf), 1, &value), DECIMAL_OK);
    assert_int_equal(value, 42);

    buf.len = 0;
    buf_str(&buf, "1e");
    digits = buf_reserve(&buf, DIGITS);
    memset(digits, '9', DIGITS);
    buf.len += DIGITS;
    assert_int_equal(decimal_parse(buf_view(&buf), 0, &value), DECIMAL_TOO_LARGE);
    digits[0] = '-';
    assert_int_equal(decimal_parse(buf_view(&buf), 0, &value), DECIMAL_TOO_PRECISE);
}

static void assert_prints(int64_t value, int decimals, const char *full, const char *brief)
{
    ARENA_SCOPE arena = { 0 };
    struct buf buf = BUF_IN(&arena);

    decimal_append(&buf, value, decimals);
    assert_true(text_is(buf_view(&buf), full));
    buf.len = 0;
    decimal_append_short(&buf, value, decimals);
    assert_true(text_is(buf_view(&buf), brief));
}

static void amounts_print_with_their_decimals_and_quantities_without_idle_zeros(void **state)
{
    (void)state;

    assert_prints(2450, 2, "24.50", "24.5");
    assert_prints(24, 0, "24", "24");
    assert_prints(100, 0, "100", "100");
    assert_prints(14500, 3, "14.500", "14.5");
    assert_prints(33000, 3, "33.000", "33");
    assert_prints(5, 3, "0.005", "0.005");
    assert_prints(0, 3, "0.000", "0");
    assert_prints(0, 0, "0", "0");
    assert_prints(-5, 2, "-0.05", "-0.05");
    assert_prints(1, 9, "0.000000001", "0.000000001");
    assert_prints(INT64_MAX, 2, "92233720368547758.07", "92233720368547758.07");
    assert_prints(INT64_MIN, 0, "-9223372036854775808", "-9223372036854775808");
    assert_prints(INT64_MIN, 9, "-9223372036.854775808", "-9223372036.854775808");
}

static void what_is_printed_reads_back_the_same(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct buf buf = BUF_IN(&arena);
    uint64_t seed = 88172645463325252; /* xorshift: the same values each run */
    (void)state;

    for (int i = 0; i < 20000; i++) {
        int decimals = i % 10;
        int64_t value, back;

        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        value = (int64_t)seed >> (i % 64);
        buf.len = 0;
        decimal_append(&buf, value, decimals);
        assert_int_equal(decimal_parse(buf_view(&buf), decimals, &back), DECIMAL_OK);
        assert_true(back == value);
        buf.len = 0;
        decimal_append_short(&buf, value, decimals);
        assert_int_equal(decimal_parse(buf_view(&buf), decimals, &back), DECIMAL_OK);
        assert_true(back == value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_token_reads_as_the_table_says),
        cmocka_unit_test(a_nul_inside_a_token_is_no_digit),
        cmocka_unit_test(a_million_digits_are_read_exactly),
        cmocka_unit_test(amounts_print_with_their_decimals_and_quantities_without_idle_zeros),
        cmocka_unit_test(what_is_printed_reads_back_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
