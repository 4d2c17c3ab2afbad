/* outbox.h - events that wait in a service's schema until the relay has sent them. SQL: sql/runtime/functions.sql. */
#pragma once

#include "io/pg.h"
#include "model/event.h"

/* ---- writing: inside the transaction of the change the events tell of ---- */

/* Events of one transaction, column by column. Memory of the arena. */
struct outbox_batch {
    struct arena *arena;
    struct pg_array *ids, *topics, *order_ids, *types, *payloads, *traces;
    size_t count;
};

void outbox_batch_init(struct outbox_batch *batch, struct arena *arena, size_t expected);

/* EVENT's slices have to live until outbox_append. The caller holds the lock of the event's order row. */
void outbox_batch_add(struct outbox_batch *batch, const struct event *event);

/* Inserts them in one statement, those of one order in the order added: sent if and only if TX commits, perhaps more than
 * once. An empty batch sends nothing to the server. */
MUST_CHECK bool outbox_append(struct tx *tx, struct outbox_batch *batch, struct fault *fault);

/* ---- relaying: one relay an outbox, see workers/relay ---- */

struct outbox_row {
    int64_t seq; /* insertion order; not commit order */
    struct uuid id;
    struct uuid order_id;
    struct text topic, type, payload, traceparent;
};

/* Makes PG's session the outbox's one relay for as long as it lasts; LEADS is false where another is. To be called once a
 * session. From then on the session ends after 5 s of silence, so that a frozen relay makes way. */
MUST_CHECK bool outbox_lead(struct pg *pg, bool *leads, struct fault *fault);

/* Once OLDEST_XID has reached an earlier call's NEXT_XID, no row can appear any more up to that call's LAST_SEQ. */
struct outbox_horizon {
    int64_t oldest_xid, next_xid, last_seq;
};

MUST_CHECK bool outbox_horizon(struct pg *pg, struct outbox_horizon *horizon, struct fault *fault);

/* Up to MAX rows with seq >= FLOOR in seq order, without those in IN_FLIGHT. Rows live in ARENA. */
MUST_CHECK bool outbox_read(struct pg *pg, struct arena *arena, int64_t floor, const int64_t *in_flight,
                            size_t in_flight_count, int max, struct outbox_row **rows, size_t *count, struct fault *fault);

/* Sleeps in the database until there is a row with seq >= FLOOR, looking every EVERY_MS, or until WAIT_MS are over: an idle
 * relay's cheapest way to look. */
MUST_CHECK bool outbox_wait(struct pg *pg, struct arena *arena, int64_t floor, int every_ms, int wait_ms,
                            struct fault *fault);

/* Removes delivered rows (asynchronous commit: the worst that a crash does is a repeat). */
MUST_CHECK bool outbox_delete(struct pg *pg, struct arena *arena, const int64_t *seqs, size_t count, struct fault *fault);

/* Moves a row that can never be sent, and the later rows of its order, to the dead letters. */
MUST_CHECK bool outbox_park(struct pg *pg, struct arena *arena, int64_t seq, struct text reason, struct fault *fault);

/* What waits: events, by the distance of sequence numbers (no fewer than there are), and milliseconds since the first in
 * line was made; 0 and 0 for an empty outbox. Costs one row, however many there are. */
struct outbox_state {
    int64_t depth, oldest_age_ms;
};

MUST_CHECK bool outbox_state(struct pg *pg, struct outbox_state *state, struct fault *fault);
