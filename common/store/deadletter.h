/* deadletter.h - received events that a service has set aside, and their replay. SQL: sql/runtime/functions.sql. */
#pragma once

#include "store/inbox.h"

/* An event set aside, with all that is needed to show and to replay it. Unknown parts are NULL or empty. */
struct deadletter {
    int64_t id;                  /* 0: not in the table yet */
    const struct uuid *event_id; /* NULL: undecodable */
    const struct uuid *order_id;
    struct text type;
    const char *topic;
    int32_t partition;
    int64_t offset;
    struct text key, payload; /* as received */
    struct text dataschema;   /* ptr NULL: none */
    struct text traceparent;
    struct text reason; /* one sentence */
    bool held;          /* waits behind another, is not itself at fault */
};

/* Adds dead letters and takes back their inbox rows, so that a replay applies them; one already there stays as it is. */
MUST_CHECK bool deadletter_add(struct tx *tx, struct arena *arena, const struct deadletter *letters, size_t count,
                               struct fault *fault);

/* ---- replay: letters whose replay_at an operator has set ---- */

/* Up to MAX of them, oldest first, those of one order in the order set aside; none that waits behind another, but for type
 * NEVER_HELD, which waits behind nothing. Everything but order_id, reason and held is filled; slices live in ARENA. */
MUST_CHECK bool deadletter_due(struct pg *pg, struct arena *arena, int max, const char *never_held,
                               struct deadletter **letters, size_t *count, struct fault *fault);

/* inbox_claim for events that come from letters: locks those. A letter that is gone is a DUPLICATE; HELD waits behind a
 * letter of its order that is not among EVENTS. */
MUST_CHECK bool deadletter_claim(struct tx *tx, struct arena *arena, struct inbox_event *events, size_t count,
                                 struct fault *fault);

/* Ends a replay: removes the letters DONE, whereupon those held behind them are due, and puts LETTERS back with their new
 * reasons, no longer due, one more attempt counted. */
MUST_CHECK bool deadletter_settle(struct tx *tx, struct arena *arena, const int64_t *done, size_t done_count,
                                  const struct deadletter *letters, size_t count, struct fault *fault);
