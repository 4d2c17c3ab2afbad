/* payment.c - charges orders as they are created and refunds what was charged when they are cancelled. */
#include "workers/runtime/fields.h"
#include "workers/services/payload.h"
#include "workers/services/payment_charge.h"
#include "workers/services/payment_gateway.h"
#include "workers/services/rows.h"

static struct {
    int64_t decline_over_minor;
} settings;

static const struct setting settings_table[] = {
    { "PAYMENT_DECLINE_OVER_MINOR", SETTING_INT, offsetof(__typeof__(settings), decline_over_minor), "100000000", 0,
      INT64_MAX, "the simulated gateway declines totals above this, in minor units" },
};

/* What order.created tells; zero for the other events. */
struct order_created {
    char currency[4];
    int64_t total_minor;
    struct lines lines;
};

static const struct field created_fields[] = {
    { "currency", FIELD_CURRENCY, offsetof(struct order_created, currency), false },
    { "totalMinor", FIELD_INT64, offsetof(struct order_created, total_minor), false },
    { "lines", FIELD_LINES, offsetof(struct order_created, lines), false },
};

/* What the charge's row keeps beside its state. */
struct charge {
    struct text currency;
    int64_t amount_minor;
    int64_t refunded_minor;
    struct text lines;  /* for payment.authorized, should it be asked for again */
    struct text reason; /* of a decline */
};

static struct charge charge_read(const struct pg_rows *stored, int row)
{
    return (struct charge){
        .currency = pg_text(stored, row, 2),
        .amount_minor = pg_int64(stored, row, 3),
        .refunded_minor = pg_int64(stored, row, 4),
        .lines = pg_text(stored, row, 5),
        .reason = pg_text(stored, row, 6),
    };
}

enum { CREATED, CANCELLED, NUDGED }; /* lines of the service's table below */

/* Charges an order whose charge is open; CHARGE then holds what was decided on. */
static enum charge_event ask_gateway(struct arena *arena, const struct work *work, const struct order_created *order,
                                     struct charge *charge)
{
    struct gateway gateway = gateway_simulator(settings.decline_over_minor);
    struct gateway_answer answer = gateway.charge(&gateway, &work->order_id, order->total_minor, order->currency);
    struct buf lines = BUF_IN(arena);

    charge->currency = text_of(order->currency);
    charge->amount_minor = order->total_minor;
    charge->reason = text_of(answer.reason);
    if (!answer.authorized)
        return CHARGE_ON_DECLINED;
    lines_append(&lines, &order->lines);
    charge->lines = buf_view(&lines);
    return CHARGE_ON_AUTHORIZED;
}

static struct text payload_of(struct arena *arena, const struct work *work, enum charge_state state,
                              const struct charge *charge)
{
    struct buf payload = payload_start(arena, &work->order_id);

    if (state == CHARGE_DECLINED) {
        payload_text(&payload, "reason", charge->reason);
    } else {
        payload_text(&payload, "currency", charge->currency);
        payload_int64(&payload, "amountMinor", charge->amount_minor);
        if (state == CHARGE_AUTHORIZED)
            payload_json(&payload, "lines", charge->lines);
    }
    return payload_end(&payload);
}

static void apply(struct batch *batch, struct order_rows *rows, struct charge *charges, const struct work *work,
                  const struct order_created *created)
{
    size_t row = order_rows_find(rows, work);
    enum charge_state state = (enum charge_state)rows->states[row];
    struct charge *charge = &charges[row];
    struct charge_decision decision;
    enum charge_event event;

    switch (work_handle(work)) {
    case CREATED:
        if (!charge_is_open(state))
            return;
        event = ask_gateway(batch->arena, work, created, charge);
        break;
    case CANCELLED:
        event = CHARGE_ON_CANCELLED;
        break;
    default:
        event = CHARGE_ON_NUDGED;
    }

    decision = charge_decide(state, event);
    order_rows_move(rows, row, (int)decision.state);
    if (decision.state == CHARGE_REFUNDED)
        charge->refunded_minor = charge->amount_minor;
    if (decision.emit)
        batch_emit(batch, work, decision.emit, payload_of(batch->arena, work, decision.state, charge));
}

static bool save(struct batch *batch, const struct order_rows *rows, const struct charge *charges)
{
    struct pg_args args = PG_ARGS_IN(batch->arena);
    struct pg_array *currencies = pg_array_new(batch->arena, PG_TEXT, rows->count);
    struct pg_array *amounts = pg_array_new(batch->arena, PG_INT8, rows->count);
    struct pg_array *refunds = pg_array_new(batch->arena, PG_INT8, rows->count);
    struct pg_array *lines = pg_array_new(batch->arena, PG_TEXT, rows->count);
    struct pg_array *reasons = pg_array_new(batch->arena, PG_TEXT, rows->count);

    if (!order_rows_changed(rows, charge_state_names, &args))
        return true;
    for (size_t i = 0; i < rows->count; i++) {
        if (!rows->changed[i])
            continue;
        pg_array_text(currencies, charges[i].currency);
        pg_array_int64(amounts, charges[i].amount_minor);
        pg_array_int64(refunds, charges[i].refunded_minor);
        pg_array_text(lines, charges[i].lines);
        pg_array_text(reasons, charges[i].reason);
    }
    pg_arg_array(&args, currencies);
    pg_arg_array(&args, amounts);
    pg_arg_array(&args, refunds);
    pg_arg_array(&args, lines);
    pg_arg_array(&args, reasons);
    return batch_call(batch, "SELECT save_charges($1, $2, $3, $4, $5, $6, $7)", &args, NULL);
}

static bool on_orders(struct batch *batch)
{
    struct order_created *created = arena_array(batch->arena, batch->count, sizeof *created);
    ORDER_ROWS_SCOPE rows = { 0 };
    struct charge *charges;

    for (size_t i = 0; i < batch->count; i++)
        if (work_handle(&batch->works[i]) == CREATED &&
            !work_read(&batch->works[i], batch->arena, created_fields, ARRAY_LEN(created_fields), &created[i]))
            continue; /* set aside */

    if (!order_rows_lock(batch, "SELECT * FROM lock_charges($1)", charge_state_names, CHARGE_STATES, &rows))
        return false;
    charges = arena_array(batch->arena, rows.count, sizeof *charges);
    for (size_t i = 0; i < rows.count; i++)
        charges[i] = charge_read(&rows.stored, (int)i);

    for (size_t i = 0; i < batch->count; i++)
        if (!work_is_rejected(&batch->works[i]))
            apply(batch, &rows, charges, &batch->works[i], &created[i]);
    return save(batch, &rows, charges);
}

static const char *const topics[] = { "orders", NULL };

static const struct handles handles[] = {
    [CREATED] = { "order.created", on_orders },
    [CANCELLED] = { "order.cancelled", on_orders },
    [NUDGED] = { "order.nudged", on_orders },
};

const struct service service = {
    .name = "payment",
    .schema = "payment",
    .topics = topics,
    .handles = handles,
    .handle_count = ARRAY_LEN(handles),
    .settings = settings_table,
    .setting_count = ARRAY_LEN(settings_table),
    .settings_into = &settings,
};
