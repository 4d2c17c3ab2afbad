/* Who gets through to a server that is away. */
#include "base/breaker.h"
#include "base/cleanup.h"
#include "tests/unit/unit.h"

static void a_closed_breaker_lets_everybody_through(void **state)
{
    struct breaker breaker = { 0 };

    (void)state;
    for (int64_t now = 0; now < 10; now++)
        assert_true(breaker_admits(&breaker, now));
    breaker_report(&breaker, false, 10);
    assert_false(breaker_is_open(&breaker));
}

static void an_open_one_lets_one_through_a_pause(void **state)
{
    struct breaker breaker = { 0 };

    (void)state;
    breaker_report(&breaker, true, 1000);
    assert_false(breaker_admits(&breaker, 1099));
    assert_true(breaker_admits(&breaker, 1100));
    assert_false(breaker_admits(&breaker, 1100));
    breaker_report(&breaker, true, 1200);
    assert_false(breaker_admits(&breaker, 1399));
    assert_true(breaker_admits(&breaker, 1400));
}

static void pauses_grow_to_a_second_and_no_further(void **state)
{
    struct breaker breaker = { 0 };
    const int pauses[] = { 100, 200, 400, 800, 1000, 1000 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pauses); i++) {
        breaker_report(&breaker, true, 0);
        assert_int_equal(breaker.pause_ms, pauses[i]);
    }
}

static void a_good_try_closes_it(void **state)
{
    struct breaker breaker = { 0 };

    (void)state;
    breaker_report(&breaker, true, 0);
    assert_true(breaker_admits(&breaker, 100));
    breaker_report(&breaker, false, 150);
    assert_true(breaker_admits(&breaker, 150));
    breaker_report(&breaker, true, 200);
    assert_int_equal(breaker.pause_ms, 100);
}

static void a_probe_that_never_reports_is_followed_by_another(void **state)
{
    struct breaker breaker = { 0 };

    (void)state;
    breaker_report(&breaker, true, 0);
    assert_true(breaker_admits(&breaker, 100));
    assert_false(breaker_admits(&breaker, 5099));
    assert_true(breaker_admits(&breaker, 5100));
}

static void an_open_breaker_that_nobody_comes_to_keeps_nobody_away(void **state)
{
    struct breaker breaker = { 0 };

    (void)state;
    assert_false(breaker_keeps_away(&breaker, 0));
    breaker_report(&breaker, true, 0);
    assert_true(breaker_keeps_away(&breaker, 100 + 59999));
    assert_false(breaker_keeps_away(&breaker, 100 + 60000));
    assert_true(breaker_is_open(&breaker));
    assert_true(breaker_admits(&breaker, 70000)); /* its probe is on the way */
    assert_true(breaker_keeps_away(&breaker, 70000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_closed_breaker_lets_everybody_through),
        cmocka_unit_test(an_open_one_lets_one_through_a_pause),
        cmocka_unit_test(pauses_grow_to_a_second_and_no_further),
        cmocka_unit_test(a_good_try_closes_it),
        cmocka_unit_test(a_probe_that_never_reports_is_followed_by_another),
        cmocka_unit_test(an_open_breaker_that_nobody_comes_to_keeps_nobody_away),
    };

    return cmocka_run_group_tests_name("breaker", tests, NULL, NULL);
}
