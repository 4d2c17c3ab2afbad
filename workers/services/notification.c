/* notification.c - tells customers what became of their orders, each thing once.
 *
 * order.nudged is none of its business: nobody waits for notification.sent. */
#include "base/log.h"
#include "workers/services/notification_conversation.h"
#include "workers/services/payload.h"
#include "workers/services/rows.h"

/* The messages of a batch, column by column. */
struct messages {
    struct pg_array *order_ids, *kinds, *channels;
};

/* The transport `log`: a line on stderr. Written before the commit, so a batch that is tried again says it again; the
 * tables and the event count once. */
static const char *transport_log(const struct work *work, const char *kind)
{
    char order_id[UUID_TEXT_LEN + 1];

    uuid_format(&work->order_id, order_id);
    log_write(LOG_INFO, &(struct log_context){ .order_id = order_id }, "to the customer: %s", kind);
    return "log";
}

static void messages_add(struct messages *messages, struct batch *batch, const struct work *work, const char *kind)
{
    struct buf payload = payload_start(batch->arena, &work->order_id);
    const char *channel = transport_log(work, kind);

    pg_array_uuid(messages->order_ids, &work->order_id);
    pg_array_text(messages->kinds, text_of(kind));
    pg_array_text(messages->channels, text_of(channel));
    payload_text(&payload, "kind", text_of(kind));
    payload_text(&payload, "channel", text_of(channel));
    batch_emit(batch, work, "notification.sent", payload_end(&payload));
}

static void apply(struct batch *batch, struct order_rows *rows, struct messages *messages, struct work *work)
{
    size_t row = order_rows_find(rows, work);
    enum conversation_state state = (enum conversation_state)rows->states[row];
    struct conversation_decision decision = conversation_decide(state, (enum conversation_event)work_handle(work));

    if (decision.contradiction) {
        work_reject(work, "its order's customer was told %s, which %.*s contradicts", conversation_state_names[state],
                    TEXT_FMT(work->type));
        return;
    }
    order_rows_move(rows, row, (int)decision.state);
    if (decision.say)
        messages_add(messages, batch, work, decision.say);
}

static bool save(struct batch *batch, const struct order_rows *rows, const struct messages *messages)
{
    struct pg_args args = PG_ARGS_IN(batch->arena);

    if (!order_rows_changed(rows, conversation_state_names, &args))
        return true;
    pg_arg_array(&args, messages->order_ids);
    pg_arg_array(&args, messages->kinds);
    pg_arg_array(&args, messages->channels);
    return batch_call(batch, "SELECT save_conversations($1, $2, $3, $4, $5)", &args, NULL);
}

static bool on_orders(struct batch *batch)
{
    struct messages messages = {
        .order_ids = pg_array_new(batch->arena, PG_UUID, batch->count),
        .kinds = pg_array_new(batch->arena, PG_TEXT, batch->count),
        .channels = pg_array_new(batch->arena, PG_TEXT, batch->count),
    };
    ORDER_ROWS_SCOPE rows = { 0 };

    if (!order_rows_lock(batch, "SELECT * FROM lock_conversations($1)", conversation_state_names, CONVERSATION_STATES,
                         &rows))
        return false;
    for (size_t i = 0; i < batch->count; i++)
        if (!work_is_rejected(&batch->works[i]))
            apply(batch, &rows, &messages, &batch->works[i]);
    return save(batch, &rows, &messages);
}

static const char *const topics[] = { "orders", NULL };

/* As enum conversation_event. */
static const struct handles handles[] = {
    [CONVERSATION_ON_CREATED] = { "order.created", on_orders },
    [CONVERSATION_ON_COMPLETED] = { "order.completed", on_orders },
    [CONVERSATION_ON_CANCELLED] = { "order.cancelled", on_orders },
};

const struct service service = {
    .name = "notification",
    .schema = "notification",
    .topics = topics,
    .handles = handles,
    .handle_count = ARRAY_LEN(handles),
};
