/* inbox.c - inbox and dead letters of sql/runtime/functions.sql, called for whole batches. */
#include "store/inbox.h"

bool inbox_claim(struct tx *tx, struct arena *arena, struct inbox_event *events, size_t count, struct fault *fault)
{
    struct pg_array *event_ids = pg_array_new(arena, PG_UUID, count);
    struct pg_array *order_ids = pg_array_new(arena, PG_UUID, count);
    struct pg_array *never_held = pg_array_new(arena, PG_BOOL, count);
    struct pg_args args = PG_ARGS_IN(arena);
    PG_ROWS_SCOPE rows = { 0 };

    if (count == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        pg_array_uuid(event_ids, &events[i].event_id);
        pg_array_uuid(order_ids, &events[i].order_id);
        pg_array_bool(never_held, events[i].never_held);
    }
    pg_arg_array(&args, event_ids);
    pg_arg_array(&args, order_ids);
    pg_arg_array(&args, never_held);
    if (!pg_call(tx->pg, "SELECT * FROM inbox_claim($1, $2, $3)", &args, &rows, fault))
        return false;

    if ((size_t)rows.count != count)
        return fault_set(fault, FAULT_PERMANENT, "inbox_claim", "inbox_claim answered %d rows for %zu events", rows.count,
                         count);
    for (int i = 0; i < rows.count; i++) {
        int32_t ord = pg_int32(&rows, i, 0); /* 1-based */

        if (ord < 1 || (size_t)ord > count)
            return fault_set(fault, FAULT_PERMANENT, "inbox_claim", "inbox_claim answered for event %d of %zu", ord, count);
        events[ord - 1].verdict = (enum inbox_verdict)pg_int32(&rows, i, 1);
    }
    return true;
}

static void add_uuid(struct pg_array *array, const struct uuid *id)
{
    if (id)
        pg_array_uuid(array, id);
    else
        pg_array_null(array);
}

bool deadletter_add(struct tx *tx, struct arena *arena, const struct deadletter *letters, size_t count, struct fault *fault)
{
    struct pg_array *event_ids = pg_array_new(arena, PG_UUID, count);
    struct pg_array *order_ids = pg_array_new(arena, PG_UUID, count);
    struct pg_array *types = pg_array_new(arena, PG_TEXT, count);
    struct pg_array *topics = pg_array_new(arena, PG_TEXT, count);
    struct pg_array *partitions = pg_array_new(arena, PG_INT4, count);
    struct pg_array *offsets = pg_array_new(arena, PG_INT8, count);
    struct pg_array *keys = pg_array_new(arena, PG_BYTEA, count);
    struct pg_array *payloads = pg_array_new(arena, PG_BYTEA, count);
    struct pg_array *traces = pg_array_new(arena, PG_TEXT, count);
    struct pg_array *reasons = pg_array_new(arena, PG_TEXT, count);
    struct pg_array *held = pg_array_new(arena, PG_BOOL, count);
    struct pg_array *const columns[] = { event_ids, order_ids, types,  topics,  partitions, offsets,
                                         keys,      payloads,  traces, reasons, held };
    struct pg_args args = PG_ARGS_IN(arena);

    if (count == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        const struct deadletter *letter = &letters[i];

        add_uuid(event_ids, letter->event_id);
        add_uuid(order_ids, letter->order_id);
        pg_array_text(types, letter->type);
        pg_array_text(topics, text_of(letter->topic));
        pg_array_int32(partitions, letter->partition);
        pg_array_int64(offsets, letter->offset);
        pg_array_text(keys, letter->key);
        pg_array_text(payloads, letter->payload);
        pg_array_text(traces, letter->traceparent);
        pg_array_text(reasons, letter->reason);
        pg_array_bool(held, letter->held);
    }
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        pg_arg_array(&args, columns[i]);
    return pg_call(tx->pg, "SELECT deadletter_add($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", &args, NULL, fault);
}
