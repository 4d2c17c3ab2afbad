/* inventory_allocate_test.c - lines against shelves: all or none, no more than there is. */
#include "tests/unit/unit.h"
#include "workers/services/inventory_allocate.h"

#define LINES(...)                                                                                                          \
    (&(struct lines){ (struct line[]){ __VA_ARGS__ }, sizeof((struct line[]){ __VA_ARGS__ }) / sizeof(struct line) })

/* Shelves in byte order, as the database returns them. */
struct fixture {
    struct arena arena;
    struct shelf shelves[3];
    struct stock stock;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){
        .shelves = { { TEXT("SKU-1"), 5000 }, { TEXT("SKU-10"), 1500 }, { TEXT("SKU-2"), 0 } },
    };
    fixture.stock = (struct stock){ fixture.shelves, 3 };
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    arena_free(&fixture->arena);
    return 0;
}

static enum allocation take(struct fixture *fixture, const struct lines *lines, struct text *sku)
{
    struct lines folded = lines_fold(lines, &fixture->arena);

    return stock_take(&fixture->stock, &folded, sku);
}

static void lines_that_repeat_a_sku_add_up(void **state)
{
    struct fixture *fixture = *state;
    struct lines folded =
        lines_fold(LINES({ TEXT("b"), 1000 }, { TEXT("a"), 500 }, { TEXT("b"), 250 }, { TEXT("ab"), 1 }, { TEXT("b"), 1 }),
                   &fixture->arena);

    assert_int_equal(folded.count, 3);
    assert_true(text_is(folded.at[0].sku, "a"));
    assert_true(text_is(folded.at[1].sku, "ab"));
    assert_true(text_is(folded.at[2].sku, "b"));
    assert_int_equal(folded.at[0].quantity_milli, 500);
    assert_int_equal(folded.at[1].quantity_milli, 1);
    assert_int_equal(folded.at[2].quantity_milli, 1251);
}

static void sums_past_int64_stay_at_its_largest_value(void **state)
{
    struct fixture *fixture = *state;
    struct lines folded =
        lines_fold(LINES({ TEXT("a"), INT64_MAX }, { TEXT("a"), INT64_MAX }, { TEXT("a"), 1 }), &fixture->arena);

    assert_int_equal(folded.count, 1);
    assert_int_equal(folded.at[0].quantity_milli, INT64_MAX);
}

static void an_order_takes_all_its_lines(void **state)
{
    struct fixture *fixture = *state;
    struct text sku = { 0 };

    assert_int_equal(take(fixture, LINES({ TEXT("SKU-10"), 1500 }, { TEXT("SKU-1"), 2000 }), &sku), ALLOCATION_DONE);
    assert_null(sku.ptr);
    assert_int_equal(fixture->shelves[0].on_hand_milli, 3000);
    assert_int_equal(fixture->shelves[1].on_hand_milli, 0);
}

static void a_short_line_takes_nothing_and_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct text sku;

    assert_int_equal(take(fixture, LINES({ TEXT("SKU-1"), 1 }, { TEXT("SKU-2"), 1 }), &sku), ALLOCATION_OUT_OF_STOCK);
    assert_true(text_is(sku, "SKU-2"));
    assert_int_equal(fixture->shelves[0].on_hand_milli, 5000);
}

static void repeated_lines_are_short_together_though_each_could_be_had(void **state)
{
    struct fixture *fixture = *state;
    struct text sku;

    assert_int_equal(take(fixture, LINES({ TEXT("SKU-1"), 2501 }, { TEXT("SKU-1"), 2500 }), &sku), ALLOCATION_OUT_OF_STOCK);
    assert_int_equal(fixture->shelves[0].on_hand_milli, 5000);
}

static void an_unknown_sku_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct text sku;
    enum allocation allocation = take(fixture, LINES({ TEXT("SKU-1"), 1 }, { TEXT("SKU"), 1 }), &sku);

    assert_string_equal(allocation_reason(allocation), "unknown_sku");
    assert_true(text_is(sku, "SKU"));
    assert_int_equal(fixture->shelves[0].on_hand_milli, 5000);
}

static void without_shelves_every_sku_is_unknown(void **state)
{
    struct fixture *fixture = *state;
    struct text sku;

    fixture->stock = (struct stock){ 0 };
    assert_int_equal(take(fixture, LINES({ TEXT("SKU-1"), 1 }), &sku), ALLOCATION_UNKNOWN_SKU);
}

static void first_come_first_served_to_the_last_piece(void **state)
{
    struct fixture *fixture = *state;
    struct text sku;

    for (int order = 0; order < 5; order++)
        assert_int_equal(take(fixture, LINES({ TEXT("SKU-1"), 1000 }), &sku), ALLOCATION_DONE);
    assert_int_equal(take(fixture, LINES({ TEXT("SKU-1"), 1 }), &sku), ALLOCATION_OUT_OF_STOCK);
}

static void what_is_put_back_can_be_taken_again(void **state)
{
    struct fixture *fixture = *state;
    struct text sku;

    assert_int_equal(take(fixture, LINES({ TEXT("SKU-1"), 5000 }), &sku), ALLOCATION_DONE);
    stock_put_back(&fixture->stock, LINES({ TEXT("SKU-1"), 5000 }));
    assert_int_equal(take(fixture, LINES({ TEXT("SKU-1"), 5000 }), &sku), ALLOCATION_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_that_repeat_a_sku_add_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sums_past_int64_stay_at_its_largest_value, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_order_takes_all_its_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_short_line_takes_nothing_and_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(repeated_lines_are_short_together_though_each_could_be_had, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unknown_sku_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_shelves_every_sku_is_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(first_come_first_served_to_the_last_piece, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_put_back_can_be_taken_again, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
