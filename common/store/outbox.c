/* outbox.c - the outbox functions of sql/runtime/functions.sql, called for whole batches. */
#include "store/outbox.h"

void outbox_batch_init(struct outbox_batch *batch, struct arena *arena, size_t expected)
{
    *batch = (struct outbox_batch){
        .arena = arena,
        .ids = pg_array_new(arena, PG_UUID, expected),
        .topics = pg_array_new(arena, PG_TEXT, expected),
        .order_ids = pg_array_new(arena, PG_UUID, expected),
        .types = pg_array_new(arena, PG_TEXT, expected),
        .payloads = pg_array_new(arena, PG_TEXT, expected),
        .traces = pg_array_new(arena, PG_TEXT, expected),
    };
}

void outbox_batch_add(struct outbox_batch *batch, const struct event *event)
{
    pg_array_uuid(batch->ids, &event->id);
    pg_array_text(batch->topics, text_of(event->type->topic));
    pg_array_uuid(batch->order_ids, &event->order_id);
    pg_array_text(batch->types, text_of(event->type->name));
    pg_array_text(batch->payloads, event->payload);
    pg_array_text(batch->traces, text_of(event->trace.text));
    batch->count++;
}

bool outbox_append(struct tx *tx, struct outbox_batch *batch, struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(batch->arena);

    if (batch->count == 0)
        return true;
    pg_arg_array(&args, batch->ids);
    pg_arg_array(&args, batch->topics);
    pg_arg_array(&args, batch->order_ids);
    pg_arg_array(&args, batch->types);
    pg_arg_array(&args, batch->payloads);
    pg_arg_array(&args, batch->traces);
    return pg_call(tx->pg, "SELECT outbox_append($1, $2, $3, $4, $5, $6)", &args, NULL, fault);
}

bool outbox_lead(struct pg *pg, bool *leads, struct fault *fault)
{
    PG_ROWS_SCOPE rows = { 0 };

    if (!pg_call(pg, "SELECT outbox_lead()", NULL, &rows, fault))
        return false;
    *leads = pg_bool(&rows, 0, 0);
    return true;
}

bool outbox_horizon(struct pg *pg, struct outbox_horizon *horizon, struct fault *fault)
{
    PG_ROWS_SCOPE rows = { 0 };

    if (!pg_call(pg, "SELECT * FROM outbox_horizon()", NULL, &rows, fault))
        return false;
    *horizon = (struct outbox_horizon){
        .oldest_xid = pg_int64(&rows, 0, 0),
        .next_xid = pg_int64(&rows, 0, 1),
        .last_seq = pg_int64(&rows, 0, 2),
    };
    return true;
}

static struct pg_array *seq_array(struct arena *arena, const int64_t *seqs, size_t count)
{
    struct pg_array *array = pg_array_new(arena, PG_INT8, count);

    for (size_t i = 0; i < count; i++)
        pg_array_int64(array, seqs[i]);
    return array;
}

bool outbox_read(struct pg *pg, struct arena *arena, int64_t floor, const int64_t *in_flight, size_t in_flight_count,
                 int max, struct outbox_row **rows, size_t *count, struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(arena);
    PG_ROWS_SCOPE found = { 0 };

    pg_arg_int64(&args, floor);
    pg_arg_array(&args, seq_array(arena, in_flight, in_flight_count));
    pg_arg_int32(&args, max);
    if (!pg_call(pg, "SELECT * FROM outbox_read($1, $2, $3)", &args, &found, fault))
        return false;

    *count = (size_t)found.count;
    *rows = arena_array(arena, *count, sizeof **rows);
    for (int i = 0; i < found.count; i++)
        (*rows)[i] = (struct outbox_row){
            .seq = pg_int64(&found, i, 0),
            .id = pg_uuid(&found, i, 1),
            .order_id = pg_uuid(&found, i, 2),
            .topic = arena_copy(arena, pg_text(&found, i, 3)),
            .type = arena_copy(arena, pg_text(&found, i, 4)),
            .payload = arena_copy(arena, pg_text(&found, i, 5)),
            .traceparent = arena_copy(arena, pg_text(&found, i, 6)),
        };
    return true;
}

bool outbox_wait(struct pg *pg, struct arena *arena, int64_t floor, int every_ms, int wait_ms, struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(arena);

    pg_arg_int64(&args, floor);
    pg_arg_int32(&args, every_ms);
    pg_arg_int32(&args, wait_ms);
    return pg_call(pg, "SELECT outbox_wait($1, $2, $3)", &args, NULL, fault);
}

bool outbox_delete(struct pg *pg, struct arena *arena, const int64_t *seqs, size_t count, struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(arena);

    if (count == 0)
        return true;
    pg_arg_array(&args, seq_array(arena, seqs, count));
    return pg_call(pg, "SELECT outbox_delete($1)", &args, NULL, fault);
}

bool outbox_park(struct pg *pg, struct arena *arena, int64_t seq, struct text reason, struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(arena);

    pg_arg_int64(&args, seq);
    pg_arg_text(&args, reason);
    return pg_call(pg, "SELECT outbox_park($1, $2)", &args, NULL, fault);
}

bool outbox_state(struct pg *pg, struct outbox_state *state, struct fault *fault)
{
    PG_ROWS_SCOPE rows = { 0 };

    if (!pg_call(pg, "SELECT * FROM outbox_state()", NULL, &rows, fault))
        return false;
    *state = (struct outbox_state){ .depth = pg_int64(&rows, 0, 0), .oldest_age_ms = pg_int64(&rows, 0, 1) };
    return true;
}
