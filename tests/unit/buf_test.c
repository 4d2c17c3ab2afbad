#include "base/buf.h"
#include "base/utf8.h"
#include "tests/unit/unit.h"

static void assert_holds(const struct buf *buf, const char *expected)
{
    assert_int_equal(buf->len, strlen(expected));
    assert_memory_equal(buf->ptr, expected, buf->len);
}

static void bytes_come_back_in_the_order_added_however_long(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct buf buf = BUF_IN(&arena);
    (void)state;

    for (int i = 0; i < 20000; i++) {
        buf_char(&buf, (char)('a' + i % 26));
        if (i % 1000 == 0)
            arena_alloc(&arena, 1); /* so that it cannot always grow in place */
    }
    assert_int_equal(buf.len, 20000);
    for (int i = 0; i < 20000; i++)
        assert_int_equal(buf.ptr[i], 'a' + i % 26);
}

static void an_empty_addition_changes_nothing(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct buf buf = BUF_IN(&arena);
    (void)state;

    buf_text(&buf, (struct text){ NULL, 0 });
    buf_str(&buf, "");
    assert_int_equal(buf_view(&buf).len, 0);
}

static void integers_print_from_one_end_of_int64_to_the_other(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct buf buf = BUF_IN(&arena);
    (void)state;

    buf_int64(&buf, INT64_MIN);
    buf_char(&buf, ' ');
    buf_int64(&buf, -1);
    buf_char(&buf, ' ');
    buf_int64(&buf, 0);
    buf_char(&buf, ' ');
    buf_int64(&buf, INT64_MAX);
    assert_holds(&buf, "-9223372036854775808 -1 0 9223372036854775807");
}

static void printf_fits_whatever_comes(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct buf buf = BUF_IN(&arena);
    (void)state;

    for (int width = 120; width < 140; width++)
        buf_printf(&buf, "%*d", width, width);
    assert_int_equal(buf.len, 20 * 129 + 10);
    assert_memory_equal(buf.ptr + buf.len - 3, "139", 3);
}

static void json_strings_escape_what_they_must_and_nothing_else(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct buf buf = BUF_IN(&arena);
    (void)state;

    buf_json_string(&buf, TEXT("a\"b\\c\b\t\n\f\r\x01\x1f/\x7f"));
    buf_json_string(&buf, TEXT(""));
    buf_json_string(&buf, (struct text){ "\0x", 2 });
    buf_json_string(&buf, TEXT("gr\xc3\xbc\xc3\x9f"));
    assert_holds(&buf, "\"a\\\"b\\\\c\\b\\t\\n\\f\\r\\u0001\\u001f/\x7f\"\"\"\"\\u0000x\"\"gr\xc3\xbc\xc3\x9f\"");
}

/* Limits of every range of Unicode's table of well-formed sequences, and just past them. */
static void utf8_takes_well_formed_characters_only(void **state)
{
    static const struct {
        const char *bytes;
        size_t len; /* 0: not well-formed */
    } cases[] = {
        { "\x7f", 1 },
        { "\xc2\x80", 2 },
        { "\xdf\xbf", 2 },
        { "\xe0\xa0\x80", 3 },
        { "\xed\x9f\xbf", 3 },
        { "\xee\x80\x80", 3 },
        { "\xef\xbf\xbf", 3 },
        { "\xf0\x90\x80\x80", 4 },
        { "\xf4\x8f\xbf\xbf", 4 },
        { "", 0 },
        { "\x80", 0 },
        { "\xc1\xbf", 0 },
        { "\xc2", 0 },
        { "\xc2\x7f", 0 },
        { "\xc2\xc0", 0 },
        { "\xe0\x9f\xbf", 0 },
        { "\xed\xa0\x80", 0 },
        { "\xe1\x80", 0 },
        { "\xe1\x80\x7f", 0 },
        { "\xf0\x8f\xbf\xbf", 0 },
        { "\xf4\x90\x80\x80", 0 },
        { "\xf5\x80\x80\x80", 0 },
        { "\xf1\x80\x80", 0 },
        { "\xff", 0 },
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(utf8_char_len(text_of(cases[i].bytes)), cases[i].len);
    assert_true(utf8_is_valid(TEXT("a\xc3\xbc\xf0\x9f\x98\x80z")));
    assert_false(utf8_is_valid(TEXT("a\xc3\xbc\xf0\x9f\x98")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_back_in_the_order_added_however_long),
        cmocka_unit_test(an_empty_addition_changes_nothing),
        cmocka_unit_test(integers_print_from_one_end_of_int64_to_the_other),
        cmocka_unit_test(printf_fits_whatever_comes),
        cmocka_unit_test(json_strings_escape_what_they_must_and_nothing_else),
        cmocka_unit_test(utf8_takes_well_formed_characters_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
