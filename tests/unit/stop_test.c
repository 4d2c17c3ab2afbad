#include "base/cleanup.h"
#include "base/clock.h"
#include "base/stop.h"
#include "tests/unit/child.h"
#include "tests/unit/unit.h"
#include <poll.h>
#include <signal.h>

static bool readable(void)
{
    struct pollfd pollfd = { .fd = stop_fd(), .events = POLLIN };

    return poll(&pollfd, 1, 0) == 1;
}

static void stop_by_signal(void *arg)
{
    int64_t start;

    stop_init();
    raise(SIGPIPE);
    if (stop_requested() || readable() || stop_wait_ms(1))
        _exit(1);
    raise(*(int *)arg);
    start = clock_mono_ms();
    if (!stop_requested() || !readable() || !stop_wait_ms(60000) || clock_mono_ms() - start > 30000)
        _exit(2);
    stop_request(); /* again changes nothing */
    _exit(readable() ? 0 : 3);
}

static void each_signal_raises_the_flag_and_makes_the_descriptor_readable_for_ever(void **state)
{
    (void)state;

    int signals[] = { SIGTERM, SIGINT, SIGQUIT };

    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        struct child child = child_run(stop_by_signal, &signals[i]);

        assert_int_equal(child_exit_code(&child), 0);
    }
}

static void wait_for_alarm(int signal_number)
{
    (void)signal_number;
    stop_request(); /* NOLINT(bugprone-signal-handler): made for it */
}

static void wait_until_interrupted(void *arg)
{
    int64_t start = clock_mono_ms();
    (void)arg;

    stop_init();
    signal(SIGALRM, wait_for_alarm);
    ualarm(20000, 0);
    _exit(stop_wait_ms(60000) && clock_mono_ms() - start < 30000 ? 0 : 1);
}

static void a_request_ends_a_wait_that_has_begun(void **state)
{
    struct child child = child_run(wait_until_interrupted, NULL);
    (void)state;

    assert_int_equal(child_exit_code(&child), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_signal_raises_the_flag_and_makes_the_descriptor_readable_for_ever),
        cmocka_unit_test(a_request_ends_a_wait_that_has_begun),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
