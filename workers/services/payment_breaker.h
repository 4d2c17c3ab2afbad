/* payment_breaker.h - a circuit breaker: leaves alone for a while who fails again and again, and looks with one call whether
 * it is back. One thread at a time; times are milliseconds on the monotonic clock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Set LIMIT and OPEN_MS, zero the rest. */
struct payment_breaker {
    int limit;       /* failures in a row that open it */
    int64_t open_ms; /* between probes while it is open */
    int failures;    /* in a row */
    int64_t probe_at_ms;
};

bool payment_breaker_is_open(const struct payment_breaker *breaker);

/* How many of WANTED calls may start now: all, or while it is open one when it is time for a probe. Pure. */
size_t payment_breaker_room(const struct payment_breaker *breaker, size_t wanted, int64_t now_ms);

/* A call starts: while it is open, the next may in OPEN_MS. */
void payment_breaker_start(struct payment_breaker *breaker, int64_t now_ms);

/* How it went. True when that opened or closed the breaker. */
bool payment_breaker_succeed(struct payment_breaker *breaker);
bool payment_breaker_fail(struct payment_breaker *breaker, int64_t now_ms);
