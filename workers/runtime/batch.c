/* batch.c - what handlers call: setting events aside, emitting, calling SQL functions; and calling them. */
#include "workers/runtime/batch.h"
#include "store/effects.h"
#include "store/outbox.h"

#include <stdarg.h>
#include <stdio.h>

void work_reject(struct work *work, const char *format, ...)
{
    char why[sizeof work->rejected.detail];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    fault_set(&work->rejected, FAULT_INVALID, "rejected", "%s", why);
}

static void emit(struct batch *batch, const struct uuid *order_id, const char *type, struct text payload,
                 struct traceparent trace)
{
    struct event *event = arena_alloc(batch->arena, sizeof *event); /* its slices have to outlive this call */

    *event = (struct event){
        .id = uuid_v7(),
        .type = event_type_find(text_of(type)),
        .order_id = *order_id,
        .payload = payload,
        .trace = trace,
    };
    if (event->type)
        outbox_batch_add(batch->outbox, event);
    else
        fault_set(&batch->fault, FAULT_PERMANENT, "event_type", "no event type is called %s", type);
}

void batch_emit(struct batch *batch, const struct work *cause, const char *type, struct text payload)
{
    emit(batch, &cause->order_id, type, payload, cause->span);
}

void batch_emit_alone(struct batch *batch, const struct uuid *order_id, const char *type, struct text payload)
{
    emit(batch, order_id, type, payload, traceparent_new());
}

struct uuid batch_effect(struct batch *batch, const struct work *cause, const char *kind, struct text payload,
                         int64_t delay_ms)
{
    const struct effect_new effect = {
        .id = uuid_v7(),
        .kind = kind,
        .order_id = cause->order_id,
        .payload = payload,
        .trace = cause->span,
        .delay_ms = delay_ms,
    };

    effect_batch_add(batch->effects, &effect);
    return effect.id;
}

bool batch_call(struct batch *batch, const char *call, struct pg_args *args, struct pg_rows *rows)
{
    return pg_call(batch->tx->pg, call, args, rows, &batch->fault);
}

/* ---- the runtime's side ---- */

bool batch_handle(struct batch *batch, handler *handle, struct fault *fault)
{
    if (handle(batch) && batch->fault.kind == FAULT_NONE)
        return true;
    *fault = batch->fault;
    return fault->kind == FAULT_NONE ? fault_set(fault, FAULT_PERMANENT, "handler", "the handler failed without a word")
                                     : false;
}

bool batch_is_blamed(const struct fault *fault)
{
    return !fault_is_retryable(fault) && fault->kind != FAULT_UNKNOWN && strncmp(fault->code, "42", 2) != 0;
}
