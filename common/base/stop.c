#include "base/stop.h"
#include "base/clock.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static atomic_bool requested;
static int event_fd = -1; /* poll() passes over it until stop_init */

void stop_request(void)
{
    const uint64_t one = 1;
    int saved = errno;

    atomic_store(&requested, true);
    if (write(event_fd, &one, sizeof one) < 0)
        errno = saved; /* readable already, or not open yet: the flag tells */
}

static void on_signal(int signal_number)
{
    (void)signal_number;
    stop_request();
}

void stop_init(void)
{
    struct sigaction stop = { .sa_handler = on_signal };
    struct sigaction ignore = { .sa_handler = SIG_IGN };

    event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0) {
        fprintf(stderr, "eventfd: %m\n");
        exit(EXIT_FAILURE); /* NOLINT(concurrency-mt-unsafe): no thread has started */
    }
    sigemptyset(&stop.sa_mask);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGQUIT, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

int stop_fd(void)
{
    return event_fd;
}

bool stop_requested(void)
{
    return atomic_load(&requested);
}

bool stop_wait_ms(int ms)
{
    int64_t deadline = clock_mono_ms() + ms;
    struct pollfd pollfd = { .fd = event_fd, .events = POLLIN };

    while (!stop_requested()) {
        int left = clock_left_ms(deadline);

        if (left == 0)
            break;
        poll(&pollfd, 1, left); /* EINTR comes round again */
    }
    return stop_requested();
}
