/* effect.h - calls to the world outside (a gateway, a mail server, a webhook), made outside of any transaction.
 *
 * A handler asks for a call by batch_effect, in the transaction of what it decides; the worker's pump makes it, beside the
 * consumer and with others at once, and hands the outcome to the kind's settle, in a transaction that also removes the
 * request. A crash in between leads to the call being made again under the same id, by which the other side has to know it.
 *
 * Attempts that fail are repeated with backoff; after EFFECT_ATTEMPTS of them, or where repeating cannot help, the call is
 * given up: settle hears of it too, and the row stays for an operator, who can have it made again (function effect_retry).
 */
#pragma once

#include "base/fault.h"
#include "base/traceparent.h"
#include "io/json.h"
#include "io/transfers.h"

struct batch;

/* One attempt, in the pump's thread; for settle also part of a work (service.h). */
struct effect {
    struct uuid id; /* of the call, the same at each attempt: its idempotency key */
    struct uuid order_id;
    const struct effect_kind *kind;
    struct text payload;      /* as the handler gave it to batch_effect */
    struct json_doc request;  /* the payload, parsed */
    struct traceparent trace; /* of the event that was the cause */
    int attempt;              /* from 1; starts again when an operator asks for more */
    bool repeated;            /* an earlier attempt was begun, and may have had its effect */
    bool last;                /* a failure of this attempt gives up */

    struct transfers *transfers; /* where the call is started, with the effect as its tag */
    struct arena *arena;         /* until the outcome is recorded */
    void *state;                 /* the kind's own, NULL at first */

    struct fault failed; /* for settle. Kind NONE: done, and the work's doc is the answer; else given up, and why */
};

/* A kind of call, one line of a service's table. What it does between CALL and the outcome is up to it, as often as it likes
 * within EFFECT_CALL_MS. */
struct effect_kind {
    const char *name; /* in the schema, metrics and logs */

    /* Either starts a transfer with the effect as its tag, or ends the attempt by one of the functions below. NULL: there is
     * nothing to call, the effect is done when it is due (a delay). */
    void (*call)(struct effect *effect);

    /* The transfer has ended, one way or another: likewise starts the next or ends the attempt. */
    void (*answered)(struct effect *effect, const struct transfer_result *result);

    /* Records outcomes: a batch like any other, whose works have the kind's name as type, the effect's id as event id, and a
     * member `effect`. Kinds next to each other with the same SETTLE share a transaction. A work that it rejects is given
     * up. */
    bool (*settle)(struct batch *batch);

    /* How many of WANTED calls may be started now, for a circuit breaker; asked before each look for due ones. NULL: all. */
    size_t (*room)(size_t wanted);
};

/* The three ways in which an attempt ends; each effect sees one of them, once. */

/* ANSWER, a JSON object in EFFECT's arena or elsewhere for as long, is what settle reads; ptr NULL: none. */
void effect_done(struct effect *effect, struct text answer);

/* It may work later: not before AFTER_MS (what the other side asked for; 0: nothing), and with backoff. */
void effect_again(struct effect *effect, int64_t after_ms, const char *format, ...) PRINTF_LIKE(3, 4);

/* It never will. */
void effect_fail(struct effect *effect, const char *format, ...) PRINTF_LIKE(2, 3);
