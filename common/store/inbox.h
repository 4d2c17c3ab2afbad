/* inbox.h - which events a service has applied, and those it has set aside. SQL: sql/runtime/functions.sql. */
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
    enum inbox_verdict verdict;
};

/* Claims events, sorted by id, in one statement; fills their verdicts. Ids may repeat: the first of equals is FRESH at
 * the most, the others are DUPLICATE. */
MUST_CHECK bool inbox_claim(struct tx *tx, struct arena *arena, struct inbox_event *events, size_t count,
                            struct fault *fault);

/* An event set aside, with all that is needed to show and to replay it. Unknown parts are NULL or empty. */
struct deadletter {
    const struct uuid *event_id; /* NULL: undecodable */
    const struct uuid *order_id;
    struct text type;
    const char *topic;
    int32_t partition;
    int64_t offset;
    struct text key, payload; /* as received */
    struct text traceparent;
    struct text reason; /* one sentence */
    bool held;          /* waits behind another, is not itself at fault */
};

/* Adds dead letters and takes back their inbox rows, so that a replay applies them; one already there stays as it is. */
MUST_CHECK bool deadletter_add(struct tx *tx, struct arena *arena, const struct deadletter *letters, size_t count,
                               struct fault *fault);
