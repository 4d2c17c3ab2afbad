/* rows.c - one row an order: ids gathered, rows locked and found again. */
#include "workers/services/rows.h"

#include <stdlib.h>

static int compare_ids(const void *a, const void *b)
{
    return uuid_compare(a, b);
}

void order_rows_release(struct order_rows *rows)
{
    pg_rows_release(&rows->stored);
}

size_t batch_order_ids(const struct batch *batch, struct uuid *ids)
{
    size_t gathered = 0, distinct = 0;

    for (size_t i = 0; i < batch->count; i++)
        if (!work_is_rejected(&batch->works[i]))
            ids[gathered++] = batch->works[i].order_id;
    qsort(ids, gathered, sizeof *ids, compare_ids);
    for (size_t i = 0; i < gathered; i++)
        if (i == 0 || !uuid_equal(&ids[i], &ids[distinct - 1]))
            ids[distinct++] = ids[i];
    return distinct;
}

static bool read_state(const struct order_rows *rows, size_t row, const char *const *names, size_t count, int *state)
{
    struct text name = pg_text(&rows->stored, (int)row, 1);

    for (size_t i = 0; i < count; i++)
        if (text_is(name, names[i])) {
            *state = (int)i;
            return true;
        }
    return false;
}

bool order_rows_lock(struct batch *batch, const char *call, const char *const *state_names, size_t state_count,
                     struct order_rows *rows)
{
    struct pg_args args = PG_ARGS_IN(batch->arena);
    struct pg_array *ids;

    rows->ids = arena_array(batch->arena, batch->count, sizeof *rows->ids);
    rows->count = batch_order_ids(batch, rows->ids);
    rows->states = arena_array(batch->arena, rows->count, sizeof *rows->states);
    rows->changed = arena_array(batch->arena, rows->count, sizeof *rows->changed);

    ids = pg_array_new(batch->arena, PG_UUID, rows->count);
    for (size_t i = 0; i < rows->count; i++)
        pg_array_uuid(ids, &rows->ids[i]);
    pg_arg_array(&args, ids);
    if (!batch_call(batch, call, &args, &rows->stored))
        return false;

    /* What came back is not what this program knows: the database may be of a newer release. No event is to blame, so none
     * goes to the dead letters for it: the batch waits for the program to be replaced. */
    if ((size_t)rows->stored.count != rows->count)
        return fault_set(&batch->fault, FAULT_TRANSIENT, "rows", "%zu orders were asked for, %d rows came back", rows->count,
                         rows->stored.count);
    for (size_t i = 0; i < rows->count; i++) {
        struct uuid id = pg_uuid(&rows->stored, (int)i, 0);

        if (!uuid_equal(&id, &rows->ids[i]) || !read_state(rows, i, state_names, state_count, &rows->states[i]))
            return fault_set(&batch->fault, FAULT_TRANSIENT, "rows",
                             "a row is out of order or in a state unknown here: is the database of a newer release?");
    }
    return true;
}

void order_rows_move(struct order_rows *rows, size_t row, int state)
{
    rows->changed[row] = rows->changed[row] || rows->states[row] != state;
    rows->states[row] = state;
}

bool order_rows_changed(const struct order_rows *rows, const char *const *state_names, struct pg_args *args)
{
    struct pg_array *ids = pg_array_new(args->arena, PG_UUID, rows->count);
    struct pg_array *states = pg_array_new(args->arena, PG_TEXT, rows->count);

    for (size_t i = 0; i < rows->count; i++) {
        if (!rows->changed[i])
            continue;
        pg_array_uuid(ids, &rows->ids[i]);
        pg_array_text(states, text_of(state_names[rows->states[i]]));
    }
    pg_arg_array(args, ids);
    pg_arg_array(args, states);
    return pg_array_count(ids) > 0;
}

size_t order_rows_find(const struct order_rows *rows, const struct work *work)
{
    const struct uuid *found = bsearch(&work->order_id, rows->ids, rows->count, sizeof *rows->ids, compare_ids);

    return (size_t)(found - rows->ids);
}

size_t work_handle(const struct work *work)
{
    size_t i = 0;

    while (!text_is(work->type, service.handles[i].type)) /* the runtime hands over nothing else */
        i++;
    return i;
}
