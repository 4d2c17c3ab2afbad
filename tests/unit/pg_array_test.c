/* pg_array_test.c - arrays byte by byte as array_recv of PostgreSQL reads them, and what SQLSTATEs mean. */
#include "io/pg.h"
#include "unit.h"

static struct arena arena;

static int forget(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* ARRAY as the first parameter of a call looks like EXPECTED and has that type. */
static void assert_sent(struct pg_array *array, unsigned type, struct text expected)
{
    struct pg_args args = PG_ARGS_IN(&arena);

    pg_arg_array(&args, array);
    assert_int_equal(args.count, 1);
    assert_int_equal(args.types[0], type);
    assert_int_equal(args.formats[0], 1);
    assert_int_equal(args.lengths[0], expected.len);
    assert_memory_equal(args.values[0], expected.ptr, expected.len);
}

static void an_empty_array_has_no_dimension(void **state)
{
    (void)state;
    assert_sent(pg_array_new(&arena, PG_UUID, 8), 2951, TEXT("\0\0\0\0\0\0\0\0\0\0\x0b\x86"));
}

static void integers_travel_in_network_order(void **state)
{
    struct pg_array *array = pg_array_new(&arena, PG_INT8, 0);

    (void)state;
    pg_array_int64(array, 258);
    pg_array_int64(array, -1);
    assert_sent(array, 1016,
                TEXT("\0\0\0\1\0\0\0\0\0\0\0\x14\0\0\0\2\0\0\0\1"
                     "\0\0\0\x8\0\0\0\0\0\0\1\2"
                     "\0\0\0\x8\xff\xff\xff\xff\xff\xff\xff\xff"));
}

static void a_null_has_length_minus_one_and_raises_the_flag(void **state)
{
    struct pg_array *array = pg_array_new(&arena, PG_TEXT, 3);

    (void)state;
    pg_array_text(array, TEXT("ab"));
    pg_array_text(array, (struct text){ 0 });
    pg_array_text(array, TEXT(""));
    assert_int_equal(pg_array_count(array), 3);
    assert_sent(array, 1009,
                TEXT("\0\0\0\1\0\0\0\1\0\0\0\x19\0\0\0\3\0\0\0\1"
                     "\0\0\0\2"
                     "ab"
                     "\xff\xff\xff\xff"
                     "\0\0\0\0"));
}

static void booleans_are_one_byte(void **state)
{
    struct pg_array *array = pg_array_new(&arena, PG_BOOL, 1);

    (void)state;
    pg_array_bool(array, true);
    assert_sent(array, 1000, TEXT("\0\0\0\1\0\0\0\0\0\0\0\x10\0\0\0\1\0\0\0\1\0\0\0\1\1"));
}

static void an_array_may_grow_past_what_was_expected(void **state)
{
    struct pg_array *array = pg_array_new(&arena, PG_INT4, 1);
    struct pg_args args = PG_ARGS_IN(&arena);

    (void)state;
    for (int32_t i = 0; i < 1000; i++)
        pg_array_int32(array, i);
    pg_arg_array(&args, array);
    assert_int_equal(args.lengths[0], 20 + 1000 * 8);
    assert_memory_equal(args.values[0] + args.lengths[0] - 8, "\0\0\0\4\0\0\3\xe7", 8);
}

static void sql_null_differs_from_an_empty_text(void **state)
{
    struct pg_args args = PG_ARGS_IN(&arena);

    (void)state;
    pg_arg_text(&args, (struct text){ 0 });
    pg_arg_text(&args, TEXT(""));
    pg_arg_uuid(&args, NULL);
    assert_null(args.values[0]);
    assert_non_null(args.values[1]);
    assert_null(args.values[2]);
}

static void sqlstates_tell_what_to_do_next(void **state)
{
    static const struct {
        const char *sqlstate;
        enum fault_kind kind;
    } cases[] = {
        { "08006", FAULT_TRANSIENT }, { "57P01", FAULT_TRANSIENT }, { "57P03", FAULT_TRANSIENT },
        { "53100", FAULT_TRANSIENT }, { "40001", FAULT_TRANSIENT }, { "40P01", FAULT_TRANSIENT },
        { "55P03", FAULT_TRANSIENT }, { "57014", FAULT_TIMEOUT },   { "25P03", FAULT_TRANSIENT },
        { "22P02", FAULT_PERMANENT }, { "23505", FAULT_PERMANENT }, { "42883", FAULT_PERMANENT },
        { "40002", FAULT_PERMANENT }, { "25P02", FAULT_PERMANENT }, { "", FAULT_PERMANENT },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(pg_fault_kind(cases[i].sqlstate), cases[i].kind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_array_has_no_dimension),
        cmocka_unit_test(integers_travel_in_network_order),
        cmocka_unit_test(a_null_has_length_minus_one_and_raises_the_flag),
        cmocka_unit_test(booleans_are_one_byte),
        cmocka_unit_test(an_array_may_grow_past_what_was_expected),
        cmocka_unit_test(sql_null_differs_from_an_empty_text),
        cmocka_unit_test(sqlstates_tell_what_to_do_next),
    };

    return cmocka_run_group_tests(tests, NULL, forget);
}
