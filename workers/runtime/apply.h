/* apply.h - a polled batch into the database: groups, transactions, dead letters, and the search for the event at fault. */
#pragma once

#include "workers/runtime/delivery.h"
#include "workers/runtime/stats.h"

/* One thread at a time. */
struct apply {
    struct pg *pg;
    struct stats *stats;
    struct arena arena; /* of one transaction; owned by the user, who frees it at the end */
    uint64_t effects;   /* rows of table effect committed so far */

    /* Waits before a transaction that failed for FAULT is tried the ATTEMPTth time again (from 1); false lets go of the
     * batch. */
    bool (*pause)(void *context, const struct fault *fault, int attempt);
    void *context;
};

/* Applies DELIVERIES group by group: consecutive rows of the service's table with one handler are a group and share a
 * transaction, in log order. True: every one of them is applied, known already, or among the dead letters, and committed.
 * False: the batch was let go of, Kafka may hear nothing of it, and whatever did get committed will come as duplicates. */
MUST_CHECK bool apply_batch(struct apply *apply, struct delivery *deliveries, size_t count);

/* Calls the service's tick in a transaction of its own. */
MUST_CHECK bool apply_tick(struct apply *apply, struct fault *fault);
