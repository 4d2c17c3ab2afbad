/* Every event against every state: what it does to the order. */
#include "tests/unit/unit.h"
#include "workers/services/order_steps.h"

#define NO ORDER_STATES /* no move */

static void each_event_moves_each_state_as_the_table_says(void **state)
{
    static const struct {
        const char *type;
        enum order_state last[ORDER_STATES]; /* entered last, coming from PENDING, PAYMENT, ... */
    } cases[] = {
        { "order.created", { ORDER_PAYMENT, NO, NO, NO, NO, NO } },
        { "payment.authorized", { ORDER_INVENTORY, ORDER_INVENTORY, NO, NO, NO, NO } },
        { "inventory.reserved", { ORDER_FULFILLMENT, ORDER_FULFILLMENT, ORDER_FULFILLMENT, NO, NO, NO } },
        { "fulfillment.shipped", { ORDER_COMPLETED, ORDER_COMPLETED, ORDER_COMPLETED, ORDER_COMPLETED, NO, NO } },
        { "payment.declined", { ORDER_CANCELLED, ORDER_CANCELLED, ORDER_CANCELLED, NO, NO, NO } },
        { "inventory.rejected", { ORDER_CANCELLED, ORDER_CANCELLED, ORDER_CANCELLED, NO, NO, NO } },
        { "fulfillment.rejected", { NO, NO, NO, ORDER_CANCELLED, NO, NO } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (int from = 0; from < ORDER_STATES; from++) {
            enum order_state steps[ORDER_STATES];
            size_t count = order_steps((enum order_state)from, order_cause_find(text_of(cases[i].type)), steps);

            assert_int_equal(count > 0 ? steps[count - 1] : NO, cases[i].last[from]);
        }
}

static void an_early_success_passes_through_every_stage_between(void **state)
{
    enum order_state steps[ORDER_STATES];

    (void)state;
    assert_int_equal(order_steps(ORDER_PENDING, order_cause_find(TEXT("fulfillment.shipped")), steps), 4);
    assert_int_equal(steps[0], ORDER_PAYMENT);
    assert_int_equal(steps[1], ORDER_INVENTORY);
    assert_int_equal(steps[2], ORDER_FULFILLMENT);
    assert_int_equal(steps[3], ORDER_COMPLETED);
}

static void each_refusal_names_its_reason(void **state)
{
    (void)state;
    assert_int_equal(order_cause_find(TEXT("payment.declined"))->reason, CANCEL_PAYMENT_DECLINED);
    assert_int_equal(order_cause_find(TEXT("inventory.rejected"))->reason, CANCEL_OUT_OF_STOCK);
    assert_int_equal(order_cause_find(TEXT("fulfillment.rejected"))->reason, CANCEL_FULFILLMENT_REFUSED);
    assert_null(order_cause_find(TEXT("payment.refunded")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_moves_each_state_as_the_table_says),
        cmocka_unit_test(an_early_success_passes_through_every_stage_between),
        cmocka_unit_test(each_refusal_names_its_reason),
    };

    return cmocka_run_group_tests_name("order steps", tests, NULL, NULL);
}
