#include "model/order_state.h"
#include "tests/unit/unit.h"

/* One row a state, one column a target: '+' where a success of that rank moves the order. */
static const char *const advances[ORDER_STATES] = {
    /*                      PENDING PAYMENT INVENTORY FULFILLMENT COMPLETED CANCELLED */
    [ORDER_PENDING] = "-++++-",     [ORDER_PAYMENT] = "--+++-",   [ORDER_INVENTORY] = "---++-",
    [ORDER_FULFILLMENT] = "----+-", [ORDER_COMPLETED] = "------", [ORDER_CANCELLED] = "------",
};

/* One row a state, one column a reason: '+' where it cancels the order. */
static const char *const cancels[ORDER_STATES] = {
    /* payment_declined out_of_stock cancelled_by_customer timed_out fulfillment_refused */
    [ORDER_PENDING] = "++++-",     [ORDER_PAYMENT] = "++++-",   [ORDER_INVENTORY] = "++++-",
    [ORDER_FULFILLMENT] = "----+", [ORDER_COMPLETED] = "-----", [ORDER_CANCELLED] = "-----",
};

static void an_order_only_moves_forward(void **state)
{
    (void)state;

    for (enum order_state from = 0; from < ORDER_STATES; from++) {
        for (enum order_state target = 0; target < ORDER_STATES; target++)
            assert_int_equal(order_state_advances(from, target), advances[from][target] == '+');
    }
}

static void a_reason_cancels_only_where_it_may(void **state)
{
    (void)state;

    for (enum order_state from = 0; from < ORDER_STATES; from++) {
        for (enum cancel_reason reason = 0; reason < CANCEL_REASONS; reason++)
            assert_int_equal(order_state_cancellable(from, reason), cancels[from][reason] == '+');
    }
}

static void nothing_leaves_a_terminal_state_and_every_other_can_end_both_ways(void **state)
{
    (void)state;

    for (enum order_state from = 0; from < ORDER_STATES; from++) {
        bool moves = false, cancellable = false;

        for (enum order_state target = 0; target < ORDER_STATES; target++)
            moves |= order_state_advances(from, target);
        for (enum cancel_reason reason = 0; reason < CANCEL_REASONS; reason++)
            cancellable |= order_state_cancellable(from, reason);
        assert_int_equal(moves, !order_state_is_terminal(from));
        assert_int_equal(cancellable, !order_state_is_terminal(from));
    }
}

static void names_read_back_and_nothing_else_does(void **state)
{
    enum order_state parsed = ORDER_STATES;
    (void)state;

    for (enum order_state at = 0; at < ORDER_STATES; at++) {
        assert_true(order_state_parse(text_of(order_state_name(at)), &parsed));
        assert_int_equal(parsed, at);
    }
    assert_false(order_state_parse(TEXT("pending"), &parsed));
    assert_false(order_state_parse(TEXT("PENDING "), &parsed));
    assert_false(order_state_parse(TEXT(""), &parsed));
    assert_string_equal(cancel_reason_name(CANCEL_BY_CUSTOMER), "cancelled_by_customer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_only_moves_forward),
        cmocka_unit_test(a_reason_cancels_only_where_it_may),
        cmocka_unit_test(nothing_leaves_a_terminal_state_and_every_other_can_end_both_ways),
        cmocka_unit_test(names_read_back_and_nothing_else_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
