/* cancel.c - POST /orders/{id}/cancel: the row decides, under its lock, whether it is still time. */
#include "base/failpoint.h"
#include "fcgi/handlers.h"
#include "fcgi/query.h"
#include "fcgi/render.h"
#include "store/outbox.h"

struct cancel {
    struct uuid id;
    struct traceparent trace;
    bool too_late;
    struct order_view view; /* as it is afterwards */
};

static bool commit(struct tx *tx, struct fault *fault)
{
    if (failpoint_hit("api.before_cancel"))
        return fault_set(fault, FAULT_TRANSIENT, "failpoint", "api.before_cancel");
    if (!tx_commit(tx, fault))
        return false;
    if (failpoint_hit("api.after_cancel"))
        return fault_set(fault, FAULT_UNKNOWN, "failpoint", "api.after_cancel");
    return true;
}

/* The move and the event that tells of it, in the transaction that holds the row. */
static bool move(struct tx *tx, const struct cancel *cancel, const struct order_progress *progress, struct arena *arena,
                 struct fault *fault)
{
    struct event event = {
        .id = uuid_v7(),
        .type = event_type_find(TEXT("order.cancelled")),
        .order_id = cancel->id,
        .payload = render_cancelled_event(&cancel->view, CANCEL_BY_CUSTOMER, arena),
        .trace = cancel->trace,
    };
    struct order_move step = {
        .order_id = cancel->id,
        .version = progress->version + 1,
        .from = progress->state,
        .to = ORDER_CANCELLED,
        .reason = cancel_reason_name(CANCEL_BY_CUSTOMER),
        .event_id = event.id,
        .trace_id = traceparent_trace_id(&event.trace),
    };
    struct outbox_batch outbox;

    outbox_batch_init(&outbox, arena, 1);
    outbox_batch_add(&outbox, &event);
    return orders_move(tx, arena, &step, 1, fault) && outbox_append(tx, &outbox, fault);
}

static bool cancel_run(struct pg *pg, struct call *call, void *into, struct fault *fault)
{
    TX_SCOPE tx = { 0 };
    struct cancel *cancel = into;
    struct order_progress progress;

    cancel->too_late = false;
    if (!tx_begin(&tx, pg, fault) || !orders_lock(&tx, call->arena, &cancel->id, 1, &progress, fault) ||
        !orders_read(pg, call->arena, &cancel->id, 1, &cancel->view, fault))
        return false;
    if (!progress.found || progress.state == ORDER_CANCELLED)
        return true;
    if (!order_state_cancellable(progress.state, CANCEL_BY_CUSTOMER)) {
        cancel->too_late = true;
        return true;
    }
    return move(&tx, cancel, &progress, call->arena, fault) &&
           orders_read(pg, call->arena, &cancel->id, 1, &cancel->view, fault) && commit(&tx, fault);
}

static enum call_state answer(struct call *call, const struct fault *fault)
{
    const struct cancel *cancel = call->own;

    if (fault)
        return call_fail(call, fault);
    if (cancel->too_late)
        return call_refuse(call, PROBLEM_NOT_CANCELLABLE,
                           arena_printf(call->arena, "The order is in %s.", order_state_name(cancel->view.state)), NULL);
    return call_answer_order(call, &cancel->view);
}

enum call_state handle_cancel(struct call *call)
{
    struct cancel *cancel = arena_alloc(call->arena, sizeof *cancel);

    cancel->trace = call_trace(call);
    if (!call_order_id(call, &cancel->id))
        return CALL_ANSWERED;
    return query_wait(call, cancel_run, cancel, answer);
}
