#include "tests/unit/unit.h"
#include "workers/services/payment_breaker.h"

static struct payment_breaker open_at(int64_t now_ms)
{
    struct payment_breaker breaker = { .limit = 3, .open_ms = 100 };

    assert_false(payment_breaker_fail(&breaker, now_ms));
    assert_false(payment_breaker_fail(&breaker, now_ms));
    assert_true(payment_breaker_fail(&breaker, now_ms));
    return breaker;
}

static void so_many_failures_in_a_row_open_it(void **state)
{
    struct payment_breaker breaker = { .limit = 2, .open_ms = 100 };

    (void)state;
    payment_breaker_fail(&breaker, 0);
    assert_false(payment_breaker_succeed(&breaker));
    assert_false(payment_breaker_fail(&breaker, 0));
    assert_int_equal(payment_breaker_room(&breaker, 64, 0), 64);
    assert_true(payment_breaker_fail(&breaker, 0));
    assert_int_equal(payment_breaker_room(&breaker, 64, 0), 0);
}

static void an_open_one_lets_a_probe_through_now_and_then(void **state)
{
    struct payment_breaker breaker = open_at(1000);

    (void)state;
    assert_int_equal(payment_breaker_room(&breaker, 64, 1099), 0);
    assert_int_equal(payment_breaker_room(&breaker, 64, 1100), 1);
    assert_int_equal(payment_breaker_room(&breaker, 0, 1100), 0);
    payment_breaker_start(&breaker, 1100);
    assert_int_equal(payment_breaker_room(&breaker, 64, 1199), 0);
    assert_int_equal(payment_breaker_room(&breaker, 64, 1200), 1);
}

static void a_success_closes_it_and_a_failed_probe_does_not_open_it_again(void **state)
{
    struct payment_breaker breaker = open_at(0);

    (void)state;
    assert_false(payment_breaker_fail(&breaker, 100));
    assert_true(payment_breaker_succeed(&breaker));
    assert_int_equal(payment_breaker_room(&breaker, 64, 101), 64);
    assert_false(payment_breaker_succeed(&breaker));
}

static void calls_of_a_closed_one_cost_nothing(void **state)
{
    struct payment_breaker breaker = { .limit = 3, .open_ms = 100 };

    (void)state;
    payment_breaker_start(&breaker, 0);
    assert_int_equal(payment_breaker_room(&breaker, 64, 0), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_failures_in_a_row_open_it),
        cmocka_unit_test(an_open_one_lets_a_probe_through_now_and_then),
        cmocka_unit_test(a_success_closes_it_and_a_failed_probe_does_not_open_it_again),
        cmocka_unit_test(calls_of_a_closed_one_cost_nothing),
    };

    return cmocka_run_group_tests_name("payment breaker", tests, NULL, NULL);
}
