#include "base/buf.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/json_text.h"
#include "tests/unit/unit.h"
#include <stdio.h>
#include <stdlib.h>

static bool check(struct text text, struct arena *arena)
{
    struct fault fault = { 0 };

    if (json_text_check(text, arena, NULL, &fault))
        return true;
    assert_int_equal(fault.kind, FAULT_INVALID);
    assert_non_null(strstr(fault.detail, "at byte "));
    return false;
}

/* A line of the corpus in place: ~HH becomes the byte HH. */
static size_t resolve(char *line)
{
    char *out = line;

    for (const char *at = line; *at != '\0' && *at != '\n'; at++) {
        if (*at == '~') {
            *out++ = (char)(hex_value(at[1]) * 16 + hex_value(at[2]));
            at += 2;
        } else {
            *out++ = *at;
        }
    }
    return (size_t)(out - line);
}

/* COUNT times TEXT, in memory of exactly that length, so that reading past it is noticed. */
static bool check_repeated(struct text text, size_t count, struct arena *arena)
{
    char *copy = malloc(text.len * count);
    bool good;

    for (size_t i = 0; i < count; i++)
        memcpy(copy + i * text.len, text.ptr, text.len);
    good = check((struct text){ copy, text.len * count }, arena);
    free(copy);
    return good;
}

/* A file of lines "+ TEXT" and "- TEXT", or with NAMED "+ NAME COUNT TEXT"; any other line says something to people. */
static void judge_corpus(const char *path, bool named, int *good, int *bad)
{
    ARENA_SCOPE arena = { 0 };
    FILE *corpus = fopen(path, "re");
    char line[2048];
    int number = 0;

    assert_non_null(corpus);
    *good = *bad = 0;
    while (fgets(line, sizeof line, corpus)) {
        bool expected = line[0] == '+';
        char *at = line + 2;
        size_t count = 1;

        number++;
        if (!expected && line[0] != '-')
            continue;
        if (named) {
            count = strtoul(strchr(at, ' '), &at, 10);
            at++;
        }
        if (check_repeated((struct text){ at, resolve(at) }, count, &arena) != expected)
            fail_msg("%s:%d is judged wrongly", path, number);
        arena_reset(&arena);
        ++*(expected ? good : bad);
    }
    fclose(corpus);
}

static void every_text_of_the_corpus_is_judged_as_marked(void **state)
{
    int good, bad;
    (void)state;

    judge_corpus("corpus/json_text.txt", false, &good, &bad);
    assert_true(good >= 50);
    assert_true(bad >= 100);
}

static void every_text_of_jsontestsuite_is_judged_as_marked(void **state)
{
    int good, bad;
    (void)state;

    judge_corpus("corpus/JSONTestSuite.txt", true, &good, &bad);
    assert_int_equal(good, 101); /* 91 of its 95 y_, and 10 of its 35 i_ */
    assert_int_equal(bad, 217);
}

static void numbers_are_kept_as_written_in_document_order(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct json_numbers numbers;
    struct fault fault = { 0 };
    (void)state;

    assert_true(json_text_check(TEXT(" {\"a\":[19.990,-0],\"9\":\"8\",\"b\":{\"c\":1E+2}} "), &arena, &numbers, &fault));
    assert_int_equal(numbers.count, 3);
    assert_true(text_is(numbers.tokens[0], "19.990"));
    assert_true(text_is(numbers.tokens[1], "-0"));
    assert_true(text_is(numbers.tokens[2], "1E+2"));
}

static void thousands_of_numbers_are_all_kept(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct buf buf = BUF_IN(&arena);
    struct json_numbers numbers;
    struct fault fault = { 0 };
    (void)state;

    buf_char(&buf, '[');
    for (int i = 0; i < 5000; i++)
        buf_printf(&buf, i ? ",%d" : "%d", i);
    buf_char(&buf, ']');
    assert_true(json_text_check(buf_view(&buf), &arena, &numbers, &fault));
    assert_int_equal(numbers.count, 5000);
    assert_true(text_is(numbers.tokens[63], "63"));
    assert_true(text_is(numbers.tokens[4999], "4999"));
}

static void a_fault_names_the_byte(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct fault fault = { 0 };
    (void)state;

    assert_false(json_text_check(TEXT("{\"a\":1,}"), &arena, NULL, &fault));
    assert_non_null(strstr(fault.detail, "at byte 7"));
    assert_false(json_text_check(TEXT("{\"a\":1, \"a\":2}"), &arena, NULL, &fault));
    assert_string_equal(fault.detail, "duplicate member name at byte 8");
}

static void depth_is_bounded_on_both_sides_of_the_limit(void **state)
{
    ARENA_SCOPE arena = { 0 };
    char text[2 * (JSON_DEPTH_MAX + 1)];
    (void)state;

    for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(check((struct text){ text, 2 * depth }, &arena), depth <= JSON_DEPTH_MAX);
    }
}

/* Every control byte, every lone continuation byte, at every offset of the 8 bytes that are looked at in one go. */
static void a_bad_byte_is_found_wherever_it_stands(void **state)
{
    ARENA_SCOPE arena = { 0 };
    (void)state;

    for (int byte = 0; byte < 256; byte++) {
        bool bad = byte < 0x20 || byte == '"' || byte == '\\' || byte >= 0x80;

        for (size_t at = 1; at <= 17; at++) {
            char text[20];

            memset(text, 'x', sizeof text);
            text[0] = text[19] = '"';
            text[at] = (char)byte;
            if (check((struct text){ text, sizeof text }, &arena) == bad)
                fail_msg("byte %02x at %zu", (unsigned)byte, at);
        }
    }
}

static void every_proper_prefix_of_a_valid_object_is_refused(void **state)
{
    static const char text[] = "{\"k\\u00fc\\ud83d\\ude00\":[1.5e-3,true,false,null,\"\xf0\x9f\x98\x80\"],\"b\":{}}";
    ARENA_SCOPE arena = { 0 };
    (void)state;

    for (size_t len = 0; len < sizeof text - 1; len++) {
        char *copy = malloc(len); /* NOLINT(clang-analyzer-optin.portability.UnixAPI): none at all is a prefix too */

        memcpy(copy, text, len);
        assert_false(check((struct text){ copy, len }, &arena));
        free(copy);
    }
    assert_true(check(TEXT(text), &arena));
}

static void a_late_duplicate_among_thousands_of_names_is_found(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct buf buf = BUF_IN(&arena);
    int64_t start = clock_mono_ms();
    (void)state;

    buf_char(&buf, '{');
    for (int i = 0; i < 100000; i++)
        buf_printf(&buf, "\"n%d\":0,", i);
    buf_str(&buf, "\"last\":0}");
    assert_true(check(buf_view(&buf), &arena));
    buf.len -= strlen("\"last\":0}");
    buf_str(&buf, "\"n\\u0030\":0}");
    assert_false(check(buf_view(&buf), &arena));
    assert_true(clock_mono_ms() - start < 60000); /* a quadratic search takes far longer */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_of_the_corpus_is_judged_as_marked),
        cmocka_unit_test(every_text_of_jsontestsuite_is_judged_as_marked),
        cmocka_unit_test(numbers_are_kept_as_written_in_document_order),
        cmocka_unit_test(thousands_of_numbers_are_all_kept),
        cmocka_unit_test(a_fault_names_the_byte),
        cmocka_unit_test(depth_is_bounded_on_both_sides_of_the_limit),
        cmocka_unit_test(a_bad_byte_is_found_wherever_it_stands),
        cmocka_unit_test(every_proper_prefix_of_a_valid_object_is_refused),
        cmocka_unit_test(a_late_duplicate_among_thousands_of_names_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
