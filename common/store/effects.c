/* effects.c - the effect functions of sql/runtime/functions.sql, called for whole batches. */
#include "store/effects.h"

void effect_batch_init(struct effect_batch *batch, struct arena *arena)
{
    *batch = (struct effect_batch){
        .arena = arena,
        .ids = pg_array_new(arena, PG_UUID, 0),
        .kinds = pg_array_new(arena, PG_TEXT, 0),
        .order_ids = pg_array_new(arena, PG_UUID, 0),
        .payloads = pg_array_new(arena, PG_TEXT, 0),
        .traces = pg_array_new(arena, PG_TEXT, 0),
        .delays = pg_array_new(arena, PG_INT8, 0),
    };
}

void effect_batch_add(struct effect_batch *batch, const struct effect_new *effect)
{
    pg_array_uuid(batch->ids, &effect->id);
    pg_array_text(batch->kinds, text_of(effect->kind));
    pg_array_uuid(batch->order_ids, &effect->order_id);
    pg_array_text(batch->payloads, effect->payload);
    pg_array_text(batch->traces, text_of(effect->trace.text));
    pg_array_int64(batch->delays, effect->delay_ms);
    batch->count++;
}

bool effect_append(struct tx *tx, struct effect_batch *batch, struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(batch->arena);

    if (batch->count == 0)
        return true;
    pg_arg_array(&args, batch->ids);
    pg_arg_array(&args, batch->kinds);
    pg_arg_array(&args, batch->order_ids);
    pg_arg_array(&args, batch->payloads);
    pg_arg_array(&args, batch->traces);
    pg_arg_array(&args, batch->delays);
    return pg_call(tx->pg, "SELECT effect_add($1, $2, $3, $4, $5, $6)", &args, NULL, fault);
}

bool effect_lease(struct pg *pg, struct arena *arena, const char *kind, int max, int64_t lease_ms, struct effect_row **rows,
                  size_t *count, struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(arena);
    PG_ROWS_SCOPE found = { 0 };

    pg_arg_text(&args, text_of(kind));
    pg_arg_int32(&args, max);
    pg_arg_int64(&args, lease_ms);
    if (!pg_call(pg, "SELECT * FROM effect_lease($1, $2, $3)", &args, &found, fault))
        return false;

    *count = (size_t)found.count;
    *rows = arena_array(arena, *count, sizeof **rows);
    for (int i = 0; i < found.count; i++)
        (*rows)[i] = (struct effect_row){
            .id = pg_uuid(&found, i, 0),
            .lease = pg_int64(&found, i, 1),
            .order_id = pg_uuid(&found, i, 2),
            .payload = arena_copy(arena, pg_text(&found, i, 3)),
            .traceparent = arena_copy(arena, pg_text(&found, i, 4)),
            .attempt = pg_int32(&found, i, 5),
        };
    return true;
}

/* ids and, unless CLAIMED, leases: of the keys that are held where CLAIMED, else of all. */
static void key_args(struct pg_args *args, const struct effect_key *keys, size_t count, bool claimed)
{
    struct pg_array *ids = pg_array_new(args->arena, PG_UUID, count);
    struct pg_array *leases = pg_array_new(args->arena, PG_INT8, count);

    for (size_t i = 0; i < count; i++) {
        if (claimed && !keys[i].held)
            continue;
        pg_array_uuid(ids, &keys[i].id);
        pg_array_int64(leases, keys[i].lease);
    }
    pg_arg_array(args, ids);
    if (!claimed)
        pg_arg_array(args, leases);
}

bool effect_claim(struct tx *tx, struct arena *arena, struct effect_key *keys, size_t count, struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(arena);
    PG_ROWS_SCOPE rows = { 0 };

    key_args(&args, keys, count, false);
    if (!pg_call(tx->pg, "SELECT * FROM effect_claim($1, $2)", &args, &rows, fault))
        return false;
    for (int i = 0; i < rows.count; i++) {
        int32_t ord = pg_int32(&rows, i, 0); /* 1-based */

        if (ord < 1 || (size_t)ord > count)
            return fault_set(fault, FAULT_PERMANENT, "effect_claim", "effect_claim answered for row %d of %zu", ord, count);
        keys[ord - 1].held = true;
    }
    return true;
}

bool effect_end(struct tx *tx, struct arena *arena, const struct effect_key *keys, size_t count, struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(arena);
    struct pg_array *errors = pg_array_new(arena, PG_TEXT, count);

    key_args(&args, keys, count, true);
    for (size_t i = 0; i < count; i++)
        if (keys[i].held)
            pg_array_text(errors, keys[i].error);
    if (pg_array_count(errors) == 0)
        return true;
    pg_arg_array(&args, errors);
    return pg_call(tx->pg, "SELECT effect_end($1, $2)", &args, NULL, fault);
}

bool effect_postpone(struct pg *pg, struct arena *arena, const struct effect_key *keys, size_t count, struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(arena);
    struct pg_array *delays = pg_array_new(arena, PG_INT8, count);
    struct pg_array *errors = pg_array_new(arena, PG_TEXT, count);

    if (count == 0)
        return true;
    key_args(&args, keys, count, false);
    for (size_t i = 0; i < count; i++) {
        pg_array_int64(delays, keys[i].postpone_ms);
        pg_array_text(errors, keys[i].error);
    }
    pg_arg_array(&args, delays);
    pg_arg_array(&args, errors);
    return pg_call(pg, "SELECT effect_postpone($1, $2, $3, $4)", &args, NULL, fault);
}

bool effect_backlog(struct pg *pg, struct arena *arena, const char *kind, int64_t *waiting, int64_t *gave_up,
                    struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(arena);
    PG_ROWS_SCOPE rows = { 0 };

    pg_arg_text(&args, text_of(kind));
    if (!pg_call(pg, "SELECT * FROM effect_backlog($1)", &args, &rows, fault))
        return false;
    *waiting = pg_int64(&rows, 0, 0);
    *gave_up = pg_int64(&rows, 0, 1);
    return true;
}
