/* deadletter.c - the dead letters of sql/runtime/functions.sql, called for whole batches. */
#include "store/deadletter.h"

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
    struct pg_array *schemas = pg_array_new(arena, PG_TEXT, count);
    struct pg_array *traces = pg_array_new(arena, PG_TEXT, count);
    struct pg_array *reasons = pg_array_new(arena, PG_TEXT, count);
    struct pg_array *held = pg_array_new(arena, PG_BOOL, count);
    struct pg_array *const columns[] = { event_ids, order_ids, types,   topics, partitions, offsets,
                                         keys,      payloads,  schemas, traces, reasons,    held };
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
        pg_array_text(schemas, letter->dataschema);
        pg_array_text(traces, letter->traceparent);
        pg_array_text(reasons, letter->reason);
        pg_array_bool(held, letter->held);
    }
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        pg_arg_array(&args, columns[i]);
    return pg_call(tx->pg, "SELECT deadletter_set_aside($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)", &args, NULL,
                   fault);
}

static struct text copy_or_null(struct arena *arena, struct text text)
{
    return text.ptr ? arena_copy(arena, text) : text;
}

bool deadletter_due(struct pg *pg, struct arena *arena, int max, const char *never_held, struct deadletter **letters,
                    size_t *count, struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(arena);
    PG_ROWS_SCOPE rows = { 0 };

    pg_arg_int32(&args, max);
    pg_arg_text(&args, text_of(never_held));
    if (!pg_call(pg, "SELECT * FROM deadletter_due($1, $2)", &args, &rows, fault))
        return false;

    *count = (size_t)rows.count;
    *letters = arena_array(arena, *count, sizeof **letters);
    for (int i = 0; i < rows.count; i++) {
        struct uuid *event_id = NULL;

        if (!pg_is_null(&rows, i, 1)) {
            event_id = arena_alloc(arena, sizeof *event_id);
            *event_id = pg_uuid(&rows, i, 1);
        }
        (*letters)[i] = (struct deadletter){
            .id = pg_int64(&rows, i, 0),
            .event_id = event_id,
            .type = copy_or_null(arena, pg_text(&rows, i, 2)),
            .topic = arena_copy(arena, pg_text(&rows, i, 3)).ptr,
            .partition = pg_int32(&rows, i, 4),
            .offset = pg_int64(&rows, i, 5),
            .key = copy_or_null(arena, pg_text(&rows, i, 6)),
            .payload = copy_or_null(arena, pg_text(&rows, i, 7)),
            .dataschema = copy_or_null(arena, pg_text(&rows, i, 8)),
            .traceparent = copy_or_null(arena, pg_text(&rows, i, 9)),
        };
    }
    return true;
}

bool deadletter_claim(struct tx *tx, struct arena *arena, struct inbox_event *events, size_t count, struct fault *fault)
{
    struct pg_array *ids = pg_array_new(arena, PG_INT8, count);
    struct pg_array *never_held = pg_array_new(arena, PG_BOOL, count);
    struct pg_args args = PG_ARGS_IN(arena);
    PG_ROWS_SCOPE rows = { 0 };

    for (size_t i = 0; i < count; i++) {
        pg_array_int64(ids, events[i].letter);
        pg_array_bool(never_held, events[i].never_held);
    }
    pg_arg_array(&args, ids);
    pg_arg_array(&args, never_held);
    return pg_call(tx->pg, "SELECT * FROM deadletter_claim($1, $2)", &args, &rows, fault) &&
           inbox_verdicts(&rows, "deadletter_claim", events, count, fault);
}

bool deadletter_settle(struct tx *tx, struct arena *arena, const int64_t *done, size_t done_count,
                       const struct deadletter *letters, size_t count, struct fault *fault)
{
    struct pg_array *done_ids = pg_array_new(arena, PG_INT8, done_count);
    struct pg_array *back_ids = pg_array_new(arena, PG_INT8, count);
    struct pg_array *reasons = pg_array_new(arena, PG_TEXT, count);
    struct pg_array *held = pg_array_new(arena, PG_BOOL, count);
    struct pg_args args = PG_ARGS_IN(arena);

    for (size_t i = 0; i < done_count; i++)
        pg_array_int64(done_ids, done[i]);
    for (size_t i = 0; i < count; i++) {
        pg_array_int64(back_ids, letters[i].id);
        pg_array_text(reasons, letters[i].reason);
        pg_array_bool(held, letters[i].held);
    }
    pg_arg_array(&args, done_ids);
    pg_arg_array(&args, back_ids);
    pg_arg_array(&args, reasons);
    pg_arg_array(&args, held);
    return pg_call(tx->pg, "SELECT deadletter_settle($1, $2, $3, $4)", &args, NULL, fault);
}
