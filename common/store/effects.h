/* effects.h - calls to the world outside that a service has decided on, until their outcome is recorded.
 * SQL: sql/runtime/functions.sql. */
#pragma once

#include "base/traceparent.h"
#include "io/pg.h"

/* ---- writing: inside the transaction that wants the call ---- */

struct effect_new {
    struct uuid id;
    const char *kind;
    struct uuid order_id;
    struct text payload; /* JSON */
    struct traceparent trace;
    int64_t delay_ms; /* the call is due so long after the transaction; 0: at once */
};

/* Calls of one transaction, column by column. Memory of the arena. */
struct effect_batch {
    struct arena *arena;
    struct pg_array *ids, *kinds, *order_ids, *payloads, *traces, *delays;
    size_t count;
};

void effect_batch_init(struct effect_batch *batch, struct arena *arena);

/* Slices of EFFECT have to live until effect_append. */
void effect_batch_add(struct effect_batch *batch, const struct effect_new *effect);

/* Inserts them in one statement: made if and only if TX commits, perhaps more than once, each time under the same id. An
 * empty batch sends nothing to the server. */
MUST_CHECK bool effect_append(struct tx *tx, struct effect_batch *batch, struct fault *fault);

/* ---- calling: any number of pumps a schema, see workers/runtime/effect_pump.h ---- */

/* A row under lease: until it runs out nobody else calls. LEASE is its number, by which later calls know whether it still
 * holds. */
struct effect_row {
    struct uuid id;
    int64_t lease;
    struct uuid order_id;
    struct text payload, traceparent; /* of the arena */
    int attempt;                      /* this one, from 1 */
};

/* Leases up to MAX rows of KIND that are due, the longest due first. Rows live in ARENA. */
MUST_CHECK bool effect_lease(struct pg *pg, struct arena *arena, const char *kind, int max, int64_t lease_ms,
                             struct effect_row **rows, size_t *count, struct fault *fault);

/* A lease as the calls below take it. */
struct effect_key {
    struct uuid id;
    int64_t lease;
    bool held;           /* filled by effect_claim: the lease still holds, and the row is locked */
    struct text error;   /* ptr NULL: none. Valid UTF-8 without NUL */
    int64_t postpone_ms; /* for effect_postpone */
};

/* Locks those whose lease still holds, in id order. */
MUST_CHECK bool effect_claim(struct tx *tx, struct arena *arena, struct effect_key *keys, size_t count, struct fault *fault);

/* Ends those that are held: rows without an error go away, the others stay, given up, for an operator to see. */
MUST_CHECK bool effect_end(struct tx *tx, struct arena *arena, const struct effect_key *keys, size_t count,
                           struct fault *fault);

/* Gives leases back, those that no longer hold left out: due again after POSTPONE_MS. */
MUST_CHECK bool effect_postpone(struct pg *pg, struct arena *arena, const struct effect_key *keys, size_t count,
                                struct fault *fault);

/* Rows of KIND that wait or are under way, and those given up; each counts no further than 10,000. */
MUST_CHECK bool effect_backlog(struct pg *pg, struct arena *arena, const char *kind, int64_t *waiting, int64_t *gave_up,
                               struct fault *fault);
