/* fulfillment.c - hands confirmed orders to the carrier. */
#include "workers/runtime/effect.h"
#include "workers/services/fulfillment_carrier.h"
#include "workers/services/fulfillment_shipment.h"
#include "workers/services/payload.h"
#include "workers/services/rows.h"

static struct {
    const char *refuse_country;
    int64_t refuse_permille;
    int64_t seed;
    int64_t delay_ms;
} settings;

#define AT(member) offsetof(__typeof__(settings), member)

static const struct setting settings_table[] = {
    { "CARRIER_REFUSE_COUNTRY", SETTING_TEXT, AT(refuse_country), "Antarctica", 0, 0,
      "the simulated carrier refuses parcels to this country" },
    { "CARRIER_REFUSE_PERMILLE", SETTING_INT, AT(refuse_permille), "0", 0, 1000, "and so many of a thousand others" },
    { "CARRIER_SEED", SETTING_INT, AT(seed), "0", 0, INT32_MAX, "which ones" },
    { "CARRIER_DELAY_MS", SETTING_INT, AT(delay_ms), "0", 0, INT32_MAX, "how long it takes to answer; 0: answers at once" },
};

static struct carrier the_carrier(void)
{
    return carrier_simulator(settings.refuse_country, settings.refuse_permille, settings.seed, settings.delay_ms);
}

enum { CONFIRMED, NUDGED }; /* lines of the service's table below */

/* What the shipment's row keeps beside its state. */
struct shipment {
    struct uuid id;
    struct text carrier; /* ptr NULL: not shipped */
    struct text tracking_number;
    struct text reason; /* of a refusal */
};

static struct shipment shipment_read(const struct pg_rows *stored, int row)
{
    return (struct shipment){
        .id = pg_uuid(stored, row, 2),
        .carrier = pg_text(stored, row, 3),
        .tracking_number = pg_text(stored, row, 4),
        .reason = pg_text(stored, row, 5),
    };
}

/* The one member of the address that is looked at; the slice lives as long as WORK. False: set aside. */
static bool read_country(struct work *work, struct text *country)
{
    *country = work->effect ? json_string(json_get(work->effect->request.root, "country"))
                            : json_string(json_get(json_get(work->doc->root, "shippingAddress"), "country"));
    if (!country->ptr)
        work_reject(work, "the country has to be text");
    return country->ptr != NULL;
}

/* SHIPMENT then holds what was decided on. */
static enum shipment_event ask_carrier(struct arena *arena, const struct work *work, struct text country,
                                       struct shipment *shipment)
{
    struct carrier carrier = the_carrier();
    struct carrier_answer answer = carrier.ship(&carrier, arena, &work->order_id, country);

    if (!answer.tracking_number.ptr) {
        shipment->reason = text_of(answer.reason);
        return SHIPMENT_ON_REFUSED;
    }
    shipment->id = uuid_v7();
    shipment->carrier = text_of(carrier.name);
    shipment->tracking_number = answer.tracking_number;
    return SHIPMENT_ON_ACCEPTED;
}

/* The question waits in table effect for as long as the carrier takes. */
static enum shipment_event ask_later(struct batch *batch, const struct work *work, struct text country, int64_t delay_ms)
{
    struct buf payload = payload_start(batch->arena, &work->order_id);

    payload_text(&payload, "country", country);
    (void)batch_effect(batch, work, "ship", payload_end(&payload), delay_ms);
    return SHIPMENT_ON_REQUESTED;
}

static struct text payload_of(struct arena *arena, const struct work *work, enum shipment_state state,
                              const struct shipment *shipment)
{
    struct buf payload = payload_start(arena, &work->order_id);

    if (state == SHIPMENT_REJECTED) {
        payload_text(&payload, "reason", shipment->reason);
    } else {
        payload_uuid(&payload, "shipmentId", &shipment->id);
        payload_text(&payload, "carrier", shipment->carrier);
        payload_text(&payload, "trackingNumber", shipment->tracking_number);
    }
    return payload_end(&payload);
}

static void apply(struct batch *batch, struct order_rows *rows, struct shipment *shipments, const struct work *work,
                  struct text country)
{
    size_t row = order_rows_find(rows, work);
    enum shipment_state state = (enum shipment_state)rows->states[row];
    struct shipment *shipment = &shipments[row];
    enum shipment_event event = SHIPMENT_ON_NUDGED;
    struct shipment_decision decision;

    if (work->effect) {
        if (!shipment_is_awaited(state))
            return;
        event = ask_carrier(batch->arena, work, country, shipment);
    } else if (work_handle(work) == CONFIRMED) {
        int64_t delay_ms = the_carrier().delay_ms;

        if (!shipment_is_open(state))
            return;
        event =
            delay_ms > 0 ? ask_later(batch, work, country, delay_ms) : ask_carrier(batch->arena, work, country, shipment);
    }

    decision = shipment_decide(state, event);
    order_rows_move(rows, row, (int)decision.state);
    if (decision.emit)
        batch_emit(batch, work, decision.emit, payload_of(batch->arena, work, decision.state, shipment));
}

static bool save(struct batch *batch, const struct order_rows *rows, const struct shipment *shipments)
{
    struct pg_args args = PG_ARGS_IN(batch->arena);
    struct pg_array *shipment_ids = pg_array_new(batch->arena, PG_UUID, rows->count);
    struct pg_array *carriers = pg_array_new(batch->arena, PG_TEXT, rows->count);
    struct pg_array *tracking_numbers = pg_array_new(batch->arena, PG_TEXT, rows->count);
    struct pg_array *reasons = pg_array_new(batch->arena, PG_TEXT, rows->count);

    if (!order_rows_changed(rows, shipment_state_names, &args))
        return true;
    for (size_t i = 0; i < rows->count; i++) {
        if (!rows->changed[i])
            continue;
        if (rows->states[i] == SHIPMENT_SHIPPED)
            pg_array_uuid(shipment_ids, &shipments[i].id);
        else
            pg_array_null(shipment_ids);
        pg_array_text(carriers, shipments[i].carrier);
        pg_array_text(tracking_numbers, shipments[i].tracking_number);
        pg_array_text(reasons, shipments[i].reason);
    }
    pg_arg_array(&args, shipment_ids);
    pg_arg_array(&args, carriers);
    pg_arg_array(&args, tracking_numbers);
    pg_arg_array(&args, reasons);
    return batch_call(batch, "SELECT save_shipments($1, $2, $3, $4, $5, $6)", &args, NULL);
}

/* Events of orders, and questions that are due. */
static bool on_orders(struct batch *batch)
{
    struct text *countries = arena_array(batch->arena, batch->count, sizeof *countries);
    ORDER_ROWS_SCOPE rows = { 0 };
    struct shipment *shipments;

    for (size_t i = 0; i < batch->count; i++)
        if ((batch->works[i].effect || work_handle(&batch->works[i]) == CONFIRMED) &&
            !read_country(&batch->works[i], &countries[i]))
            continue; /* set aside */

    if (!order_rows_lock(batch, "SELECT * FROM lock_shipments($1)", shipment_state_names, SHIPMENT_STATES, &rows))
        return false;
    shipments = arena_array(batch->arena, rows.count, sizeof *shipments);
    for (size_t i = 0; i < rows.count; i++)
        shipments[i] = shipment_read(&rows.stored, (int)i);

    for (size_t i = 0; i < batch->count; i++)
        if (!work_is_rejected(&batch->works[i]))
            apply(batch, &rows, shipments, &batch->works[i], countries[i]);
    return save(batch, &rows, shipments);
}

static const char *const topics[] = { "orders", NULL };

static const struct handles handles[] = {
    [CONFIRMED] = { "order.confirmed", on_orders },
    [NUDGED] = { "order.nudged", on_orders },
};

/* Nothing is called: when it is due, the simulator answers. */
static const struct effect_kind effects[] = { { .name = "ship", .settle = on_orders } };

const struct service service = {
    .name = "fulfillment",
    .schema = "fulfillment",
    .topics = topics,
    .handles = handles,
    .handle_count = ARRAY_LEN(handles),
    .settings = settings_table,
    .setting_count = ARRAY_LEN(settings_table),
    .settings_into = &settings,
    .effects = effects,
    .effect_count = ARRAY_LEN(effects),
};
