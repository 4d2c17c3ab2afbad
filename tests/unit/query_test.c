#include "base/buf.h"
#include "model/query.h"
#include "tests/unit/unit.h"

/* The pairs of QUERY as "name=value|name=value|". */
static struct text shown(struct arena *arena, const struct query *query)
{
    struct buf buf = BUF_IN(arena);

    for (size_t i = 0; i < query->count; i++)
        buf_printf(&buf, "%.*s=%.*s|", TEXT_FMT(query->params[i].name), TEXT_FMT(query->params[i].value));
    return buf_view(&buf);
}

static void pairs_come_out_decoded_in_the_order_written(void **state)
{
    static const struct {
        const char *text, *pairs;
    } cases[] = {
        { "", "" },
        { "page=2&size=50", "page=2|size=50|" },
        { "a", "a=|" },
        { "a=", "a=|" },
        { "=b", "=b|" },
        { "a=b=c", "a=b=c|" },
        { "&a=1&&b=2&", "a=1|b=2|" },
        { "a+b=c+d", "a b=c d|" },
        { "a%2Bb=c%2bd", "a+b=c+d|" },
        { "%61=%26%3D%25", "a=&=%|" },
        { "city=K%C3%B6ln", "city=K\xc3\xb6ln|" },
        { "city=K\xc3\xb6ln", "city=K\xc3\xb6ln|" },
        { "a=1&A=2", "a=1|A=2|" },
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ARENA_SCOPE arena = { 0 };
        struct fault fault = { 0 };
        struct query query;

        assert_true(query_parse(text_of(cases[i].text), &arena, &query, &fault));
        assert_true(text_is(shown(&arena, &query), cases[i].pairs));
    }
}

static void what_is_broken_is_refused_by_name(void **state)
{
    static const struct {
        const char *text, *detail;
    } cases[] = {
        { "ok=1&page=%", "query parameter 'page' has a '%'" },
        { "page=%4", "query parameter 'page' has a '%'" },
        { "page=%4g", "query parameter 'page' has a '%'" },
        { "pa%zzge=1", "query parameter 'pa%zzge' has a '%'" },
        { "page=%00", "query parameter 'page' holds a NUL" },
        { "page=%FF", "query parameter 'page' is not UTF-8" },
        { "page=%ED%A0%80", "query parameter 'page' is not UTF-8" },
        { "\xffz\x01=1", "query parameter '?z?' is not UTF-8" },
        { "page=1&page=1", "query parameter 'page' is given twice" },
        { "page=1&%70age=2", "query parameter '%70age' is given twice" },
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ARENA_SCOPE arena = { 0 };
        struct fault fault = { 0 };
        struct query query;

        assert_false(query_parse(text_of(cases[i].text), &arena, &query, &fault));
        assert_int_equal(fault.kind, FAULT_INVALID);
        if (strncmp(fault.detail, cases[i].detail, strlen(cases[i].detail)) != 0)
            fail_msg("%s: %s", cases[i].text, fault.detail);
    }
}

static void there_is_a_last_pair(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct buf buf = BUF_IN(&arena);
    struct fault fault = { 0 };
    struct query query;
    (void)state;

    for (int i = 0; i < QUERY_PARAMS_MAX; i++)
        buf_printf(&buf, "&p%d=%d", i, i);
    assert_true(query_parse(buf_view(&buf), &arena, &query, &fault));
    assert_int_equal(query.count, QUERY_PARAMS_MAX);
    buf_str(&buf, "&last=1");
    assert_false(query_parse(buf_view(&buf), &arena, &query, &fault));
    assert_string_equal(fault.detail, "query parameter 'last' is one too many");
}

static void an_empty_value_is_told_from_an_absent_one(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct fault fault = { 0 };
    struct query query;
    (void)state;

    assert_true(query_parse(TEXT("status=&page=2"), &arena, &query, &fault));
    assert_non_null(query_get(&query, "status").ptr);
    assert_int_equal(query_get(&query, "status").len, 0);
    assert_true(text_is(query_get(&query, "page"), "2"));
    assert_null(query_get(&query, "size").ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_come_out_decoded_in_the_order_written),
        cmocka_unit_test(what_is_broken_is_refused_by_name),
        cmocka_unit_test(there_is_a_last_pair),
        cmocka_unit_test(an_empty_value_is_told_from_an_absent_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
