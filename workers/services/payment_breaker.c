#include "workers/services/payment_breaker.h"

bool payment_breaker_is_open(const struct payment_breaker *breaker)
{
    return breaker->failures >= breaker->limit;
}

size_t payment_breaker_room(const struct payment_breaker *breaker, size_t wanted, int64_t now_ms)
{
    if (!payment_breaker_is_open(breaker))
        return wanted;
    return wanted > 0 && now_ms >= breaker->probe_at_ms ? 1 : 0;
}

void payment_breaker_start(struct payment_breaker *breaker, int64_t now_ms)
{
    if (payment_breaker_is_open(breaker))
        breaker->probe_at_ms = now_ms + breaker->open_ms;
}

bool payment_breaker_succeed(struct payment_breaker *breaker)
{
    bool closed = payment_breaker_is_open(breaker);

    breaker->failures = 0;
    return closed;
}

bool payment_breaker_fail(struct payment_breaker *breaker, int64_t now_ms)
{
    if (payment_breaker_is_open(breaker))
        return false;
    breaker->failures++;
    payment_breaker_start(breaker, now_ms);
    return payment_breaker_is_open(breaker);
}
