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

static void what_is_decided_stays_decided_in_silence(void **state)
{
    (void)state;
    for (enum shipment_state from = SHIPMENT_SHIPPED; from < SHIPMENT_STATES; from++)
        for (enum shipment_event event = SHIPMENT_ON_ACCEPTED; event < SHIPMENT_ON_NUDGED; event++) {
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
    assert_string_equal(shipment_decide(SHIPMENT_SHIPPED, SHIPMENT_ON_NUDGED).emit, "fulfillment.shipped");
    assert_string_equal(shipment_decide(SHIPMENT_REJECTED, SHIPMENT_ON_NUDGED).emit, "fulfillment.rejected");
}

static struct carrier_answer ship_to(struct arena *arena, struct text country)
{
    struct carrier carrier = carrier_simulator("Antarctica");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_confirmed_order_is_shipped_or_refused),
        cmocka_unit_test(what_is_decided_stays_decided_in_silence),
        cmocka_unit_test(a_nudge_repeats_the_last_word_and_changes_nothing),
        cmocka_unit_test(the_simulator_refuses_one_country_in_any_case),
        cmocka_unit_test(an_order_asked_for_twice_has_one_tracking_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
