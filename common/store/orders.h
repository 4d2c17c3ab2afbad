/* orders.h - the orders schema as functions: whole batches in, whole batches out. SQL: sql/orders/functions.sql. */
#pragma once

#include "io/pg.h"
#include "model/event.h"
#include "model/order.h"
#include "model/order_state.h"

/* ---- creating ---- */

enum orders_outcome {
    ORDERS_CREATED, /* committed just now */
    ORDERS_EXISTS,  /* the key belongs to an order committed earlier (or earlier in this batch): see the holder */
    ORDERS_BUSY,    /* another transaction holds the key uncommitted: ask again in a few milliseconds */
};

/* What a finished create is remembered by: enough to answer a replay byte for byte. */
struct orders_receipt {
    struct uuid order_id;
    struct uuid body_digest;
    char currency[4];
    int64_t total_minor;
};

/* One create of a batch: input, then output. */
struct orders_new {
    const struct order *order;
    struct uuid key_digest;  /* of (client, Idempotency-Key) */
    struct uuid body_digest; /* of the normalised body */
    struct text items;       /* order_append_items */
    struct text address;     /* order_append_address */
    struct event created;    /* order.created */

    enum orders_outcome outcome;
    struct orders_receipt holder; /* EXISTS: whose key it is; CREATED: itself */
};

/* Creates up to 64 orders with their progress, timeline and outbox rows in one statement and one commit. On a fault none
 * was created, except FAULT_UNKNOWN: look each key up by calling again (a key finds its order then: EXISTS). */
MUST_CHECK bool orders_create(struct pg *pg, struct arena *arena, struct orders_new *const *batch, size_t count,
                              struct fault *fault);

/* The secret that signs what Redis remembers; in ARENA. */
MUST_CHECK bool orders_secret(struct pg *pg, struct arena *arena, struct text *secret, struct fault *fault);

/* ---- reading ---- */

/* A whole order as clients see it. Slices live in the arena given to the reader. */
struct order_view {
    bool found;
    struct uuid id;
    struct uuid customer_id;
    char currency[4];
    int64_t total_minor;
    struct text items, address; /* canonical JSON */
    enum order_state state;
    int32_t version; /* rises by one a move, 1 at first */
    int64_t updated_ms;
    struct text failure_reason; /* ptr NULL unless CANCELLED */
    struct text failed_sku;     /* of one out of stock; else ptr NULL */
};

/* VIEWS[i] answers IDS[i]; found is false where there is no such order. */
MUST_CHECK bool orders_read(struct pg *pg, struct arena *arena, const struct uuid *ids, size_t count,
                            struct order_view *views, struct fault *fault);

/* Which orders a list takes; NULL: no such filter. */
struct orders_filter {
    const struct uuid *customer_id;
    const enum order_state *state;
    const struct uuid *from;   /* ids at or above: uuid_v7_floor(createdFrom) */
    const struct uuid *before; /* ids below: uuid_v7_floor(createdTo) */
    const struct uuid *after;  /* cursor: only ids below this one */
};

enum { ORDERS_COUNT_MAX = 10000 };

/* Newest first: at most LIMIT orders after the first OFFSET. */
MUST_CHECK bool orders_list(struct pg *pg, struct arena *arena, const struct orders_filter *filter, int offset, int limit,
                            struct order_view **views, size_t *count, struct fault *fault);

/* How many match, counted no further than ORDERS_COUNT_MAX + 1; the cursor is left out of account. */
MUST_CHECK bool orders_count(struct pg *pg, struct arena *arena, const struct orders_filter *filter, int64_t *count,
                             struct fault *fault);

struct order_transition {
    int64_t at_ms;
    bool has_from;
    enum order_state from, to;
    struct text reason; /* ptr NULL: none */
    struct uuid event_id;
    struct text trace_id; /* 32 hex digits, ptr NULL: none */
};

/* Every transition, oldest first; count 0: no such order. */
MUST_CHECK bool orders_timeline(struct pg *pg, struct arena *arena, const struct uuid *id,
                                struct order_transition **transitions, size_t *count, struct fault *fault);

/* ---- moving ---- */

/* What a locked order is at: enough to decide. */
struct order_progress {
    bool found;
    enum order_state state;
    int32_t version;
};

/* Locks the orders in id order until TX ends; PROGRESS[i] answers IDS[i] (ids may repeat). */
MUST_CHECK bool orders_lock(struct tx *tx, struct arena *arena, const struct uuid *ids, size_t count,
                            struct order_progress *progress, struct fault *fault);

/* One step of one order, allowed by order_state.h. VERSION is the one it makes: the locked one + 1, + 2, ... */
struct order_move {
    struct uuid order_id;
    int32_t version;
    enum order_state from, to;
    const char *reason;     /* cancel_reason_name, or NULL */
    struct text failed_sku; /* out of stock: what could not be had; else ptr NULL */
    struct uuid event_id;
    struct text trace_id;
};

/* Writes steps of orders locked in TX: timeline rows, and each order's last state. Steps of one order come in order.
 * A version that does not follow the stored one is FAULT_PERMANENT: the caller did not hold the lock. */
MUST_CHECK bool orders_move(struct tx *tx, struct arena *arena, const struct order_move *moves, size_t count,
                            struct fault *fault);
