/* breaker.c - see breaker.h. */
#include "base/breaker.h"

enum {
    PAUSE_FIRST_MS = 100,
    PAUSE_MAX_MS = 1000,
    PROBE_MAX_MS = 5000, /* a probe that has not reported by then is taken for lost */
    STALE_MS = 60000,
};

bool breaker_admits(struct breaker *breaker, int64_t now_ms)
{
    if (!breaker_is_open(breaker))
        return true;
    if (now_ms < breaker->next_probe_ms)
        return false;
    breaker->next_probe_ms = now_ms + PROBE_MAX_MS;
    return true;
}

void breaker_report(struct breaker *breaker, bool away, int64_t now_ms)
{
    int longer = breaker->pause_ms ? breaker->pause_ms * 2 : PAUSE_FIRST_MS;

    breaker->pause_ms = !away ? 0 : longer < PAUSE_MAX_MS ? longer : PAUSE_MAX_MS;
    breaker->next_probe_ms = now_ms + breaker->pause_ms;
}

bool breaker_keeps_away(const struct breaker *breaker, int64_t now_ms)
{
    return breaker_is_open(breaker) && now_ms < breaker->next_probe_ms + STALE_MS;
}
