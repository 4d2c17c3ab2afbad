/* order.c - walks each order through its stages: the only writer of an order's state apart from the customer's cancel. */
#include "base/log.h"
#include "store/orders.h"
#include "workers/runtime/fields.h"
#include "workers/services/order_steps.h"
#include "workers/services/payload.h"
#include "workers/services/rows.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    STUCK_MAX = 500,       /* a tick */
    COUNT_MAX = 10000,     /* orders under way that are counted */
    COUNT_EVERY_TICKS = 5, /* seconds */
};

static struct settings {
    int64_t nudge_after_ms;
    int64_t cancel_after_ms;
} settings;

/* ---- orders of a batch ---- */

/* An order as locked, and as moved since. */
struct row {
    struct uuid id;
    struct order_progress progress;
    const struct order_view *view; /* NULL unless an event needs it */
};

struct rows {
    struct row *at; /* in id order, each once */
    size_t count;
};

static int compare_rows(const void *a, const void *b)
{
    return uuid_compare(&((const struct row *)a)->id, &((const struct row *)b)->id);
}

static struct row *rows_find(const struct rows *rows, const struct uuid *id)
{
    return bsearch(&(struct row){ .id = *id }, rows->at, rows->count, sizeof *rows->at, compare_rows);
}

static bool rows_lock(struct batch *batch, struct rows *rows)
{
    struct uuid *ids = arena_array(batch->arena, batch->count, sizeof *ids);
    struct order_progress *progress = arena_array(batch->arena, batch->count, sizeof *progress);

    rows->count = batch_order_ids(batch, ids);
    if (!orders_lock(batch->tx, batch->arena, ids, rows->count, progress, &batch->fault))
        return false;
    rows->at = arena_array(batch->arena, rows->count, sizeof *rows->at);
    for (size_t i = 0; i < rows->count; i++)
        rows->at[i] = (struct row){ .id = ids[i], .progress = progress[i] };
    return true;
}

/* ---- moves ---- */

/* Moves of a batch in log order, each with its order and the event it is due to (NULL: a tick). */
struct moves {
    struct order_move *at;
    struct row **rows;
    const struct work **causes;
    size_t count;
};

static struct moves moves_new(struct arena *arena, size_t max)
{
    return (struct moves){
        .at = arena_array(arena, max, sizeof(struct order_move)),
        .rows = arena_array(arena, max, sizeof(struct row *)),
        .causes = arena_array(arena, max, sizeof(struct work *)),
    };
}

static struct order_move *move(struct moves *moves, struct row *row, enum order_state to, enum cancel_reason reason,
                               const struct work *cause)
{
    struct order_move *made = &moves->at[moves->count];

    moves->rows[moves->count] = row;
    moves->causes[moves->count++] = cause;
    *made = (struct order_move){
        .order_id = row->id,
        .version = ++row->progress.version,
        .from = row->progress.state,
        .to = to,
        .reason = to == ORDER_CANCELLED ? cancel_reason_name(reason) : NULL,
        .event_id = cause ? cause->event_id : uuid_v7(),
        .trace_id = cause ? traceparent_trace_id(&cause->trace) : (struct text){ 0 },
    };
    row->progress.state = to;
    return made;
}

/* ---- what the others hear of it ---- */

/* Reads, in one call, the orders that are to be announced. */
static bool read_views(struct batch *batch, const struct moves *moves)
{
    struct uuid *ids = arena_array(batch->arena, moves->count, sizeof *ids);
    struct order_view *views = arena_array(batch->arena, moves->count, sizeof *views);
    size_t count = 0;

    for (size_t i = 0; i < moves->count; i++)
        if (order_announcement(moves->at[i].to) && !moves->rows[i]->view) {
            moves->rows[i]->view = &views[count];
            ids[count++] = moves->at[i].order_id;
        }
    return count == 0 || orders_read(batch->tx->pg, batch->arena, ids, count, views, &batch->fault);
}

/* Lines and address go to the one stage that ships, amounts to those that charge and tell. */
static bool announcement_payload(struct arena *arena, const struct order_move *made, const struct order_view *view,
                                 struct text *json, struct fault *fault)
{
    struct buf payload = payload_start(arena, &view->id);

    payload_uuid(&payload, "customerId", &view->customer_id);
    if (made->to == ORDER_FULFILLMENT) {
        struct buf array = BUF_IN(arena);
        struct lines lines;

        if (!lines_read(view->items, arena, &lines, fault))
            return false;
        lines_append(&array, &lines);
        payload_json(&payload, "lines", buf_view(&array));
        payload_json(&payload, "shippingAddress", view->address);
    } else {
        payload_text(&payload, "currency", text_of(view->currency));
        payload_int64(&payload, "totalMinor", view->total_minor);
        if (made->reason)
            payload_text(&payload, "reason", text_of(made->reason));
        if (made->failed_sku.ptr)
            payload_text(&payload, "failedSku", made->failed_sku);
    }
    *json = payload_end(&payload);
    return true;
}

static bool announce(struct batch *batch, const struct moves *moves)
{
    if (!read_views(batch, moves))
        return false;
    for (size_t i = 0; i < moves->count; i++) {
        const struct order_move *made = &moves->at[i];
        const char *type = order_announcement(made->to);
        struct text json;

        if (!type)
            continue;
        if (!announcement_payload(batch->arena, made, moves->rows[i]->view, &json, &batch->fault))
            return false;
        if (moves->causes[i])
            batch_emit(batch, moves->causes[i], type, json);
        else
            batch_emit_alone(batch, &made->order_id, type, json);
    }
    return true;
}

static bool write_moves(struct batch *batch, const struct moves *moves)
{
    if (moves->count == 0)
        return true;
    return orders_move(batch->tx, batch->arena, moves->at, moves->count, &batch->fault) && announce(batch, moves);
}

/* ---- handlers ---- */

static const struct field rejected_fields[] = { { "sku", FIELD_TEXT, 0, true } };

static bool on_progress(struct batch *batch)
{
    struct rows rows;
    struct moves moves = moves_new(batch->arena, batch->count * ORDER_STATES);

    if (!rows_lock(batch, &rows))
        return false;
    for (size_t i = 0; i < batch->count; i++) {
        struct work *work = &batch->works[i];
        struct row *row = rows_find(&rows, &work->order_id);
        const struct order_cause *cause = order_cause_find(work->type);
        enum order_state steps[ORDER_STATES];
        struct text sku = { 0 };
        size_t count;

        if (!row->progress.found) {
            work_reject(work, "there is no such order");
            continue;
        }
        if (cause->target == ORDER_CANCELLED && cause->reason == CANCEL_OUT_OF_STOCK &&
            !work_read(work, batch->arena, rejected_fields, ARRAY_LEN(rejected_fields), &sku))
            continue;
        count = order_steps(row->progress.state, cause, steps);
        for (size_t step = 0; step < count; step++)
            move(&moves, row, steps[step], cause->reason, work)->failed_sku = sku;
    }
    return write_moves(batch, &moves);
}

static void nudge(struct batch *batch, const struct uuid *id, enum order_state state)
{
    struct buf payload = payload_start(batch->arena, id);

    payload_text(&payload, "status", text_of(order_state_name(state)));
    batch_emit_alone(batch, id, "order.nudged", payload_end(&payload));
}

/* The state ROW is in is to be announced once more: a carrier who never heard of the order has no last word to repeat. */
static void repeat(struct moves *moves, struct row *row)
{
    moves->rows[moves->count] = row;
    moves->at[moves->count++] = (struct order_move){ .order_id = row->id, .to = row->progress.state };
}

/* Asks for news of orders that stand still, and gives up those that do it for too long, but never one that is being shipped:
 * for that an operator has to find out what became of the parcel. One worker-order at a time finds any. */
static bool wake_stuck(struct batch *batch)
{
    struct pg_args args = PG_ARGS_IN(batch->arena);
    PG_ROWS_SCOPE stuck = { 0 };
    struct moves moves, confirmed; /* the second: again, without a move */
    struct row *rows;
    int overdue = 0;

    pg_arg_int64(&args, settings.nudge_after_ms);
    pg_arg_int64(&args, settings.cancel_after_ms);
    pg_arg_int32(&args, STUCK_MAX);
    if (!batch_call(batch, "SELECT * FROM stuck_orders($1, $2, $3)", &args, &stuck))
        return false;

    moves = moves_new(batch->arena, (size_t)stuck.count);
    confirmed = moves_new(batch->arena, (size_t)stuck.count);
    rows = arena_array(batch->arena, (size_t)stuck.count, sizeof *rows);
    for (int i = 0; i < stuck.count; i++) {
        struct row *row = &rows[i];

        *row = (struct row){ .id = pg_uuid(&stuck, i, 0), .progress = { true, .version = pg_int32(&stuck, i, 2) } };
        if (!order_state_parse(pg_text(&stuck, i, 1), &row->progress.state))
            return fault_set(&batch->fault, FAULT_PERMANENT, "order_state", "stuck_orders answered an unknown state");
        if (pg_bool(&stuck, i, 3) && order_state_cancellable(row->progress.state, CANCEL_TIMED_OUT)) {
            move(&moves, row, ORDER_CANCELLED, CANCEL_TIMED_OUT, NULL);
        } else {
            overdue += pg_bool(&stuck, i, 3);
            nudge(batch, &row->id, row->progress.state);
            if (row->progress.state == ORDER_FULFILLMENT)
                repeat(&confirmed, row);
        }
    }
    if (overdue > 0)
        log_warn("%d shipments are overdue: the carrier has not answered for longer than CANCEL_AFTER_MS", overdue);
    return write_moves(batch, &moves) && announce(batch, &confirmed);
}

/* What /metrics tells of the orders under way. */
static struct {
    _Atomic int64_t orders, oldest_ms;
} stages[ORDER_STATES];

static bool count_stages(struct batch *batch)
{
    struct pg_args args = PG_ARGS_IN(batch->arena);
    int64_t orders[ORDER_STATES] = { 0 }, oldest_ms[ORDER_STATES] = { 0 };
    PG_ROWS_SCOPE open = { 0 };

    pg_arg_int32(&args, COUNT_MAX);
    if (!batch_call(batch, "SELECT * FROM open_orders($1)", &args, &open))
        return false;
    for (int i = 0; i < open.count; i++) {
        enum order_state state;

        if (!order_state_parse(pg_text(&open, i, 0), &state))
            return fault_set(&batch->fault, FAULT_PERMANENT, "order_state", "open_orders answered an unknown state");
        orders[state] = pg_int64(&open, i, 1);
        oldest_ms[state] = pg_int64(&open, i, 2);
    }
    for (int state = 0; state < ORDER_STATES; state++) {
        stages[state].orders = orders[state];
        stages[state].oldest_ms = oldest_ms[state];
    }
    return true;
}

static void metrics(struct buf *out)
{
    metric_head(out, "orders_open", "gauge", "Orders under way by stage, of the oldest ten thousand.");
    for (int state = 0; state < ORDER_COMPLETED; state++)
        buf_printf(out, "orders_open{stage=\"%s\"} %" PRId64 "\n", order_state_name((enum order_state)state),
                   stages[state].orders);
    metric_head(out, "orders_oldest_seconds", "gauge",
                "How long the order has been in its stage that has been there longest.");
    for (int state = 0; state < ORDER_COMPLETED; state++)
        buf_printf(out, "orders_oldest_seconds{stage=\"%s\"} %.3f\n", order_state_name((enum order_state)state),
                   (double)stages[state].oldest_ms / 1000);
}

static bool on_tick(struct batch *batch)
{
    static unsigned ticks;

    return wake_stuck(batch) && (ticks++ % COUNT_EVERY_TICKS != 0 || count_stages(batch));
}

static const char *const topics[] = { "orders", "payments", "inventory", "fulfillment", NULL };

static const struct handles handles[] = {
    { "order.created", on_progress },        { "payment.authorized", on_progress }, { "payment.declined", on_progress },
    { "inventory.reserved", on_progress },   { "inventory.rejected", on_progress }, { "fulfillment.shipped", on_progress },
    { "fulfillment.rejected", on_progress },
};

static const struct setting settings_table[] = {
    { "NUDGE_AFTER_MS", SETTING_INT, offsetof(struct settings, nudge_after_ms), "30000", 100, INT32_MAX,
      "how long an order may stand still before its services are asked again" },
    { "CANCEL_AFTER_MS", SETTING_INT, offsetof(struct settings, cancel_after_ms), "600000", 100, INT32_MAX,
      "how long before it is cancelled as timed_out" },
};

const struct service service = {
    .name = "order",
    .schema = "orders",
    .topics = topics,
    .handles = handles,
    .handle_count = ARRAY_LEN(handles),
    .settings = settings_table,
    .setting_count = ARRAY_LEN(settings_table),
    .settings_into = &settings,
    .tick = on_tick,
    .tick_ms = 1000,
    .metrics = metrics,
};
