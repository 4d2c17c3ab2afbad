/* fulfillment_shipment_test.c - every state of a shipment against every event, and the simulated carrier. */
#include "tests/unit/unit.h"
#include "workers/services/fulfillment_carrier.h"
#include "workers/services/fulfillment_shipment.h"

static void a_confirmed_order_is_shipped_or_refused(void **state)
{
    struct shipment_decision accepted = shipment_decide(SHIPMENT_NEW, SHIPMENT_ON_ACCEPTED);
    struct shipment_decision refused = shipment_decide(SHIPMENT_NEW, SHIPMENT_ON_REFUSED);

    (void)state;
    assert_true(shipment_is_open(SHIPMENT_NEW));
    assert_int_equal(accepted.state, SHIPMENT_SHIPPED);
    assert_string_equal(accepted.emit, "fulfillment.shipped");
    assert_int_equal(refused.state, SHIPMENT_REJECTED);
    assert_string_equal(refused.emit, "fulfillment.rejected");
}

static void a_carrier_that_takes_its_time_is_asked_once_and_waited_for(void **state)
{
    struct shipment_decision asked = shipment_decide(SHIPMENT_NEW, SHIPMENT_ON_REQUESTED);

    (void)state;
    assert_int_equal(asked.state, SHIPMENT_REQUESTED);
    assert_null(asked.emit);
    assert_false(shipment_is_open(asked.state));
    for (enum shipment_state from = SHIPMENT_NEW; from < SHIPMENT_STATES; from++)
        assert_int_equal(shipment_is_awaited(from), from == SHIPMENT_REQUESTED);
    assert_int_equal(shipment_decide(asked.state, SHIPMENT_ON_ACCEPTED).state, SHIPMENT_SHIPPED);
    assert_string_equal(shipment_decide(asked.state, SHIPMENT_ON_ACCEPTED).emit, "fulfillment.shipped");
    assert_int_equal(shipment_decide(asked.state, SHIPMENT_ON_REFUSED).state, SHIPMENT_REJECTED);
    assert_string_equal(shipment_decide(asked.state, SHIPMENT_ON_REFUSED).emit, "fulfillment.rejected");
}

static void what_is_decided_stays_decided_in_silence(void **state)
{
    (void)state;
    for (enum shipment_state from = SHIPMENT_SHIPPED; from < SHIPMENT_STATES; from++)
        for (enum shipment_event event = SHIPMENT_ON_REQUESTED; event < SHIPMENT_ON_NUDGED; event++) {
            assert_false(shipment_is_open(from));
            assert_int_equal(shipment_decide(from, event).state, from);
            assert_null(shipment_decide(from, event).emit);
        }
}

static void a_nudge_repeats_the_last_word_and_changes_nothing(void **state)
{
    (void)state;
    for (enum shipment_state from = SHIPMENT_NEW; from < SHIPMENT_STATES; from++)
        assert_int_equal(shipment_decide(from, SHIPMENT_ON_NUDGED).state, from);
    assert_null(shipment_decide(SHIPMENT_NEW, SHIPMENT_ON_NUDGED).emit);
    assert_null(shipment_decide(SHIPMENT_REQUESTED, SHIPMENT_ON_NUDGED).emit);
    assert_string_equal(shipment_decide(SHIPMENT_SHIPPED, SHIPMENT_ON_NUDGED).emit, "fulfillment.shipped");
    assert_string_equal(shipment_decide(SHIPMENT_REJECTED, SHIPMENT_ON_NUDGED).emit, "fulfillment.rejected");
}

static struct carrier_answer ship_to(struct arena *arena, struct text country)
{
    struct carrier carrier = carrier_simulator("Antarctica", 0, 0, 0);
    struct uuid order_id = { .bytes = { 1, 2, 3 } };

    return carrier.ship(&carrier, arena, &order_id, country);
}

static void the_simulator_refuses_one_country_in_any_case(void **state)
{
    ARENA_SCOPE arena = { 0 };

    (void)state;
    assert_null(ship_to(&arena, TEXT("Antarctica")).tracking_number.ptr);
    assert_string_equal(ship_to(&arena, TEXT("aNTARCTICA")).reason, "country_not_served");
    assert_non_null(ship_to(&arena, TEXT("Antarctic")).tracking_number.ptr);
    assert_non_null(ship_to(&arena, TEXT("Antarctica ")).tracking_number.ptr);
    assert_non_null(ship_to(&arena, TEXT("")).tracking_number.ptr);
}

static void an_order_asked_for_twice_has_one_tracking_number(void **state)
{
    ARENA_SCOPE arena = { 0 };

    (void)state;
    assert_true(text_is(ship_to(&arena, TEXT("USA")).tracking_number, "SIM-01020300-0000-0000-0000-000000000000"));
    assert_true(text_equal(ship_to(&arena, TEXT("USA")).tracking_number, ship_to(&arena, TEXT("USA")).tracking_number));
}

static size_t refused_of_4096(int64_t permille, int64_t seed, uint64_t *which)
{
    ARENA_SCOPE arena = { 0 };
    struct carrier carrier = carrier_simulator("Antarctica", permille, seed, 0);
    size_t refused = 0;

    *which = 0;
    for (unsigned i = 0; i < 4096; i++) {
        struct uuid order_id = { .bytes = { 1, [14] = (unsigned char)(i >> 8), [15] = (unsigned char)i } };
        struct carrier_answer answer = carrier.ship(&carrier, &arena, &order_id, TEXT("USA"));

        if (answer.tracking_number.ptr)
            continue;
        assert_string_equal(answer.reason, "no_capacity");
        *which = *which * 31 + i;
        refused++;
    }
    return refused;
}

static void the_simulator_refuses_a_share_of_the_orders_and_the_seed_says_which(void **state)
{
    uint64_t first, again, other;

    (void)state;
    assert_int_equal(refused_of_4096(0, 1, &first), 0);
    assert_int_equal(refused_of_4096(1000, 1, &first), 4096);
    assert_in_range(refused_of_4096(250, 1, &first), 900, 1150);
    refused_of_4096(250, 1, &again);
    assert_true(first == again);
    assert_in_range(refused_of_4096(250, 2, &other), 900, 1150);
    assert_true(first != other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_confirmed_order_is_shipped_or_refused),
        cmocka_unit_test(a_carrier_that_takes_its_time_is_asked_once_and_waited_for),
        cmocka_unit_test(what_is_decided_stays_decided_in_silence),
        cmocka_unit_test(a_nudge_repeats_the_last_word_and_changes_nothing),
        cmocka_unit_test(the_simulator_refuses_one_country_in_any_case),
        cmocka_unit_test(an_order_asked_for_twice_has_one_tracking_number),
        cmocka_unit_test(the_simulator_refuses_a_share_of_the_orders_and_the_seed_says_which),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
