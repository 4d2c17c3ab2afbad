#include "base/clock.h"
#include "base/failpoint.h"
#include "base/fault.h"
#include "tests/unit/child.h"
#include "tests/unit/unit.h"
#include <signal.h>

static void setting_a_fault_returns_false_and_cuts_what_is_too_long(void **state)
{
    struct fault fault = { 0 };
    (void)state;

    assert_false(fault_set(&fault, FAULT_BUSY, "queue_full", "%d waiting", 7));
    assert_int_equal(fault.kind, FAULT_BUSY);
    assert_string_equal(fault.code, "queue_full");
    assert_string_equal(fault.detail, "7 waiting");
    fault_set(&fault, FAULT_INVALID, NULL, "%0300d", 0);
    assert_string_equal(fault.code, "");
    assert_int_equal(strlen(fault.detail), sizeof fault.detail - 1);
}

static void only_what_may_pass_by_itself_is_retryable(void **state)
{
    static const char *const names[] = { "none",      "invalid", "not_found", "conflict", "busy",
                                         "transient", "timeout", "unknown",   "permanent" };
    (void)state;

    for (enum fault_kind kind = FAULT_NONE; kind <= FAULT_PERMANENT; kind++) {
        struct fault fault = { .kind = kind };
        bool expected = kind == FAULT_BUSY || kind == FAULT_TRANSIENT || kind == FAULT_TIMEOUT;

        assert_int_equal(fault_is_retryable(&fault), expected);
        assert_string_equal(fault_kind_name(kind), names[kind]);
    }
}

#ifdef ORDERLINE_FAILPOINTS
static void pass_points(void *arg)
{
    int64_t start = clock_mono_ms();

    setenv("FAILPOINTS", arg, 1);
    failpoint_init();
    for (int i = 1; i <= 3; i++) {
        printf("a%d%s ", i, failpoint_hit("a") ? "!" : "");
        fflush(stdout);
    }
    printf("b%s slept %s", failpoint_hit("b") ? "!" : "", clock_mono_ms() - start >= 30 ? "yes" : "no");
}

static void assert_passes(const char *failpoints, const char *out)
{
    struct child child = child_run(pass_points, (void *)failpoints);

    assert_string_equal(child.out, out);
}

static void a_failpoint_acts_on_its_passage_and_on_no_other(void **state)
{
    struct child killed = child_run(pass_points, (void *)"a=kill@3");
    (void)state;

    assert_passes("", "a1 a2 a3 b slept no");
    assert_passes("a=fail", "a1! a2! a3! b slept no");
    assert_passes("a=fail@2,b=fail@1", "a1 a2! a3 b! slept no");
    assert_passes("ab=fail,a=sleep:30@1", "a1 a2 a3 b slept yes");
    assert_true(WIFSIGNALED(killed.status) && WTERMSIG(killed.status) == SIGKILL);
    assert_string_equal(killed.out, "a1 a2 ");
}

static void an_unreadable_failpoint_ends_the_process(void **state)
{
    static const char *const words[] = { "a",        "a=",         "=kill",   "a=explode", "a=kill:3",  "a=sleep",
                                         "a=sleep:", "a=sleep:-1", "a=fail@", "a=fail@0",  "a=fail@1x", "a=fail,b" };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct child child = child_run(pass_points, (void *)words[i]);

        assert_int_equal(child_exit_code(&child), 78);
        assert_non_null(strstr(child.out, "FAILPOINTS: cannot read"));
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_a_fault_returns_false_and_cuts_what_is_too_long),
        cmocka_unit_test(only_what_may_pass_by_itself_is_retryable),
#ifdef ORDERLINE_FAILPOINTS
        cmocka_unit_test(a_failpoint_acts_on_its_passage_and_on_no_other),
        cmocka_unit_test(an_unreadable_failpoint_ends_the_process),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
