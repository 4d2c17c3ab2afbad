/* idempotency.h - one key, one order: what is remembered, by whom, and what follows from it.
 *
 * PostgreSQL decides, by a unique index over digests of keys. Redis only saves it the work of a replay; what Redis says
 * counts only where its signature is right. */
#pragma once

#include "io/digest.h"
#include "model/order.h"
#include "store/orders.h"

/* Of (client, key); there is one client until clients have keys of their own. */
struct uuid idempotency_key_digest(struct text key);

/* Of the order as it was understood: the same however the JSON was written. ITEMS and ADDRESS are the canonical texts. */
struct uuid idempotency_body_digest(const struct order *order, struct text items, struct text address);

enum idempotency_step {
    IDEMPOTENCY_CREATED,     /* answer: the order is new */
    IDEMPOTENCY_REPLAY,      /* answer what the first request was answered */
    IDEMPOTENCY_MISMATCH,    /* the key belongs to another order */
    IDEMPOTENCY_ASK_AGAIN,   /* another request is at work on the key: soon */
    IDEMPOTENCY_IN_PROGRESS, /* the same, and the time to wait is over */
};

/* What follows from an outcome of orders_create. An order that holds the key under the very id asked for is this request's
 * own, from an attempt whose answer was lost. Pure. */
enum idempotency_step idempotency_decide(const struct orders_new *asked, bool time_left);

/* ---- what Redis remembers ---- */

/* A finished create: enough to answer without asking anyone. */
struct idempotency_answer {
    struct uuid body_digest;
    struct uuid order_id;
    struct text bytes; /* of the answer's body */
};

enum { IDEMPOTENCY_TTL_S = 24 * 60 * 60 };

/* The name in Redis: nothing of the client's own bytes. */
struct text idempotency_redis_key(const struct uuid *key_digest, struct arena *arena);

/* ANSWER, signed for KEY_DIGEST. */
struct text idempotency_seal(const struct idempotency_answer *answer, const struct uuid *key_digest, struct text secret,
                             struct arena *arena);

/* False for anything that was not sealed with SECRET for KEY_DIGEST. Slices are those of VALUE. Pure. */
MUST_CHECK bool idempotency_open(struct text value, const struct uuid *key_digest, struct text secret,
                                 struct idempotency_answer *answer);
