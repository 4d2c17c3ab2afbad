/* inbox.c - the inbox of sql/runtime/functions.sql, called for whole batches. */
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
    return inbox_verdicts(&rows, "inbox_claim", events, count, fault);
}

bool inbox_verdicts(const struct pg_rows *rows, const char *call, struct inbox_event *events, size_t count,
                    struct fault *fault)
{
    if ((size_t)rows->count != count)
        return fault_set(fault, FAULT_PERMANENT, call, "%s answered %d rows for %zu events", call, rows->count, count);
    for (int i = 0; i < rows->count; i++) {
        int32_t ord = pg_int32(rows, i, 0); /* 1-based */

        if (ord < 1 || (size_t)ord > count)
            return fault_set(fault, FAULT_PERMANENT, call, "%s answered for event %d of %zu", call, ord, count);
        events[ord - 1].verdict = (enum inbox_verdict)pg_int32(rows, i, 1);
    }
    return true;
}

bool inbox_purge(struct pg *pg, struct arena *arena, int64_t retention_ms, int max, int *purged, struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(arena);
    PG_ROWS_SCOPE rows = { 0 };

    pg_arg_int64(&args, retention_ms);
    pg_arg_int32(&args, max);
    if (!pg_call(pg, "SELECT inbox_purge($1, $2)", &args, &rows, fault))
        return false;
    *purged = pg_int32(&rows, 0, 0);
    return true;
}

bool runtime_sizes(struct pg *pg, struct runtime_sizes *sizes, struct fault *fault)
{
    PG_ROWS_SCOPE rows = { 0 };

    if (!pg_call(pg, "SELECT * FROM runtime_sizes()", NULL, &rows, fault))
        return false;
    *sizes = (struct runtime_sizes){
        .inbox_rows = pg_int64(&rows, 0, 0),
        .letters = pg_int32(&rows, 0, 1),
        .held = pg_int32(&rows, 0, 2),
    };
    return true;
}
