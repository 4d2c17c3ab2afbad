/* inventory_reservation_test.c - every state of a reservation against every event. */
#include "base/text.h"
#include "tests/unit/unit.h"
#include "workers/services/inventory_reservation.h"

/* A reservation as its events have left it, with the stock that moved on the way. */
struct life {
    enum reservation_state state;
    int reserved, released, shipped;
    bool contradiction;
};

static void live(struct life *life, enum reservation_event event)
{
    bool looks = event == RESERVATION_ON_ALLOCATED || event == RESERVATION_ON_SHORT; /* payment.authorized */
    struct reservation_decision decision = reservation_decide(life->state, event);

    assert_in_range(decision.state, 0, RESERVATION_STATES - 1);
    if (looks && !reservation_is_open(life->state)) {
        assert_int_equal(decision.state, life->state); /* stock would not move, had it been looked for */
        assert_null(decision.movement);
    }
    if (decision.movement) {
        assert_int_not_equal(decision.state, life->state);
        assert_string_equal(decision.movement, reservation_state_names[decision.state]);
        life->reserved += decision.state == RESERVATION_RESERVED;
        life->released += decision.state == RESERVATION_RELEASED;
        life->shipped += decision.state == RESERVATION_SHIPPED;
    }
    if (decision.contradiction)
        assert_int_equal(decision.state, life->state);
    life->contradiction = decision.contradiction;
    life->state = decision.state;
}

/* All sequences of six events, repeats and every order included. */
static void whatever_comes_stock_moves_once_each_way_and_never_both_ways(void **state)
{
    int sequences = 1;

    (void)state;
    for (int step = 0; step < 6; step++)
        sequences *= RESERVATION_EVENTS;
    for (int sequence = 0; sequence < sequences; sequence++) {
        struct life life = { .state = RESERVATION_NEW };
        bool cancelled = false;
        int rest = sequence;

        for (int step = 0; step < 6; step++, rest /= RESERVATION_EVENTS) {
            enum reservation_event event = (enum reservation_event)(rest % RESERVATION_EVENTS);
            int reserved = life.reserved;

            live(&life, event);
            assert_false(cancelled && life.reserved > reserved);
            cancelled |= event == RESERVATION_ON_CANCELLED && !life.contradiction;
            assert_in_range(life.reserved, 0, 1);
            assert_in_range(life.released + life.shipped, 0, life.reserved);
            assert_false(cancelled && life.released < life.reserved);
        }
    }
}

static void an_order_s_way_tells_the_others_at_each_step(void **state)
{
    (void)state;
    assert_string_equal(reservation_decide(RESERVATION_NEW, RESERVATION_ON_ALLOCATED).emit, "inventory.reserved");
    assert_string_equal(reservation_decide(RESERVATION_NEW, RESERVATION_ON_SHORT).emit, "inventory.rejected");
    assert_string_equal(reservation_decide(RESERVATION_RESERVED, RESERVATION_ON_CANCELLED).emit, "inventory.released");
    assert_null(reservation_decide(RESERVATION_RESERVED, RESERVATION_ON_COMPLETED).emit);
}

static void a_nudge_repeats_the_last_word_and_changes_nothing(void **state)
{
    static const char *const words[RESERVATION_STATES] = {
        [RESERVATION_RESERVED] = "inventory.reserved",
        [RESERVATION_REJECTED] = "inventory.rejected",
        [RESERVATION_RELEASED] = "inventory.released",
    };

    (void)state;
    for (enum reservation_state from = RESERVATION_NEW; from < RESERVATION_STATES; from++) {
        struct reservation_decision decision = reservation_decide(from, RESERVATION_ON_NUDGED);

        assert_int_equal(decision.state, from);
        assert_null(decision.movement);
        assert_true(text_equal(text_of(decision.emit), text_of(words[from])));
    }
}

static void a_repeated_event_is_silent(void **state)
{
    (void)state;
    for (enum reservation_state from = RESERVATION_NEW; from < RESERVATION_STATES; from++)
        for (enum reservation_event event = RESERVATION_ON_ALLOCATED; event < RESERVATION_ON_NUDGED; event++) {
            struct reservation_decision first = reservation_decide(from, event);

            assert_null(reservation_decide(first.state, event).emit);
            assert_null(reservation_decide(first.state, event).movement);
        }
}

static void completed_without_a_reservation_and_cancelled_after_shipping_are_contradictions(void **state)
{
    (void)state;
    for (enum reservation_state from = RESERVATION_NEW; from < RESERVATION_STATES; from++) {
        bool had = from == RESERVATION_RESERVED || from == RESERVATION_SHIPPED;

        assert_int_equal(reservation_decide(from, RESERVATION_ON_COMPLETED).contradiction, !had);
        assert_int_equal(reservation_decide(from, RESERVATION_ON_CANCELLED).contradiction, from == RESERVATION_SHIPPED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_comes_stock_moves_once_each_way_and_never_both_ways),
        cmocka_unit_test(an_order_s_way_tells_the_others_at_each_step),
        cmocka_unit_test(a_nudge_repeats_the_last_word_and_changes_nothing),
        cmocka_unit_test(a_repeated_event_is_silent),
        cmocka_unit_test(completed_without_a_reservation_and_cancelled_after_shipping_are_contradictions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
