#include "base/buf.h"
#include "model/query.h"
#include "tests/unit/unit.h"

/* The pairs of QUERY as "name=value|name=value|"; of a wrong one "name what is wrong|". */
static struct text shown(struct arena *arena, const struct query *query)
{
    struct buf buf = BUF_IN(arena);

    for (size_t i = 0; i < query->count; i++) {
        const struct query_param *param = &query->params[i];

        if (param->wrong)
            buf_printf(&buf, "%.*s %s|", TEXT_FMT(param->name), param->wrong);
        else
            buf_printf(&buf, "%.*s=%.*s|", TEXT_FMT(param->name), TEXT_FMT(param->value));
    }
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
        struct query query;

        query_parse(text_of(cases[i].text), &arena, &query);
        assert_true(text_is(shown(&arena, &query), cases[i].pairs));
    }
}

#define ESCAPE "has a '%' that is not followed by two hexadecimal digits|"

static void each_pair_that_is_wrong_says_so_by_name(void **state)
{
    static const struct {
        const char *text, *pairs;
    } cases[] = {
        { "ok=1&page=%", "ok=1|page " ESCAPE },
        { "page=%4", "page " ESCAPE },
        { "page=%4g", "page " ESCAPE },
        { "pa%zzge=1", "pa%zzge " ESCAPE },
        { "page=%00", "page holds a NUL|" },
        { "page=%FF", "page is not UTF-8|" },
        { "page=%ED%A0%80", "page is not UTF-8|" },
        { "\xffz\x01=1", "?z? is not UTF-8|" },
        { "page=1&page=1", "page=1|page is given twice|" },
        { "page=1&%70age=2", "page=1|page is given twice|" },
        { "page=%&page=1", "page " ESCAPE "page is given twice|" },
        { "a=%&b=%00&c=1&%ff=&c=2", "a " ESCAPE "b holds a NUL|c=1|%ff is not UTF-8|c is given twice|" },
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ARENA_SCOPE arena = { 0 };
        struct query query;
        struct text pairs;

        query_parse(text_of(cases[i].text), &arena, &query);
        pairs = shown(&arena, &query);
        if (!text_is(pairs, cases[i].pairs))
            fail_msg("%s: %.*s", cases[i].text, TEXT_FMT(pairs));
    }
}

static void there_is_a_last_pair(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct buf buf = BUF_IN(&arena);
    struct query query;
    (void)state;

    for (int i = 0; i < QUERY_PARAMS_MAX; i++)
        buf_printf(&buf, "&p%d=%d", i, i);
    query_parse(buf_view(&buf), &arena, &query);
    assert_int_equal(query.count, QUERY_PARAMS_MAX);
    assert_null(query.params[QUERY_PARAMS_MAX - 1].wrong);
    buf_str(&buf, "&last=1&unseen=%");
    query_parse(buf_view(&buf), &arena, &query);
    assert_int_equal(query.count, QUERY_PARAMS_MAX + 1);
    assert_true(text_is(query.params[QUERY_PARAMS_MAX].name, "last"));
    assert_string_equal(query.params[QUERY_PARAMS_MAX].wrong, "is one too many");
}

static void an_empty_value_is_told_from_an_absent_one(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct query query;
    (void)state;

    query_parse(TEXT("status=&page=2&cursor=%"), &arena, &query);
    assert_non_null(query_get(&query, "status").ptr);
    assert_int_equal(query_get(&query, "status").len, 0);
    assert_true(text_is(query_get(&query, "page"), "2"));
    assert_null(query_get(&query, "size").ptr);
    assert_null(query_get(&query, "cursor").ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_come_out_decoded_in_the_order_written),
        cmocka_unit_test(each_pair_that_is_wrong_says_so_by_name),
        cmocka_unit_test(there_is_a_last_pair),
        cmocka_unit_test(an_empty_value_is_told_from_an_absent_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
