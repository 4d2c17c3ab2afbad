/* breaker.h - spares callers the wait for a server that is away: all but one now and then are refused at once.
 * Pure, times are given; whoever shares one holds a lock. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialise: closed. */
struct breaker {
    int pause_ms;          /* 0: closed; else how long after a failure the next caller is let through */
    int64_t next_probe_ms; /* monotonic: when that is */
};

/* Whether a caller may try. While open, one a pause gets through, to find out. */
bool breaker_admits(struct breaker *breaker, int64_t now_ms);

/* What came of a try: AWAY opens it or makes the pause longer, 100 ms doubling to 1 s; anything else closes it. */
void breaker_report(struct breaker *breaker, bool away, int64_t now_ms);

/* Whether it keeps callers away, for those who look at it: open, and somebody has come within the last minute to be refused
 * or let through. One that nobody comes to stays open, whatever has become of the server. */
bool breaker_keeps_away(const struct breaker *breaker, int64_t now_ms);

static inline bool breaker_is_open(const struct breaker *breaker)
{
    return breaker->pause_ms > 0;
}
