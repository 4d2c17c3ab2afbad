/* notification_webhooks.h - events of orders to whoever asked for them by `orderctl webhook add`: the effect kind `webhook`.
 *
 * Each event goes to each webhook that wants its type, at least once and in no promised order; webhook-id is the event's id
 * and the same at every repeat. Answers other than 2xx are repeated with backoff, no earlier than Retry-After says; 410 ends
 * the delivery at once. The worker knows the webhooks from its latest look at the table, about a second old. */
#pragma once

#include "workers/runtime/effect.h"
#include "workers/runtime/service.h"

/* Looks at the table; in a tick, so that a change is known soon. */
bool webhooks_refresh(struct batch *batch);

/* Whether the table has been looked at since the start: before that nobody knows whom to tell. */
bool webhooks_known(void);

/* Whether any webhook wants events of TYPE. */
bool webhooks_want(struct text type);

/* Asks for the deliveries of WORK's event to all that want it; DATA is the event's payload. */
void webhooks_tell(struct batch *batch, const struct work *work, struct text data);

/* Once, before anything else: whether webhooks may lead to addresses that are not public (net_address.h). */
void webhooks_allow_private(bool allow);

/* The effect kind: webhooks_settle adds to the log of deliveries. */
void webhooks_call(struct effect *effect);
void webhooks_answered(struct effect *effect, const struct transfer_result *result);
bool webhooks_settle(struct batch *batch);
