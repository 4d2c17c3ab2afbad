/* inventory.c - reserves the stock of paid orders, ships it when they complete, releases it when they are cancelled. */
#include "workers/runtime/fields.h"
#include "workers/services/inventory_allocate.h"
#include "workers/services/inventory_reservation.h"
#include "workers/services/payload.h"
#include "workers/services/rows.h"

enum { AUTHORIZED, COMPLETED, CANCELLED, NUDGED }; /* lines of the service's table below */

static const struct field authorized_fields[] = { { "lines", FIELD_LINES, 0, false } };

/* What the reservation's row keeps beside its state. */
struct reservation {
    struct lines lines; /* reserved, folded */
    struct text reason; /* of a rejection, and the SKU at fault */
    struct text sku;
};

static bool reservation_read(const struct pg_rows *stored, int row, struct arena *arena, struct reservation *reservation,
                             struct fault *fault)
{
    struct text lines = pg_text(stored, row, 2);

    reservation->reason = pg_text(stored, row, 3);
    reservation->sku = pg_text(stored, row, 4);
    return !lines.ptr || lines_read(lines, arena, &reservation->lines, fault);
}

/* The ledger's rows that follow from the batch, column by column. */
struct movements {
    struct pg_array *order_ids, *skus, *kinds, *quantities;
};

static void movements_init(struct movements *movements, struct arena *arena, size_t expected)
{
    movements->order_ids = pg_array_new(arena, PG_UUID, expected);
    movements->skus = pg_array_new(arena, PG_TEXT, expected);
    movements->kinds = pg_array_new(arena, PG_TEXT, expected);
    movements->quantities = pg_array_new(arena, PG_INT8, expected);
}

static void movements_add(struct movements *movements, const struct uuid *order_id, const char *kind,
                          const struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        pg_array_uuid(movements->order_ids, order_id);
        pg_array_text(movements->skus, lines->at[i].sku);
        pg_array_text(movements->kinds, text_of(kind));
        pg_array_int64(movements->quantities, lines->at[i].quantity_milli);
    }
}

/* A batch under work. PAID and RESERVATIONS are in step with the batch's works and with ROWS. */
struct inventory {
    struct lines *paid; /* of payment.authorized, folded */
    struct order_rows rows;
    struct reservation *reservations;
    struct pg_rows shelves;
    struct stock stock;
    struct movements movements;
};

static void inventory_release(struct inventory *inventory)
{
    order_rows_release(&inventory->rows);
    pg_rows_release(&inventory->shelves);
}

static void read_works(struct batch *batch, struct inventory *inventory)
{
    inventory->paid = arena_array(batch->arena, batch->count, sizeof *inventory->paid);
    for (size_t i = 0; i < batch->count; i++) {
        struct lines lines;

        if (work_handle(&batch->works[i]) == AUTHORIZED &&
            work_read(&batch->works[i], batch->arena, authorized_fields, ARRAY_LEN(authorized_fields), &lines))
            inventory->paid[i] = lines_fold(&lines, batch->arena);
    }
}

static bool lock_reservations(struct batch *batch, struct inventory *inventory)
{
    struct order_rows *rows = &inventory->rows;

    if (!order_rows_lock(batch, "SELECT * FROM lock_reservations($1)", reservation_state_names, RESERVATION_STATES, rows))
        return false;
    inventory->reservations = arena_array(batch->arena, rows->count, sizeof *inventory->reservations);
    for (size_t i = 0; i < rows->count; i++)
        if (!reservation_read(&rows->stored, (int)i, batch->arena, &inventory->reservations[i], &batch->fault))
            return false;
    return true;
}

/* Locks every SKU that the batch may move: those of the orders paid in it, and those reserved for its orders before. */
static bool lock_stock(struct batch *batch, struct inventory *inventory)
{
    struct pg_args args = PG_ARGS_IN(batch->arena);
    struct pg_array *skus = pg_array_new(batch->arena, PG_TEXT, batch->count);

    for (size_t i = 0; i < batch->count; i++)
        for (size_t line = 0; line < inventory->paid[i].count; line++)
            pg_array_text(skus, inventory->paid[i].at[line].sku);
    for (size_t i = 0; i < inventory->rows.count; i++)
        if (inventory->rows.states[i] == RESERVATION_RESERVED)
            for (size_t line = 0; line < inventory->reservations[i].lines.count; line++)
                pg_array_text(skus, inventory->reservations[i].lines.at[line].sku);
    if (pg_array_count(skus) == 0)
        return true;

    pg_arg_array(&args, skus);
    if (!batch_call(batch, "SELECT * FROM lock_stock($1)", &args, &inventory->shelves))
        return false;
    inventory->stock.count = (size_t)inventory->shelves.count;
    inventory->stock.shelves = arena_array(batch->arena, inventory->stock.count, sizeof *inventory->stock.shelves);
    for (int i = 0; i < inventory->shelves.count; i++)
        inventory->stock.shelves[i] = (struct shelf){
            .sku = pg_text(&inventory->shelves, i, 0),
            .on_hand_milli = pg_int64(&inventory->shelves, i, 1),
        };
    return true;
}

/* Looks for the stock of a paid order; RESERVATION then holds what was decided on. */
static enum reservation_event allocate(struct stock *stock, const struct lines *lines, struct reservation *reservation)
{
    enum allocation allocation = stock_take(stock, lines, &reservation->sku);

    if (allocation != ALLOCATION_DONE) {
        reservation->reason = text_of(allocation_reason(allocation));
        return RESERVATION_ON_SHORT;
    }
    reservation->lines = *lines;
    return RESERVATION_ON_ALLOCATED;
}

static struct text payload_of(struct arena *arena, const struct work *work, enum reservation_state state,
                              const struct reservation *reservation)
{
    struct buf payload = payload_start(arena, &work->order_id);

    if (state == RESERVATION_REJECTED) {
        payload_text(&payload, "reason", reservation->reason);
        payload_text(&payload, "sku", reservation->sku);
    }
    return payload_end(&payload);
}

static void apply(struct batch *batch, struct inventory *inventory, struct work *work, const struct lines *paid)
{
    size_t row = order_rows_find(&inventory->rows, work);
    enum reservation_state state = (enum reservation_state)inventory->rows.states[row];
    struct reservation *reservation = &inventory->reservations[row];
    struct reservation_decision decision;
    enum reservation_event event;

    switch (work_handle(work)) {
    case AUTHORIZED:
        if (!reservation_is_open(state))
            return;
        event = allocate(&inventory->stock, paid, reservation);
        break;
    case COMPLETED:
        event = RESERVATION_ON_COMPLETED;
        break;
    case CANCELLED:
        event = RESERVATION_ON_CANCELLED;
        break;
    default:
        event = RESERVATION_ON_NUDGED;
    }

    decision = reservation_decide(state, event);
    if (decision.contradiction) {
        work_reject(work, "its order's stock is %s, which %.*s contradicts", reservation_state_names[state],
                    TEXT_FMT(work->type));
        return;
    }
    order_rows_move(&inventory->rows, row, (int)decision.state);
    if (decision.movement)
        movements_add(&inventory->movements, &work->order_id, decision.movement, &reservation->lines);
    if (decision.state == RESERVATION_RELEASED && decision.state != state)
        stock_put_back(&inventory->stock, &reservation->lines); /* free for the batch's next orders */
    if (decision.emit)
        batch_emit(batch, work, decision.emit, payload_of(batch->arena, work, decision.state, reservation));
}

static bool save(struct batch *batch, struct inventory *inventory)
{
    const struct order_rows *rows = &inventory->rows;
    const struct movements *movements = &inventory->movements;
    struct pg_args args = PG_ARGS_IN(batch->arena);
    struct pg_array *lines = pg_array_new(batch->arena, PG_TEXT, rows->count);
    struct pg_array *reasons = pg_array_new(batch->arena, PG_TEXT, rows->count);
    struct pg_array *skus = pg_array_new(batch->arena, PG_TEXT, rows->count);

    if (!order_rows_changed(rows, reservation_state_names, &args))
        return true;
    for (size_t i = 0; i < rows->count; i++) {
        const struct reservation *reservation = &inventory->reservations[i];
        struct buf json = BUF_IN(batch->arena);

        if (!rows->changed[i])
            continue;
        if (reservation->lines.count > 0)
            lines_append(&json, &reservation->lines);
        pg_array_text(lines, buf_view(&json));
        pg_array_text(reasons, reservation->reason);
        pg_array_text(skus, reservation->sku);
    }
    pg_arg_array(&args, lines);
    pg_arg_array(&args, reasons);
    pg_arg_array(&args, skus);
    pg_arg_array(&args, movements->order_ids);
    pg_arg_array(&args, movements->skus);
    pg_arg_array(&args, movements->kinds);
    pg_arg_array(&args, movements->quantities);
    return batch_call(batch, "SELECT save_reservations($1, $2, $3, $4, $5, $6, $7, $8, $9)", &args, NULL);
}

/* Orders first, then SKUs: the order of locks that no two batches can cross. */
static bool on_events(struct batch *batch)
{
    CLEANUP(inventory_release) struct inventory inventory = { 0 };

    read_works(batch, &inventory);
    if (!lock_reservations(batch, &inventory) || !lock_stock(batch, &inventory))
        return false;
    movements_init(&inventory.movements, batch->arena, batch->count);
    for (size_t i = 0; i < batch->count; i++)
        if (!work_is_rejected(&batch->works[i]))
            apply(batch, &inventory, &batch->works[i], &inventory.paid[i]);
    return save(batch, &inventory);
}

static const char *const topics[] = { "orders", "payments", NULL };

static const struct handles handles[] = {
    [AUTHORIZED] = { "payment.authorized", on_events },
    [COMPLETED] = { "order.completed", on_events },
    [CANCELLED] = { "order.cancelled", on_events },
    [NUDGED] = { "order.nudged", on_events },
};

const struct service service = {
    .name = "inventory",
    .schema = "inventory",
    .topics = topics,
    .handles = handles,
    .handle_count = ARRAY_LEN(handles),
};
