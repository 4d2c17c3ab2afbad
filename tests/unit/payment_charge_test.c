/* payment_charge_test.c - every state of a charge against every event, and the simulated gateway. */
#include "base/cleanup.h"
#include "tests/unit/unit.h"
#include "workers/services/payment_charge.h"
#include "workers/services/payment_gateway.h"

/* A charge as its events have left it, with the money that moved on the way. */
struct life {
    enum charge_state state;
    int taken, given_back;
    const char *told; /* by the last event, NULL: nothing */
};

static void live(struct life *life, enum charge_event event)
{
    bool asks = event == CHARGE_ON_AUTHORIZED || event == CHARGE_ON_DECLINED; /* order.created */
    struct charge_decision decision = charge_decide(life->state, event);

    assert_in_range(decision.state, 0, CHARGE_STATES - 1);
    if (asks && !charge_is_open(life->state)) {
        assert_int_equal(decision.state, life->state); /* the gateway's word would change nothing, had it been asked */
        assert_null(decision.emit);
    }
    life->taken += decision.state != life->state && decision.state == CHARGE_AUTHORIZED;
    life->given_back += decision.state != life->state && decision.state == CHARGE_REFUNDED;
    life->state = decision.state;
    life->told = decision.emit;
}

static void each_event_in_each_state_leads_where_the_table_says(void **state)
{
    /* State before, event, state after, event told. */
    static const struct {
        enum charge_state from;
        enum charge_event event;
        enum charge_state to;
        const char *emit;
    } cases[] = {
        { CHARGE_NEW, CHARGE_ON_AUTHORIZED, CHARGE_AUTHORIZED, "payment.authorized" },
        { CHARGE_NEW, CHARGE_ON_DECLINED, CHARGE_DECLINED, "payment.declined" },
        { CHARGE_NEW, CHARGE_ON_CANCELLED, CHARGE_CANCELLED, NULL },
        { CHARGE_NEW, CHARGE_ON_NUDGED, CHARGE_NEW, NULL },
        { CHARGE_AUTHORIZED, CHARGE_ON_AUTHORIZED, CHARGE_AUTHORIZED, NULL },
        { CHARGE_AUTHORIZED, CHARGE_ON_DECLINED, CHARGE_AUTHORIZED, NULL },
        { CHARGE_AUTHORIZED, CHARGE_ON_CANCELLED, CHARGE_REFUNDED, "payment.refunded" },
        { CHARGE_AUTHORIZED, CHARGE_ON_NUDGED, CHARGE_AUTHORIZED, "payment.authorized" },
        { CHARGE_DECLINED, CHARGE_ON_AUTHORIZED, CHARGE_DECLINED, NULL },
        { CHARGE_DECLINED, CHARGE_ON_DECLINED, CHARGE_DECLINED, NULL },
        { CHARGE_DECLINED, CHARGE_ON_CANCELLED, CHARGE_DECLINED, NULL },
        { CHARGE_DECLINED, CHARGE_ON_NUDGED, CHARGE_DECLINED, "payment.declined" },
        { CHARGE_CANCELLED, CHARGE_ON_AUTHORIZED, CHARGE_CANCELLED, NULL },
        { CHARGE_CANCELLED, CHARGE_ON_DECLINED, CHARGE_CANCELLED, NULL },
        { CHARGE_CANCELLED, CHARGE_ON_CANCELLED, CHARGE_CANCELLED, NULL },
        { CHARGE_CANCELLED, CHARGE_ON_NUDGED, CHARGE_CANCELLED, NULL },
        { CHARGE_REFUNDED, CHARGE_ON_AUTHORIZED, CHARGE_REFUNDED, NULL },
        { CHARGE_REFUNDED, CHARGE_ON_DECLINED, CHARGE_REFUNDED, NULL },
        { CHARGE_REFUNDED, CHARGE_ON_CANCELLED, CHARGE_REFUNDED, NULL },
        { CHARGE_REFUNDED, CHARGE_ON_NUDGED, CHARGE_REFUNDED, "payment.refunded" },
    };

    (void)state;
    assert_int_equal(ARRAY_LEN(cases), CHARGE_STATES * CHARGE_EVENTS);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct charge_decision decision = charge_decide(cases[i].from, cases[i].event);

        assert_int_equal(decision.state, cases[i].to);
        if (cases[i].emit)
            assert_string_equal(decision.emit, cases[i].emit);
        else
            assert_null(decision.emit);
    }
}

/* All sequences of six events, repeats and every order included. */
static void whatever_comes_money_is_taken_once_at_most_and_never_after_a_cancel(void **state)
{
    (void)state;
    for (int sequence = 0; sequence < 4096; sequence++) {
        struct life life = { .state = CHARGE_NEW };
        bool cancelled = false;

        for (int step = 0; step < 6; step++) {
            enum charge_event event = (enum charge_event)(sequence >> (2 * step) & 3);
            int taken = life.taken;

            live(&life, event);
            assert_false(cancelled && life.taken > taken);
            cancelled |= event == CHARGE_ON_CANCELLED;
            assert_in_range(life.taken, 0, 1);
            assert_int_equal(life.given_back, cancelled && life.taken ? 1 : 0);
        }
    }
}

static void created_and_cancelled_leave_no_money_taken_in_either_order(void **state)
{
    struct life late = { .state = CHARGE_NEW }, early = { .state = CHARGE_NEW };

    (void)state;
    live(&late, CHARGE_ON_AUTHORIZED);
    live(&late, CHARGE_ON_CANCELLED);
    assert_int_equal(late.taken - late.given_back, 0);

    live(&early, CHARGE_ON_CANCELLED);
    live(&early, CHARGE_ON_AUTHORIZED);
    assert_int_equal(early.taken - early.given_back, 0);
    assert_null(early.told);
}

static void the_simulator_declines_what_is_above_its_limit_and_nothing_else(void **state)
{
    struct gateway gateway = gateway_simulator(5000);
    struct uuid order_id = uuid_v7();

    (void)state;
    assert_true(gateway.charge(&gateway, &order_id, 0, "EUR").authorized);
    assert_true(gateway.charge(&gateway, &order_id, 5000, "EUR").authorized);
    assert_false(gateway.charge(&gateway, &order_id, 5001, "JPY").authorized);
    assert_string_equal(gateway.charge(&gateway, &order_id, INT64_MAX, "EUR").reason, "amount_over_limit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_in_each_state_leads_where_the_table_says),
        cmocka_unit_test(whatever_comes_money_is_taken_once_at_most_and_never_after_a_cancel),
        cmocka_unit_test(created_and_cancelled_leave_no_money_taken_in_either_order),
        cmocka_unit_test(the_simulator_declines_what_is_above_its_limit_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
