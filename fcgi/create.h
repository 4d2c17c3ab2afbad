/* create.h - a create under way: what the memory's batch and the writers' know of it. */
#pragma once

#include "fcgi/call.h"
#include "fcgi/idempotency.h"

struct create {
    struct call *call;
    struct order order;
    struct orders_new new; /* points to ORDER */
    int64_t busy_until_ms; /* how long another request with its key is waited for */

    /* What Redis is asked for, or told. */
    bool remember;     /* tell it BYTES; else ask */
    struct text bytes; /* of the answer's body */
    enum metrics_redis known;
    struct uuid known_id; /* of the order, where it is known */
    bool replayed;
};
