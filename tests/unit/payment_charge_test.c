/* payment_charge_test.c - every state of a charge against every event, and the simulated gateway. */
#include "base/cleanup.h"
#include "tests/unit/unit.h"
#include "workers/services/payment_charge.h"
#include "workers/services/payment_simulator.h"

enum {
    NEW = CHARGE_NEW,
    CHARGING = CHARGE_CHARGING,
    CANCELLING = CHARGE_CANCELLING,
    STALLED = CHARGE_STALLED,
    AUTHORIZED = CHARGE_AUTHORIZED,
    DECLINED = CHARGE_DECLINED,
    CANCELLED = CHARGE_CANCELLED,
    REFUNDING = CHARGE_REFUNDING,
    REFUNDED = CHARGE_REFUNDED,
    FAILED = CHARGE_COMPENSATION_FAILED,
};

static void each_event_in_each_state_leads_where_the_table_says(void **state)
{
    /* Columns as enum charge_event: created, authorized, declined, gave up, cancelled, refunded, refund failed, nudged. */
    static const int to[CHARGE_STATES][CHARGE_EVENTS] = {
        [NEW] = { CHARGING, NEW, NEW, NEW, CANCELLED, NEW, NEW, NEW },
        [CHARGING] = { CHARGING, AUTHORIZED, DECLINED, STALLED, CANCELLING, CHARGING, CHARGING, CHARGING },
        [CANCELLING] = { CANCELLING, REFUNDING, CANCELLED, FAILED, CANCELLING, CANCELLING, CANCELLING, CANCELLING },
        [STALLED] = { STALLED, AUTHORIZED, DECLINED, STALLED, FAILED, STALLED, STALLED, STALLED },
        [AUTHORIZED] = { AUTHORIZED, AUTHORIZED, AUTHORIZED, AUTHORIZED, REFUNDING, AUTHORIZED, AUTHORIZED, AUTHORIZED },
        [DECLINED] = { DECLINED, DECLINED, DECLINED, DECLINED, DECLINED, DECLINED, DECLINED, DECLINED },
        [CANCELLED] = { CANCELLED, CANCELLED, CANCELLED, CANCELLED, CANCELLED, CANCELLED, CANCELLED, CANCELLED },
        [REFUNDING] = { REFUNDING, REFUNDING, REFUNDING, REFUNDING, REFUNDING, REFUNDED, FAILED, REFUNDING },
        [REFUNDED] = { REFUNDED, REFUNDED, REFUNDED, REFUNDED, REFUNDED, REFUNDED, REFUNDED, REFUNDED },
        [FAILED] = { FAILED, REFUNDING, CANCELLED, FAILED, FAILED, REFUNDED, FAILED, FAILED },
    };

    (void)state;
    for (int from = 0; from < CHARGE_STATES; from++)
        for (int event = 0; event < CHARGE_EVENTS; event++) {
            struct charge_decision decision = charge_decide((enum charge_state)from, (enum charge_event)event);

            if ((int)decision.state != to[from][event])
                fail_msg("%s, event %d: %s", charge_state_names[from], event, charge_state_names[decision.state]);
        }
}

static void an_event_is_told_when_its_state_is_entered_and_when_asked_again(void **state)
{
    static const char *const told[CHARGE_STATES] = {
        [AUTHORIZED] = "payment.authorized",
        [DECLINED] = "payment.declined",
        [REFUNDED] = "payment.refunded",
    };

    (void)state;
    for (int from = 0; from < CHARGE_STATES; from++)
        for (int event = 0; event < CHARGE_EVENTS; event++) {
            struct charge_decision decision = charge_decide((enum charge_state)from, (enum charge_event)event);
            bool news = (int)decision.state != from || event == CHARGE_ON_NUDGED;

            if (news && told[decision.state])
                assert_string_equal(decision.emit, told[decision.state]);
            else
                assert_null(decision.emit);
        }
}

static void the_gateway_is_asked_where_a_state_of_asking_is_entered(void **state)
{
    (void)state;
    for (int from = 0; from < CHARGE_STATES; from++)
        for (int event = 0; event < CHARGE_EVENTS; event++) {
            struct charge_decision decision = charge_decide((enum charge_state)from, (enum charge_event)event);
            bool enters = (int)decision.state != from;
            enum charge_call expected = enters && decision.state == CHARGE_CHARGING    ? CHARGE_CALL_CHARGE
                                        : enters && decision.state == CHARGE_REFUNDING ? CHARGE_CALL_REFUND
                                                                                       : CHARGE_CALL_NONE;

            assert_int_equal(decision.call, expected);
        }
}

static const struct uuid nobody;

static void the_simulator_declines_what_is_above_its_limit_and_nothing_else(void **state)
{
    const struct payment_simulator simulator = { .decline_over_minor = 5000 };
    struct uuid order_id = uuid_v7();

    (void)state;
    assert_null(payment_simulate(&simulator, &order_id, &nobody, 0));
    assert_null(payment_simulate(&simulator, &order_id, &nobody, 5000));
    assert_string_equal(payment_simulate(&simulator, &order_id, &nobody, 5001), "amount_over_limit");
    assert_string_equal(payment_simulate(&simulator, &order_id, &nobody, INT64_MAX), "amount_over_limit");
}

static void the_simulator_declines_a_customer(void **state)
{
    const struct payment_simulator simulator = {
        .decline_over_minor = 5000,
        .declines_a_customer = true,
        .decline_customer.bytes[0] = 7,
    };
    struct uuid order_id = uuid_v7();

    (void)state;
    assert_null(payment_simulate(&simulator, &order_id, &nobody, 1));
    assert_string_equal(payment_simulate(&simulator, &order_id, &simulator.decline_customer, 1), "customer_blocked");
}

static void the_simulator_declines_at_a_rate_and_the_seed_chooses_whom(void **state)
{
    struct payment_simulator one = { .decline_over_minor = 1, .decline_permille = 200, .seed = 1 }, other = one;
    int declined = 0, different = 0;

    (void)state;
    other.seed = 2;
    for (int i = 0; i < 10000; i++) {
        struct uuid order_id = { .bytes = { (uint8_t)(i >> 8), (uint8_t)i } };
        const char *word = payment_simulate(&one, &order_id, &nobody, 1);

        assert_ptr_equal(payment_simulate(&one, &order_id, &nobody, 1), word);
        declined += word != NULL;
        different += word != payment_simulate(&other, &order_id, &nobody, 1);
    }
    assert_in_range(declined, 1800, 2200); /* of given ids: the same in every run */
    assert_in_range(different, 2500, 3900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_in_each_state_leads_where_the_table_says),
        cmocka_unit_test(an_event_is_told_when_its_state_is_entered_and_when_asked_again),
        cmocka_unit_test(the_gateway_is_asked_where_a_state_of_asking_is_entered),
        cmocka_unit_test(the_simulator_declines_what_is_above_its_limit_and_nothing_else),
        cmocka_unit_test(the_simulator_declines_a_customer),
        cmocka_unit_test(the_simulator_declines_at_a_rate_and_the_seed_chooses_whom),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
