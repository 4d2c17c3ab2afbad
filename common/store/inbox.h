/* inbox.h - which events a service has applied. SQL: sql/runtime/functions.sql. */
#pragma once

#include "io/pg.h"

enum inbox_verdict {
    INBOX_FRESH,     /* claimed in this transaction: apply it */
    INBOX_DUPLICATE, /* applied before: nothing to do */
    INBOX_HELD,      /* an earlier event of its order lies among the dead letters: set aside behind it */
};

struct inbox_event {
    struct uuid event_id;
    struct uuid order_id;
    bool never_held; /* order.cancelled */
    int64_t letter;  /* the dead letter it is replayed from, 0: it comes from Kafka */
    enum inbox_verdict verdict;
};

/* Claims events, sorted by id, in one statement; fills their verdicts. Ids may repeat: the first of equals is FRESH at
 * the most, the others are DUPLICATE. */
MUST_CHECK bool inbox_claim(struct tx *tx, struct arena *arena, struct inbox_event *events, size_t count,
                            struct fault *fault);

/* Fills the verdicts of EVENTS from the rows (place from 1, verdict) that CALL answered with. */
MUST_CHECK bool inbox_verdicts(const struct pg_rows *rows, const char *call, struct inbox_event *events, size_t count,
                               struct fault *fault);

/* Forgets up to MAX events older than RETENTION_MS, oldest first; PURGED: how many, 0 also where another session is at it.
 */
MUST_CHECK bool inbox_purge(struct pg *pg, struct arena *arena, int64_t retention_ms, int max, int *purged,
                            struct fault *fault);

/* What lies in a service's tables, for its metrics. */
struct runtime_sizes {
    int64_t inbox_rows; /* the planner's estimate; -1: not known yet */
    int32_t letters;    /* received dead letters at fault themselves, */
    int32_t held;       /* and those held behind them; 10,000 together at the most */
};

MUST_CHECK bool runtime_sizes(struct pg *pg, struct runtime_sizes *sizes, struct fault *fault);
