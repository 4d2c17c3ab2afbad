/* relay_window_test.c - what a relay reads next: nothing left out, nothing sent twice, never past a late commit. */
#include "tests/unit/unit.h"
#include "workers/relay/window.h"

enum { CAPACITY = 8 };

static int make_window(void **state)
{
    static struct window window;

    window_init(&window, CAPACITY);
    *state = &window;
    return 0;
}

static int free_window(void **state)
{
    window_free(*state);
    return 0;
}

static void send_all(struct window *window, int64_t from, int64_t to)
{
    for (int64_t seq = from; seq <= to; seq++)
        window_send(window, seq);
}

static void rows_leave_in_the_order_sent_once_all_before_them_arrived(void **state)
{
    struct window *window = *state;
    int64_t seqs[CAPACITY];

    send_all(window, 1, 3);
    window_delivered(window, window->first + 1);
    assert_int_equal(window_arrived(window), 0);
    window_delivered(window, window->first);
    assert_int_equal(window_take(window, seqs), 2);
    assert_int_equal(seqs[0], 1);
    assert_int_equal(seqs[1], 2);
    assert_int_equal(window_in_flight(window), 1);
}

static void the_ring_goes_round(void **state)
{
    struct window *window = *state;
    int64_t seqs[CAPACITY];

    for (int64_t seq = 1; seq <= INT64_C(5) * CAPACITY; seq += 4) {
        int64_t ticket = window->next;

        send_all(window, seq, seq + 3);
        for (int64_t i = 0; i < 4; i++)
            window_delivered(window, ticket + i);
        assert_int_equal(window_take(window, seqs), 4);
        assert_int_equal(seqs[3], seq + 3);
    }
    assert_int_equal(window_room(window), CAPACITY);
}

static void the_floor_stays_at_the_start_until_a_horizon_is_passed(void **state)
{
    struct window *window = *state;

    window_horizon(window, 90, 100, 3); /* transactions 90..99 may be open */
    send_all(window, 1, 3);
    window_sent_up_to(window, INT64_MAX);
    assert_int_equal(window->floor, WINDOW_START);
}

static void the_floor_stays_below_an_open_transaction(void **state)
{
    struct window *window = *state;

    window_horizon(window, 90, 100, 3);
    window_horizon(window, 99, 105, 7); /* 99 still holds a seq of up to 3 */
    window_sent_up_to(window, INT64_MAX);
    assert_int_equal(window->floor, WINDOW_START);
}

static void the_floor_rises_once_every_transaction_before_the_mark_ended(void **state)
{
    struct window *window = *state;

    window_horizon(window, 90, 100, 3);
    window_horizon(window, 100, 105, 7);
    window_sent_up_to(window, INT64_MAX);
    assert_int_equal(window->floor, 4); /* what lies up to 7 may still be open */
    window_horizon(window, 105, 105, 7);
    window_sent_up_to(window, INT64_MAX);
    assert_int_equal(window->floor, 8);
}

static void the_floor_rises_only_after_a_read_made_under_the_horizon(void **state)
{
    struct window *window = *state;

    window_horizon(window, 90, 100, 3);
    window_sent_up_to(window, INT64_MAX);
    window_horizon(window, 100, 105, 7);
    assert_int_equal(window->floor, WINDOW_START); /* rows that committed in between have not been read */
}

static void the_floor_stays_below_what_a_full_batch_left_behind(void **state)
{
    struct window *window = *state;

    window_horizon(window, 100, 100, 1000);
    window_horizon(window, 100, 100, 1000);
    send_all(window, 11, 14);
    window_sent_up_to(window, 14);
    assert_int_equal(window->floor, 15);
}

static void the_floor_never_falls(void **state)
{
    struct window *window = *state;

    window_horizon(window, 100, 100, 50);
    window_horizon(window, 100, 100, 50);
    window_sent_up_to(window, INT64_MAX);
    window_sent_up_to(window, 20); /* a scan of the whole table met an older row */
    assert_int_equal(window->floor, 51);
}

static void only_rows_from_the_floor_on_are_left_out_by_name(void **state)
{
    struct window *window = *state;
    int64_t seqs[CAPACITY];

    send_all(window, 1, 5);
    assert_int_equal(window_list(window, WINDOW_START, seqs), 5);
    assert_int_equal(window_list(window, 4, seqs), 2);
    assert_int_equal(seqs[0], 4);
    assert_int_equal(seqs[1], 5);
}

static void a_reset_forgets_rows_and_floor(void **state)
{
    struct window *window = *state;

    window_horizon(window, 100, 100, 3);
    window_horizon(window, 100, 100, 3);
    send_all(window, 1, 3);
    window_sent_up_to(window, INT64_MAX);
    window_reset(window);
    assert_int_equal(window_in_flight(window), 0);
    assert_int_equal(window->floor, WINDOW_START);
    window_horizon(window, 200, 200, 9);
    window_sent_up_to(window, INT64_MAX);
    assert_int_equal(window->floor, WINDOW_START); /* the old mark does not count for the new one */
}

static void a_report_from_before_a_reset_marks_nothing(void **state)
{
    struct window *window = *state;
    int64_t ticket = window->next;

    window_send(window, 1);
    window_reset(window);
    window_send(window, 1);
    assert_int_equal(window_seq(window, ticket), 0);
    window_delivered(window, ticket);
    assert_int_equal(window_arrived(window), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_window, free_window)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_leave_in_the_order_sent_once_all_before_them_arrived),
        TEST(the_ring_goes_round),
        TEST(the_floor_stays_at_the_start_until_a_horizon_is_passed),
        TEST(the_floor_stays_below_an_open_transaction),
        TEST(the_floor_rises_once_every_transaction_before_the_mark_ended),
        TEST(the_floor_rises_only_after_a_read_made_under_the_horizon),
        TEST(the_floor_stays_below_what_a_full_batch_left_behind),
        TEST(the_floor_never_falls),
        TEST(only_rows_from_the_floor_on_are_left_out_by_name),
        TEST(a_reset_forgets_rows_and_floor),
        TEST(a_report_from_before_a_reset_marks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
