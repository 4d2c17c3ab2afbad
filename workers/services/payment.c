/* payment.c - charges orders as they are created and refunds what was charged when they are cancelled. */
#include "model/decimal.h"
#include "workers/runtime/effect.h"
#include "workers/runtime/fields.h"
#include "workers/services/payload.h"
#include "workers/services/payment_charge.h"
#include "workers/services/payment_http.h"
#include "workers/services/payment_simulator.h"
#include "workers/services/rows.h"

static struct {
    const char *gateway;
    int64_t decline_over_minor;
    const char *decline_customer;
    int64_t decline_permille, seed, delay_ms;
    struct payment_http_settings http;
} settings;

#define AT(member) offsetof(__typeof__(settings), member)

static const struct setting settings_table[] = {
    { "PAYMENT_GATEWAY", SETTING_TEXT, AT(gateway), "simulator", 0, 0, "simulator or http" },
    { "PAYMENT_DECLINE_OVER_MINOR", SETTING_INT, AT(decline_over_minor), "100000000", 0, INT64_MAX,
      "the simulator declines totals above this, in minor units" },
    { "PAYMENT_DECLINE_CUSTOMER", SETTING_TEXT, AT(decline_customer), "", 0, 0,
      "the simulator declines all of this customer id" },
    { "PAYMENT_DECLINE_PERMILLE", SETTING_INT, AT(decline_permille), "0", 0, 1000,
      "the simulator declines so many of a thousand orders" },
    { "PAYMENT_SEED", SETTING_INT, AT(seed), "0", 0, INT64_MAX, "by which the simulator chooses those" },
    { "PAYMENT_DELAY_MS", SETTING_INT, AT(delay_ms), "0", 0, 3600000,
      "the simulator answers so late; 0: in the transaction that asks" },
    { "PAYMENT_URL", SETTING_TEXT, AT(http.url), "", 0, 0,
      "of the provider, http(s)://host:port, for PAYMENT_GATEWAY=http" },
    { "PAYMENT_TOKEN", SETTING_SECRET, AT(http.token), "", 0, 0, "the provider's bearer token; empty: none is sent" },
    { "PAYMENT_TIMEOUT_MS", SETTING_INT, AT(http.timeout_ms), "5000", 10, 60000, "deadline of one request to the provider" },
    { "PAYMENT_BREAKER_FAILURES", SETTING_INT, AT(http.breaker_failures), "5", 1, 1000000,
      "failures in a row after which the provider is left alone" },
    { "PAYMENT_BREAKER_OPEN_MS", SETTING_INT, AT(http.breaker_open_ms), "5000", 1, 3600000, "between probes from then on" },
};

static bool uses_http;
static struct payment_simulator simulator;

/* Whether the gateway's answer is part of the transaction that asks. */
static bool answers_at_once(void)
{
    return !uses_http && settings.delay_ms == 0;
}

/* What order.created tells; zero for the other events. */
struct order_created {
    struct uuid customer_id;
    char currency[4];
    int64_t total_minor;
    struct lines lines;
};

static const struct field created_fields[] = {
    { "customerId", FIELD_UUID, offsetof(struct order_created, customer_id), false },
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
enum { CHARGE, REFUND };             /* likewise, of its calls */

static const char *const call_names[] = { [CHARGE] = "charge", [REFUND] = "refund" };

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

/* ---- asking the gateway ---- */

/* The simulator's answer to a decision's call, where that is part of the transaction. */
static enum charge_event answer_at_once(const struct work *work, enum charge_call call, const struct order_created *created,
                                        struct charge *charge)
{
    const char *reason;

    if (call == CHARGE_CALL_REFUND)
        return CHARGE_ON_REFUNDED;
    reason = payment_simulate(&simulator, &work->order_id, &created->customer_id, charge->amount_minor);
    charge->reason = text_of(reason);
    return reason ? CHARGE_ON_DECLINED : CHARGE_ON_AUTHORIZED;
}

static void ask(struct batch *batch, const struct work *work, enum charge_call call, const struct order_created *created,
                const struct charge *charge)
{
    struct buf payload = payload_start(batch->arena, &work->order_id);

    if (call == CHARGE_CALL_CHARGE)
        payload_uuid(&payload, "customerId", &created->customer_id);
    payload_text(&payload, "currency", charge->currency);
    payload_int64(&payload, "amountMinor", charge->amount_minor);
    batch_effect(batch, work, call_names[call == CHARGE_CALL_CHARGE ? CHARGE : REFUND], payload_end(&payload),
                 uses_http || call == CHARGE_CALL_REFUND ? 0 : settings.delay_ms);
}

/* ---- deciding ---- */

struct charges {
    struct order_rows rows;
    struct charge *at; /* one a row */
};

static void charges_release(struct charges *charges)
{
    order_rows_release(&charges->rows);
}

#define CHARGES_SCOPE CLEANUP(charges_release) struct charges

static bool lock(struct batch *batch, struct charges *charges)
{
    if (!order_rows_lock(batch, "SELECT * FROM lock_charges($1)", charge_state_names, CHARGE_STATES, &charges->rows))
        return false;
    charges->at = arena_array(batch->arena, charges->rows.count, sizeof *charges->at);
    for (size_t i = 0; i < charges->rows.count; i++)
        charges->at[i] = charge_read(&charges->rows.stored, (int)i);
    return true;
}

/* CREATED counts for order.created alone. */
static void apply(struct batch *batch, struct charges *charges, const struct work *work, enum charge_event event,
                  const struct order_created *created)
{
    size_t row = order_rows_find(&charges->rows, work);
    struct charge *charge = &charges->at[row];
    struct charge_decision decision = charge_decide((enum charge_state)charges->rows.states[row], event);

    if (decision.call == CHARGE_CALL_CHARGE) {
        struct buf lines = BUF_IN(batch->arena);

        lines_append(&lines, &created->lines);
        *charge = (struct charge){
            .currency = text_of(created->currency),
            .amount_minor = created->total_minor,
            .lines = buf_view(&lines),
        };
    }
    if (decision.call != CHARGE_CALL_NONE && answers_at_once())
        decision = charge_decide(decision.state, answer_at_once(work, decision.call, created, charge));
    else if (decision.call != CHARGE_CALL_NONE)
        ask(batch, work, decision.call, created, charge);

    order_rows_move(&charges->rows, row, (int)decision.state);
    if (decision.state == CHARGE_REFUNDED)
        charge->refunded_minor = charge->amount_minor;
    if (decision.state == CHARGE_DECLINED)
        charge->lines = (struct text){ 0 };
    if (decision.state == CHARGE_CANCELLED)
        *charge = (struct charge){ 0 };
    if (decision.emit)
        batch_emit(batch, work, decision.emit, payload_of(batch->arena, work, decision.state, charge));
}

static bool save(struct batch *batch, const struct charges *changed)
{
    const struct order_rows *rows = &changed->rows;
    const struct charge *charges = changed->at;
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
    static const enum charge_event events[] = {
        [CREATED] = CHARGE_ON_CREATED,
        [CANCELLED] = CHARGE_ON_CANCELLED,
        [NUDGED] = CHARGE_ON_NUDGED,
    };
    struct order_created *created = arena_array(batch->arena, batch->count, sizeof *created);
    CHARGES_SCOPE charges = { 0 };

    for (size_t i = 0; i < batch->count; i++)
        if (work_handle(&batch->works[i]) == CREATED &&
            !work_read(&batch->works[i], batch->arena, created_fields, ARRAY_LEN(created_fields), &created[i]))
            continue; /* set aside */

    if (!lock(batch, &charges))
        return false;
    for (size_t i = 0; i < batch->count; i++)
        if (!work_is_rejected(&batch->works[i]))
            apply(batch, &charges, &batch->works[i], events[work_handle(&batch->works[i])], &created[i]);
    return save(batch, &charges);
}

/* ---- calls ---- */

/* The simulator, asked late. */
static void simulate(struct effect *effect)
{
    const struct json_node *root = effect->request.root;
    struct buf answer = BUF_IN(effect->arena);
    struct uuid customer_id;
    const char *reason;
    int64_t amount;

    if (!json_uuid(json_get(root, "customerId"), &customer_id) ||
        decimal_parse(json_number(&effect->request, json_get(root, "amountMinor")), 0, &amount) != DECIMAL_OK) {
        effect_fail(effect, "the payload has no customerId or no amountMinor");
        return;
    }
    reason = payment_simulate(&simulator, &effect->order_id, &customer_id, amount);
    if (reason)
        buf_printf(&answer, "{\"outcome\":\"declined\",\"reason\":\"%s\"}", reason);
    else
        buf_str(&answer, "{\"outcome\":\"done\"}");
    effect_done(effect, buf_view(&answer));
}

static void call(struct effect *effect)
{
    if (uses_http)
        payment_http_call(effect);
    else if (effect->kind == &service.effects[CHARGE])
        simulate(effect);
    else
        effect_done(effect, TEXT("{\"outcome\":\"done\"}"));
}

static size_t room(size_t wanted)
{
    return uses_http ? payment_http_room(wanted) : wanted;
}

/* The event that the outcome of a call is; the reason of a decline goes to CHARGE. */
static enum charge_event outcome(const struct work *work, struct charge *charge)
{
    bool failed = work->effect->failed.kind != FAULT_NONE;

    if (work->effect->kind == &service.effects[REFUND])
        return failed ? CHARGE_ON_REFUND_FAILED : CHARGE_ON_REFUNDED;
    if (failed)
        return CHARGE_ON_GAVE_UP;
    if (!text_is(json_string(json_get(work->doc->root, "outcome")), "declined"))
        return CHARGE_ON_AUTHORIZED;
    charge->reason = json_string(json_get(work->doc->root, "reason"));
    return CHARGE_ON_DECLINED;
}

static bool on_outcomes(struct batch *batch)
{
    static const struct order_created none;
    CHARGES_SCOPE charges = { 0 };

    if (!lock(batch, &charges))
        return false;
    for (size_t i = 0; i < batch->count; i++) {
        struct charge *charge = &charges.at[order_rows_find(&charges.rows, &batch->works[i])];

        apply(batch, &charges, &batch->works[i], outcome(&batch->works[i], charge), &none);
    }
    return save(batch, &charges);
}

static const struct effect_kind effects[] = {
    [CHARGE] = { "charge", call, payment_http_answered, on_outcomes, room },
    [REFUND] = { "refund", call, payment_http_answered, on_outcomes, room },
};

/* ---- the service ---- */

static bool start(struct fault *fault)
{
    const char *url = settings.http.url;

    uses_http = strcmp(settings.gateway, "http") == 0;
    if (!uses_http && strcmp(settings.gateway, "simulator") != 0)
        return fault_set(fault, FAULT_INVALID, "", "PAYMENT_GATEWAY=%s: takes simulator or http", settings.gateway);
    if (uses_http && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return fault_set(fault, FAULT_INVALID, "",
                         "PAYMENT_URL=%s: takes http://... or https://... with PAYMENT_GATEWAY=http", url);
    if (uses_http && url[strlen(url) - 1] == '/')
        return fault_set(fault, FAULT_INVALID, "", "PAYMENT_URL=%s: takes no slash at its end", url);
    if (strpbrk(settings.http.token, "\r\n"))
        return fault_set(fault, FAULT_INVALID, "", "PAYMENT_TOKEN: takes no line breaks");

    simulator = (struct payment_simulator){
        .decline_over_minor = settings.decline_over_minor,
        .declines_a_customer = *settings.decline_customer != '\0',
        .decline_permille = settings.decline_permille,
        .seed = settings.seed,
    };
    if (simulator.declines_a_customer && !uuid_parse(text_of(settings.decline_customer), &simulator.decline_customer))
        return fault_set(fault, FAULT_INVALID, "", "PAYMENT_DECLINE_CUSTOMER=%s: takes a UUID", settings.decline_customer);
    payment_http_start(&settings.http);
    return true;
}

static void metrics(struct buf *out)
{
    metric_head(out, "breaker_open", "gauge", "1 while a server that has failed again and again is left alone.");
    buf_printf(out, "breaker_open{service=\"payment\",server=\"payment_provider\"} %d\n", payment_http_is_given_up());
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
    .start = start,
    .effects = effects,
    .effect_count = ARRAY_LEN(effects),
    .metrics = metrics,
};
