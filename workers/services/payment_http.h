/* payment_http.h - a payment provider over HTTP: what worker-payment asks it, and what its answers mean.
 *
 *   POST {url}/v1/charges, {url}/v1/refunds    header Idempotency-Key; body {"orderId","currency","amountMinor",...}
 *   GET  {url}/v1/charges/{key}, .../refunds/{key}
 *
 * answer 200 or 201 {"status": "captured" | "refunded" | "declined", "amountMinor", "reason"}; 402 is a decline as well. The
 * key is charge-<order id> or refund-<order id>: one of each an order, for ever. What became of a request that was not
 * answered, or answered with 5xx, is asked for by GET and never guessed: only a 404 there lets it be made again. Every
 * attempt after the first of a call begins by asking. */
#pragma once

#include "workers/runtime/effect.h"

struct payment_http_settings {
    const char *url;   /* without a slash at its end */
    const char *token; /* sent as bearer token; empty: none */
    int64_t timeout_ms;
    int64_t breaker_failures; /* in a row that make it leave the provider alone */
    int64_t breaker_open_ms;  /* between probes from then on */
};

/* Once, before the rest, which belongs to the pump's thread. SETTINGS have to outlive it. */
void payment_http_start(const struct payment_http_settings *settings);

/* The functions of an effect kind named "charge" or "refund", whose payload has orderId and amountMinor. An answer is
 * {"outcome": "done"} or, of charges alone, {"outcome": "declined", "reason": ...}. */
void payment_http_call(struct effect *effect);
void payment_http_answered(struct effect *effect, const struct transfer_result *result);
size_t payment_http_room(size_t wanted);

/* Whether the breaker is open; from any thread. */
bool payment_http_is_given_up(void);
