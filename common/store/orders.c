/* orders.c - the functions of sql/orders/functions.sql, called for whole batches. */
#include "store/orders.h"
#include <stdlib.h>

/* ---- values of columns ---- */

static bool word_unknown(struct fault *fault, const char *what, struct text word)
{
    return fault_set(fault, FAULT_PERMANENT, "unknown_word",
                     "the database holds %s \"%.*s\", which this program does not know", what, TEXT_FMT(word));
}

static bool read_state(const struct pg_rows *rows, int row, int column, enum order_state *state, struct fault *fault)
{
    struct text name = pg_text(rows, row, column);

    return order_state_parse(name, state) || word_unknown(fault, "the status", name);
}

static bool read_currency(const struct pg_rows *rows, int row, int column, char currency[static 4], struct fault *fault)
{
    struct text code = pg_text(rows, row, column);

    if (code.len != 3)
        return word_unknown(fault, "the currency", code);
    memcpy(currency, code.ptr, 3);
    currency[3] = '\0';
    return true;
}

static struct pg_array *id_array(struct arena *arena, const struct uuid *ids, size_t count)
{
    struct pg_array *array = pg_array_new(arena, PG_UUID, count);

    for (size_t i = 0; i < count; i++)
        pg_array_uuid(array, &ids[i]);
    return array;
}

static bool rows_missing(struct fault *fault, const char *function, int got, size_t expected)
{
    return fault_set(fault, FAULT_PERMANENT, "rows", "%s answered %d rows for %zu", function, got, expected);
}

/* ---- creating ---- */

/* The columns that create_orders takes, in the order of its parameters. */
struct new_columns {
    struct pg_array *order_ids, *key_digests, *body_digests, *customer_ids, *currencies, *totals, *items, *addresses;
    struct pg_array *event_ids, *payloads, *traces;
};

static struct new_columns new_columns_in(struct arena *arena, size_t count)
{
    return (struct new_columns){
        .order_ids = pg_array_new(arena, PG_UUID, count),
        .key_digests = pg_array_new(arena, PG_UUID, count),
        .body_digests = pg_array_new(arena, PG_UUID, count),
        .customer_ids = pg_array_new(arena, PG_UUID, count),
        .currencies = pg_array_new(arena, PG_TEXT, count),
        .totals = pg_array_new(arena, PG_INT8, count),
        .items = pg_array_new(arena, PG_TEXT, count),
        .addresses = pg_array_new(arena, PG_TEXT, count),
        .event_ids = pg_array_new(arena, PG_UUID, count),
        .payloads = pg_array_new(arena, PG_TEXT, count),
        .traces = pg_array_new(arena, PG_TEXT, count),
    };
}

static void new_columns_add(struct new_columns *columns, const struct orders_new *new)
{
    pg_array_uuid(columns->order_ids, &new->order->id);
    pg_array_uuid(columns->key_digests, &new->key_digest);
    pg_array_uuid(columns->body_digests, &new->body_digest);
    pg_array_uuid(columns->customer_ids, &new->order->customer_id);
    pg_array_text(columns->currencies, text_of(new->order->currency));
    pg_array_int64(columns->totals, new->order->total_minor);
    pg_array_text(columns->items, new->items);
    pg_array_text(columns->addresses, new->address);
    pg_array_uuid(columns->event_ids, &new->created.id);
    pg_array_text(columns->payloads, new->created.payload);
    pg_array_text(columns->traces, text_of(new->created.trace.text));
}

static void new_columns_args(const struct new_columns *columns, struct pg_args *args)
{
    pg_arg_array(args, columns->order_ids);
    pg_arg_array(args, columns->key_digests);
    pg_arg_array(args, columns->body_digests);
    pg_arg_array(args, columns->customer_ids);
    pg_arg_array(args, columns->currencies);
    pg_arg_array(args, columns->totals);
    pg_arg_array(args, columns->items);
    pg_arg_array(args, columns->addresses);
    pg_arg_array(args, columns->event_ids);
    pg_arg_array(args, columns->payloads);
    pg_arg_array(args, columns->traces);
}

/* Which element of the batch a row answers; COUNT for a number out of range. */
static size_t row_place(const struct pg_rows *rows, int row, size_t count)
{
    int32_t ord = pg_int32(rows, row, 0); /* 1-based */

    return ord >= 1 && (size_t)ord <= count ? (size_t)ord - 1 : count;
}

static bool read_outcome(const struct pg_rows *rows, int row, struct orders_new *new, struct fault *fault)
{
    switch (pg_int32(rows, row, 1)) {
    case 0:
        new->outcome = ORDERS_CREATED;
        break;
    case 1:
        new->outcome = ORDERS_EXISTS;
        break;
    case 2:
        new->outcome = ORDERS_BUSY;
        return true; /* nobody holds the key for sure: no columns */
    default:
        return fault_set(fault, FAULT_PERMANENT, "outcome", "create_orders answered an unknown outcome");
    }
    new->holder.order_id = pg_uuid(rows, row, 2);
    new->holder.body_digest = pg_uuid(rows, row, 3);
    new->holder.total_minor = pg_int64(rows, row, 5);
    return read_currency(rows, row, 4, new->holder.currency, fault);
}

bool orders_create(struct pg *pg, struct arena *arena, struct orders_new *const *batch, size_t count, struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(arena);
    struct new_columns columns = new_columns_in(arena, count);
    PG_ROWS_SCOPE rows = { 0 };

    for (size_t i = 0; i < count; i++)
        new_columns_add(&columns, batch[i]);
    new_columns_args(&columns, &args);
    if (!pg_call(pg, "SELECT * FROM create_orders($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", &args, &rows, fault))
        return false;
    if ((size_t)rows.count != count)
        return rows_missing(fault, "create_orders", rows.count, count);
    for (int row = 0; row < rows.count; row++) {
        size_t at = row_place(&rows, row, count);

        if (at == count)
            return rows_missing(fault, "create_orders", row, count);
        if (!read_outcome(&rows, row, batch[at], fault))
            return false;
    }
    return true;
}

bool orders_secret(struct pg *pg, struct arena *arena, struct text *secret, struct fault *fault)
{
    PG_ROWS_SCOPE rows = { 0 };

    if (!pg_call(pg, "SELECT read_secret()", NULL, &rows, fault))
        return false;
    if (rows.count != 1 || pg_is_null(&rows, 0, 0))
        return fault_set(fault, FAULT_PERMANENT, "secret", "the orders schema has no secret: run the migrations");
    *secret = arena_copy(arena, pg_text(&rows, 0, 0));
    return true;
}

/* ---- reading ---- */

static struct text copy_or_null(struct arena *arena, const struct pg_rows *rows, int row, int column)
{
    return pg_is_null(rows, row, column) ? (struct text){ 0 } : arena_copy(arena, pg_text(rows, row, column));
}

/* The columns of read_views and list_views. */
static bool read_view(struct arena *arena, const struct pg_rows *rows, int row, struct order_view *view, struct fault *fault)
{
    *view = (struct order_view){
        .found = true,
        .id = pg_uuid(rows, row, 0),
        .customer_id = pg_uuid(rows, row, 1),
        .total_minor = pg_int64(rows, row, 3),
        .items = arena_copy(arena, pg_text(rows, row, 4)),
        .address = arena_copy(arena, pg_text(rows, row, 5)),
        .version = pg_int32(rows, row, 7),
        .updated_ms = pg_int64(rows, row, 8),
        .failure_reason = copy_or_null(arena, rows, row, 9),
        .failed_sku = copy_or_null(arena, rows, row, 10),
    };
    return read_currency(rows, row, 2, view->currency, fault) && read_state(rows, row, 6, &view->state, fault);
}

/* Ids with their places in the question, so that rows in any order find all who asked (ids may repeat). */
struct asked {
    struct uuid id;
    size_t at;
};

static int asked_compare(const void *a, const void *b)
{
    return uuid_compare(&((const struct asked *)a)->id, &((const struct asked *)b)->id);
}

static struct asked *asked_sorted(struct arena *arena, const struct uuid *ids, size_t count)
{
    struct asked *asked = arena_array(arena, count, sizeof *asked);

    for (size_t i = 0; i < count; i++)
        asked[i] = (struct asked){ ids[i], i };
    qsort(asked, count, sizeof *asked, asked_compare);
    return asked;
}

/* The first of those who asked for ID, or COUNT. */
static size_t asked_first(const struct asked *asked, size_t count, const struct uuid *id)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (uuid_compare(&asked[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && uuid_equal(&asked[low].id, id) ? low : count;
}

bool orders_read(struct pg *pg, struct arena *arena, const struct uuid *ids, size_t count, struct order_view *views,
                 struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(arena);
    PG_ROWS_SCOPE rows = { 0 };
    const struct asked *asked = asked_sorted(arena, ids, count);

    memset(views, 0, count * sizeof *views);
    pg_arg_array(&args, id_array(arena, ids, count));
    if (!pg_call(pg, "SELECT * FROM read_views($1)", &args, &rows, fault))
        return false;
    for (int row = 0; row < rows.count; row++) {
        struct order_view view;

        if (!read_view(arena, &rows, row, &view, fault))
            return false;
        for (size_t i = asked_first(asked, count, &view.id); i < count && uuid_equal(&asked[i].id, &view.id); i++)
            views[asked[i].at] = view;
    }
    return true;
}

static struct text state_text(const enum order_state *state)
{
    return state ? text_of(order_state_name(*state)) : (struct text){ 0 };
}

/* The parameters that lists and counts begin with. */
static void filter_args(struct pg_args *args, const struct orders_filter *filter)
{
    pg_arg_uuid(args, filter->customer_id);
    pg_arg_text(args, state_text(filter->state));
    pg_arg_uuid(args, filter->from);
    pg_arg_uuid(args, filter->before);
}

bool orders_list(struct pg *pg, struct arena *arena, const struct orders_filter *filter, int offset, int limit,
                 struct order_view **views, size_t *count, struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(arena);
    PG_ROWS_SCOPE rows = { 0 };

    filter_args(&args, filter);
    pg_arg_uuid(&args, filter->after);
    pg_arg_int32(&args, offset);
    pg_arg_int32(&args, limit);
    if (!pg_call(pg, "SELECT * FROM list_views($1, $2, $3, $4, $5, $6, $7)", &args, &rows, fault))
        return false;

    *count = (size_t)rows.count;
    *views = arena_array(arena, *count, sizeof **views);
    for (int row = 0; row < rows.count; row++)
        if (!read_view(arena, &rows, row, &(*views)[row], fault))
            return false;
    return true;
}

bool orders_count(struct pg *pg, struct arena *arena, const struct orders_filter *filter, int64_t *count,
                  struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(arena);
    PG_ROWS_SCOPE rows = { 0 };

    filter_args(&args, filter);
    if (!pg_call(pg, "SELECT count_orders($1, $2, $3, $4)", &args, &rows, fault))
        return false;
    *count = rows.count == 1 ? pg_int64(&rows, 0, 0) : 0;
    return true;
}

bool orders_timeline(struct pg *pg, struct arena *arena, const struct uuid *id, struct order_transition **transitions,
                     size_t *count, struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(arena);
    PG_ROWS_SCOPE rows = { 0 };

    pg_arg_uuid(&args, id);
    if (!pg_call(pg, "SELECT * FROM read_timeline($1)", &args, &rows, fault))
        return false;

    *count = (size_t)rows.count;
    *transitions = arena_array(arena, *count, sizeof **transitions);
    for (int row = 0; row < rows.count; row++) {
        struct order_transition *transition = &(*transitions)[row];

        *transition = (struct order_transition){
            .at_ms = pg_int64(&rows, row, 0),
            .has_from = !pg_is_null(&rows, row, 1),
            .reason = copy_or_null(arena, &rows, row, 3),
            .event_id = pg_uuid(&rows, row, 4),
            .trace_id = copy_or_null(arena, &rows, row, 5),
        };
        if (transition->has_from && !read_state(&rows, row, 1, &transition->from, fault))
            return false;
        if (!read_state(&rows, row, 2, &transition->to, fault))
            return false;
    }
    return true;
}

/* ---- moving ---- */

bool orders_lock(struct tx *tx, struct arena *arena, const struct uuid *ids, size_t count, struct order_progress *progress,
                 struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(arena);
    struct pg_array *distinct = pg_array_new(arena, PG_UUID, count);
    PG_ROWS_SCOPE rows = { 0 };
    const struct asked *asked = asked_sorted(arena, ids, count);

    memset(progress, 0, count * sizeof *progress);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || !uuid_equal(&asked[i].id, &asked[i - 1].id))
            pg_array_uuid(distinct, &asked[i].id);
    pg_arg_array(&args, distinct);
    if (!pg_call(tx->pg, "SELECT * FROM lock_orders($1)", &args, &rows, fault))
        return false;
    for (int row = 0; row < rows.count; row++) {
        struct uuid id = pg_uuid(&rows, row, 0);
        struct order_progress found = { .found = true, .version = pg_int32(&rows, row, 2) };

        if (!read_state(&rows, row, 1, &found.state, fault))
            return false;
        for (size_t i = asked_first(asked, count, &id); i < count && uuid_equal(&asked[i].id, &id); i++)
            progress[asked[i].at] = found;
    }
    return true;
}

bool orders_move(struct tx *tx, struct arena *arena, const struct order_move *moves, size_t count, struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(arena);
    struct pg_array *order_ids = pg_array_new(arena, PG_UUID, count);
    struct pg_array *versions = pg_array_new(arena, PG_INT4, count);
    struct pg_array *from = pg_array_new(arena, PG_TEXT, count);
    struct pg_array *to = pg_array_new(arena, PG_TEXT, count);
    struct pg_array *reasons = pg_array_new(arena, PG_TEXT, count);
    struct pg_array *failed_skus = pg_array_new(arena, PG_TEXT, count);
    struct pg_array *event_ids = pg_array_new(arena, PG_UUID, count);
    struct pg_array *trace_ids = pg_array_new(arena, PG_TEXT, count);

    if (count == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        pg_array_uuid(order_ids, &moves[i].order_id);
        pg_array_int32(versions, moves[i].version);
        pg_array_text(from, text_of(order_state_name(moves[i].from)));
        pg_array_text(to, text_of(order_state_name(moves[i].to)));
        pg_array_text(reasons, text_of(moves[i].reason));
        pg_array_text(failed_skus, moves[i].failed_sku);
        pg_array_uuid(event_ids, &moves[i].event_id);
        pg_array_text(trace_ids, moves[i].trace_id);
    }
    pg_arg_array(&args, order_ids);
    pg_arg_array(&args, versions);
    pg_arg_array(&args, from);
    pg_arg_array(&args, to);
    pg_arg_array(&args, reasons);
    pg_arg_array(&args, failed_skus);
    pg_arg_array(&args, event_ids);
    pg_arg_array(&args, trace_ids);
    return pg_call(tx->pg, "SELECT move_orders($1, $2, $3, $4, $5, $6, $7, $8)", &args, NULL, fault);
}
