/* service.h - what a service is to the runtime, and what the runtime offers to its handlers.
 *
 * The runtime owns consumption, transaction, duplicates, retries, dead letters, offsets, health and logs. A handler gets the
 * fresh events of its types as a batch, inside an open transaction: it reads them, decides, and writes them all with
 * set-based calls. It may be called again with the same events after a failure, so it keeps nothing outside the batch. */
#pragma once

#include "base/metric.h"
#include "base/settings.h"
#include "io/json.h"
#include "io/pg.h"
#include "model/event.h"

/* One event under work. */
struct work {
    struct uuid event_id;
    struct uuid order_id;
    struct text type;
    struct traceparent trace;    /* of the event as received */
    struct traceparent span;     /* of its handling, in that trace: what follows from it carries this on */
    const struct json_doc *doc;  /* the payload, parsed */
    struct fault rejected;       /* kind FAULT_NONE unless set aside by work_reject */
    const struct effect *effect; /* in a settle (effect.h): the call whose outcome this is; else NULL */
};

/* The fresh events of one handler, in log order, in one transaction. */
struct batch {
    struct arena *arena; /* ends with the batch */
    struct tx *tx;
    struct work *works;
    size_t count;
    struct outbox_batch *outbox; /* written by the runtime before COMMIT; likewise the next */
    struct effect_batch *effects;
    struct fault fault; /* why the handler failed; filled by batch_call */
};

/* Sets the event aside alone, as a dead letter: its content is at fault. Nothing may have been written for it. */
void work_reject(struct work *work, const char *format, ...) PRINTF_LIKE(2, 3);
static inline bool work_is_rejected(const struct work *work)
{
    return work->rejected.kind != FAULT_NONE;
}

/* Adds an event of TYPE (model/event.h) about the order of CAUSE, in CAUSE's trace; PAYLOAD lives in the batch's arena. */
void batch_emit(struct batch *batch, const struct work *cause, const char *type, struct text payload);

/* The same without a cause (ticks): starts a trace of its own. */
void batch_emit_alone(struct batch *batch, const struct uuid *order_id, const char *type, struct text payload);

/* Asks for a call of kind KIND (a line of the service's `effects`, see effect.h) about the order of CAUSE, once the batch is
 * committed and DELAY_MS have passed. PAYLOAD is a JSON object in the batch's arena. Returns the call's id. */
struct uuid batch_effect(struct batch *batch, const struct work *cause, const char *kind, struct text payload,
                         int64_t delay_ms);

/* pg_call in the batch's transaction; a failure is kept in batch->fault, and the handler returns false. */
MUST_CHECK bool batch_call(struct batch *batch, const char *call, struct pg_args *args, struct pg_rows *rows);

/* Returns false only when the batch as a whole failed, batch->fault saying why. */
typedef bool handler(struct batch *batch);

/* Consecutive rows with the same HANDLE share one transaction. */
struct handles {
    const char *type;
    handler *handle;
};

struct service {
    const char *name;          /* "payment": worker-payment, group orderline-payment, health, logs */
    const char *schema;        /* its schema, "payment" */
    const char *const *topics; /* NULL-terminated; the same in every member of the group */
    const struct handles *handles;
    size_t handle_count;
    const struct setting *settings; /* its own beside the runtime's; offsets into SETTINGS_INTO */
    size_t setting_count;
    void *settings_into;
    /* NULL, or called once when the settings are read, before anything else happens. False ends the process with exit 78:
     * FAULT says which setting is at fault, and what it takes. */
    bool (*start)(struct fault *fault);
    handler *tick; /* NULL, or called about every TICK_MS between batches, with an empty batch in a transaction of its own */
    int tick_ms;
    const struct effect_kind *effects; /* the kinds of calls it makes, see effect.h */
    size_t effect_count;
    void (*metrics)(struct buf *out); /* NULL, or adds its own to /metrics, out of atomics: another thread calls it */
};

/* Defined by each file of services/; the binary links exactly one. */
extern const struct service service;
