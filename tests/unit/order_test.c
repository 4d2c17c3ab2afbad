#include "model/order.h"
#include "tests/unit/unit.h"

static struct order example(struct order_line *lines, size_t count)
{
    return (struct order){
        .currency = "USD",
        .currency_decimals = 2,
        .lines = lines,
        .line_count = count,
        .address = { .country = TEXT("Germany"), .city = TEXT("K\xc3\xb6ln"), .line1 = TEXT("Domplatz \"1\"") },
    };
}

static void the_total_is_the_sum_of_rounded_lines(void **state)
{
    struct order_line lines[] = { { TEXT("SKU-1"), 33000, 1999 }, { TEXT("SKU-2"), 14500, 2500 } };
    struct order_line halves[] = { { TEXT("a"), 500, 1 }, { TEXT("b"), 500, 1 } };
    struct order order = example(lines, 2), rounded = example(halves, 2);
    size_t line;
    (void)state;

    assert_true(order_total(&order, &line));
    assert_int_equal(order.total_minor, 102217);
    assert_true(order_total(&rounded, &line));
    assert_int_equal(rounded.total_minor, 2);
}

static void the_line_at_which_the_total_overflows_is_named(void **state)
{
    struct order_line sum[] = { { TEXT("a"), 1000, INT64_MAX - 1 }, { TEXT("b"), 1000, 1 }, { TEXT("c"), 1000, 1 } };
    struct order_line product[] = { { TEXT("a"), 1000, 1 }, { TEXT("b"), 2000, INT64_MAX } };
    struct order order = example(sum, 3);
    size_t line = 99;
    (void)state;

    assert_false(order_total(&order, &line));
    assert_int_equal(line, 2);
    order = example(product, 2);
    assert_false(order_total(&order, &line));
    assert_int_equal(line, 1);
}

static void assert_appends(void (*append)(struct buf *, const struct order *), const struct order *order,
                           const char *expected)
{
    ARENA_SCOPE arena = { 0 };
    struct buf buf = BUF_IN(&arena);

    append(&buf, order);
    buf_char(&buf, '\0');
    assert_string_equal(buf.ptr, expected);
}

static void items_print_canonically(void **state)
{
    struct order_line lines[] = { { TEXT("SKU-1"), 14500, 2500 }, { TEXT("a\"\\"), 1, 0 }, { TEXT("c"), 33000, 1999 } };
    struct order order = example(lines, 3);
    (void)state;

    assert_appends(order_append_items, &order,
                   "[{\"sku\":\"SKU-1\",\"quantity\":14.5,\"unitPrice\":25.00},"
                   "{\"sku\":\"a\\\"\\\\\",\"quantity\":0.001,\"unitPrice\":0.00},"
                   "{\"sku\":\"c\",\"quantity\":33,\"unitPrice\":19.99}]");
    assert_appends(order_append_event_lines, &order,
                   "[{\"sku\":\"SKU-1\",\"quantity\":14.5},{\"sku\":\"a\\\"\\\\\",\"quantity\":0.001},"
                   "{\"sku\":\"c\",\"quantity\":33}]");
    order.line_count = 1;
    order.currency_decimals = 0;
    assert_appends(order_append_items, &order, "[{\"sku\":\"SKU-1\",\"quantity\":14.5,\"unitPrice\":2500}]");
    order.currency_decimals = 3;
    assert_appends(order_append_items, &order, "[{\"sku\":\"SKU-1\",\"quantity\":14.5,\"unitPrice\":2.500}]");
}

static void an_address_prints_what_was_sent_and_leaves_out_the_rest(void **state)
{
    struct order order = example(NULL, 0);
    (void)state;

    assert_appends(order_append_address, &order,
                   "{\"country\":\"Germany\",\"city\":\"K\xc3\xb6ln\",\"addressLine1\":\"Domplatz \\\"1\\\"\"}");
    order.address.postal_code = TEXT("50667");
    order.address.line2 = TEXT("2nd floor");
    order.address.region = TEXT("NRW");
    assert_appends(order_append_address, &order,
                   "{\"country\":\"Germany\",\"city\":\"K\xc3\xb6ln\",\"addressLine1\":\"Domplatz \\\"1\\\"\","
                   "\"addressLine2\":\"2nd floor\",\"postalCode\":\"50667\",\"region\":\"NRW\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_total_is_the_sum_of_rounded_lines),
        cmocka_unit_test(the_line_at_which_the_total_overflows_is_named),
        cmocka_unit_test(items_print_canonically),
        cmocka_unit_test(an_address_prints_what_was_sent_and_leaves_out_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
