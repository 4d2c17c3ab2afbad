/* saga_model.c - see saga_model.h. */
#include "tests/unit/saga_model.h"
#include "model/event.h"
#include "tests/unit/unit.h"

#include <stdio.h>

/* Steps that never may be taken, by saga.forbidden. */
enum { NOTHING_FORBIDDEN, MOVE_NOT_ALLOWED, CONTRADICTION, TWO_CALLS, FORBIDDEN };

static const char *const forbidden_words[FORBIDDEN] = {
    [MOVE_NOT_ALLOWED] = "the order made a move that the timeline forbids",
    [CONTRADICTION] = "a service met an event that contradicts its row",
    [TWO_CALLS] = "the gateway was asked for something while it was asked for something else",
};

static const char *const topic_names[TOPICS] = { "orders", "payments", "inventory", "fulfillment" };
static const char *const service_names[SAGA_SERVICES] = { "order", "payment", "inventory", "fulfillment", "notification" };

/* What each service takes: the table of its file. (tests/contract compares them.) */
static const struct {
    enum saga_service service;
    const char *type;
} handles[] = {
    { SERVICE_ORDER, "order.created" },          { SERVICE_ORDER, "payment.authorized" },
    { SERVICE_ORDER, "payment.declined" },       { SERVICE_ORDER, "inventory.reserved" },
    { SERVICE_ORDER, "inventory.rejected" },     { SERVICE_ORDER, "fulfillment.shipped" },
    { SERVICE_ORDER, "fulfillment.rejected" },   { SERVICE_PAYMENT, "order.created" },
    { SERVICE_PAYMENT, "order.cancelled" },      { SERVICE_PAYMENT, "order.nudged" },
    { SERVICE_INVENTORY, "payment.authorized" }, { SERVICE_INVENTORY, "order.completed" },
    { SERVICE_INVENTORY, "order.cancelled" },    { SERVICE_INVENTORY, "order.nudged" },
    { SERVICE_FULFILLMENT, "order.confirmed" },  { SERVICE_FULFILLMENT, "order.nudged" },
    { SERVICE_NOTIFICATION, "order.created" },   { SERVICE_NOTIFICATION, "order.completed" },
    { SERVICE_NOTIFICATION, "order.cancelled" },
};

const struct saga_rules saga_rules = {
    .steps = order_steps,
    .cancellable = order_state_cancellable,
    .charge = charge_decide,
    .reservation = reservation_decide,
    .shipment = shipment_decide,
    .conversation = conversation_decide,
};

static void count(uint8_t *times, bool happened)
{
    if (happened)
        ++*times;
}

/* ---- topics ---- */

static void publish(struct saga *saga, const char *name)
{
    const struct event_type *type = name ? event_type_find(text_of(name)) : NULL;

    if (!name)
        return;
    assert_non_null(type);
    for (int topic = 0; topic < TOPICS; topic++)
        if (strcmp(type->topic, topic_names[topic]) == 0) {
            assert_in_range(saga->length[topic], 0, LOG_MAX - 1);
            saga->log[topic][saga->length[topic]++] = (uint8_t)(type - event_types);
        }
}

static struct text type_of(uint8_t event)
{
    return text_of(event_types[event].name);
}

/* A bit a service that takes EVENT. Asked many million times: kept once found. */
static unsigned takers_of(uint8_t event)
{
    static struct {
        bool known;
        unsigned services;
    } takers[UINT8_MAX + 1];

    for (size_t i = 0; i < ARRAY_LEN(handles) && !takers[event].known; i++)
        if (text_is(type_of(event), handles[i].type))
            takers[event].services |= 1U << handles[i].service;
    takers[event].known = true;
    return takers[event].services;
}

static bool is_taken_by(int service, uint8_t event)
{
    return takers_of(event) >> service & 1;
}

static bool has_unread(const struct saga *saga, int service, int topic)
{
    return saga->read[service][topic] < saga->length[topic];
}

/* The event at the front of TOPIC is dropped: everybody has read it. */
static void forget(struct saga *saga, int topic)
{
    memmove(saga->log[topic], saga->log[topic] + 1, LOG_MAX - 1U);
    saga->log[topic][LOG_MAX - 1] = 0;
    saga->length[topic]--;
    for (int service = 0; service < SAGA_SERVICES; service++)
        saga->read[service][topic]--;
}

static bool all_have_read_one(const struct saga *saga, int topic)
{
    for (int service = 0; service < SAGA_SERVICES; service++)
        if (saga->read[service][topic] == 0)
            return false;
    return true;
}

/* Brings states that differ in nothing that matters together: what a service does not take it passes over, and what
 * everybody has read and nothing can repeat is forgotten. */
static void normalize(struct saga *saga)
{
    for (int topic = 0; topic < TOPICS; topic++) {
        for (int service = 0; service < SAGA_SERVICES; service++)
            while (has_unread(saga, service, topic) && !is_taken_by(service, saga->log[topic][saga->read[service][topic]]))
                saga->read[service][topic]++;
        while (saga->repeats == 0 && all_have_read_one(saga, topic))
            forget(saga, topic);
    }
}

struct saga saga_start(const struct saga_limits *limits)
{
    struct saga saga = { .nudges = limits->nudges, .repeats = limits->repeats, .asides = limits->asides };

    saga.failures = limits->failures;

    publish(&saga, "order.created");
    normalize(&saga);
    return saga;
}

/* ---- services: each the glue of its file, without a database ---- */

/* The constraint of orders.timeline, written once more. */
static bool move_is_allowed(int from, int to)
{
    return to == ORDER_CANCELLED ? from < ORDER_COMPLETED : to == from + 1 && to <= ORDER_COMPLETED;
}

static void enter(struct saga *saga, enum order_state to)
{
    if (!move_is_allowed(saga->order, (int)to))
        saga->forbidden = MOVE_NOT_ALLOWED;
    saga->order = (uint8_t)to;
    publish(saga, order_announcement(to));
}

static void order_takes(struct saga *saga, struct text type, bool yes, const struct saga_rules *rules)
{
    const struct order_cause *cause = order_cause_find(type);
    enum order_state steps[ORDER_STATES];
    size_t count = cause ? rules->steps((enum order_state)saga->order, cause, steps) : 0;

    (void)yes;
    for (size_t i = 0; i < count; i++)
        enter(saga, steps[i]);
}

static void charge_moves(struct saga *saga, enum charge_event event, const struct saga_rules *rules)
{
    struct charge_decision decision = rules->charge((enum charge_state)saga->charge, event);

    if (decision.call != CHARGE_CALL_NONE && saga->call != CHARGE_CALL_NONE)
        saga->forbidden = TWO_CALLS;
    if (decision.call != CHARGE_CALL_NONE)
        saga->call = (uint8_t)decision.call;
    saga->charge = (uint8_t)decision.state;
    publish(saga, decision.emit);
}

static void payment_takes(struct saga *saga, struct text type, bool yes, const struct saga_rules *rules)
{
    (void)yes;
    if (text_is(type, "order.created"))
        charge_moves(saga, CHARGE_ON_CREATED, rules);
    else if (text_is(type, "order.cancelled"))
        charge_moves(saga, CHARGE_ON_CANCELLED, rules);
    else if (text_is(type, "order.nudged"))
        charge_moves(saga, CHARGE_ON_NUDGED, rules);
}

/* Between the call and its outcome anything else may happen. */
static void gateway_answers(struct saga *saga, bool yes, const struct saga_rules *rules)
{
    enum charge_call call = (enum charge_call)saga->call;

    saga->call = CHARGE_CALL_NONE;
    if (call == CHARGE_CALL_CHARGE) {
        count(&saga->taken, yes);
        charge_moves(saga, yes ? CHARGE_ON_AUTHORIZED : CHARGE_ON_DECLINED, rules);
    } else {
        count(&saga->given_back, true);
        charge_moves(saga, CHARGE_ON_REFUNDED, rules);
    }
}

/* The call stays: an operator has it made again. */
static void gateway_is_given_up(struct saga *saga, const struct saga_rules *rules)
{
    saga->failures--;
    charge_moves(saga, saga->call == CHARGE_CALL_CHARGE ? CHARGE_ON_GAVE_UP : CHARGE_ON_REFUND_FAILED, rules);
}

static void inventory_takes(struct saga *saga, struct text type, bool yes, const struct saga_rules *rules)
{
    enum reservation_state state = (enum reservation_state)saga->reservation;
    struct reservation_decision decision;
    enum reservation_event event;

    if (text_is(type, "payment.authorized")) {
        if (!reservation_is_open(state))
            return;
        event = yes ? RESERVATION_ON_ALLOCATED : RESERVATION_ON_SHORT;
    } else if (text_is(type, "order.completed")) {
        event = RESERVATION_ON_COMPLETED;
    } else if (text_is(type, "order.cancelled")) {
        event = RESERVATION_ON_CANCELLED;
    } else if (text_is(type, "order.nudged")) {
        event = RESERVATION_ON_NUDGED;
    } else {
        return;
    }
    decision = rules->reservation(state, event);
    if (decision.contradiction)
        saga->forbidden = CONTRADICTION;
    if (decision.movement) {
        count(&saga->reserved, strcmp(decision.movement, "reserved") == 0);
        count(&saga->released, strcmp(decision.movement, "released") == 0);
        count(&saga->gone, strcmp(decision.movement, "shipped") == 0);
    }
    saga->reservation = (uint8_t)decision.state;
    publish(saga, decision.emit);
}

static void fulfillment_decides(struct saga *saga, enum shipment_event event, const struct saga_rules *rules)
{
    enum shipment_state state = (enum shipment_state)saga->shipment;
    struct shipment_decision decision = rules->shipment(state, event);

    count(&saga->parcels, decision.state != state && decision.state == SHIPMENT_SHIPPED);
    saga->shipment = (uint8_t)decision.state;
    publish(saga, decision.emit);
}

static void fulfillment_takes(struct saga *saga, struct text type, bool yes, const struct saga_rules *rules)
{
    if (text_is(type, "order.nudged"))
        fulfillment_decides(saga, SHIPMENT_ON_NUDGED, rules);
    if (!text_is(type, "order.confirmed") || !shipment_is_open((enum shipment_state)saga->shipment))
        return;
    count(&saga->questions, saga->later);
    fulfillment_decides(saga, saga->later ? SHIPMENT_ON_REQUESTED : yes ? SHIPMENT_ON_ACCEPTED : SHIPMENT_ON_REFUSED, rules);
}

static void carrier_answers(struct saga *saga, bool yes, const struct saga_rules *rules)
{
    saga->questions--;
    if (shipment_is_awaited((enum shipment_state)saga->shipment))
        fulfillment_decides(saga, yes ? SHIPMENT_ON_ACCEPTED : SHIPMENT_ON_REFUSED, rules);
}

static void notification_takes(struct saga *saga, struct text type, bool yes, const struct saga_rules *rules)
{
    struct conversation_decision decision;
    enum conversation_event event;

    (void)yes;
    if (text_is(type, "order.created"))
        event = CONVERSATION_ON_CREATED;
    else if (text_is(type, "order.completed"))
        event = CONVERSATION_ON_COMPLETED;
    else if (text_is(type, "order.cancelled"))
        event = CONVERSATION_ON_CANCELLED;
    else
        return;
    decision = rules->conversation((enum conversation_state)saga->conversation, event);
    if (decision.contradiction)
        saga->forbidden = CONTRADICTION;
    if (decision.say && strcmp(decision.say, "confirmation") == 0)
        saga->confirmations++;
    else if (decision.say)
        saga->outcomes_told++;
    saga->conversation = (uint8_t)decision.state;
}

static void (*const takes[SAGA_SERVICES])(struct saga *, struct text, bool, const struct saga_rules *) = {
    order_takes, payment_takes, inventory_takes, fulfillment_takes, notification_takes,
};

/* ---- steps ---- */

/* Once for each answer that whoever is asked might give; where nobody is asked, both lead to the same state. */
static size_t add(struct saga_step *steps, size_t count, enum saga_step_kind kind, int service, int topic, int index)
{
    for (int yes = 0; yes < 2; yes++)
        steps[count++] = (struct saga_step){ kind, (uint8_t)service, (uint8_t)topic, (uint8_t)index, (uint8_t)yes };
    return count;
}

size_t saga_steps(const struct saga *from, struct saga_step steps[static SAGA_STEPS_MAX])
{
    size_t count = 0;

    if (from->questions > 0)
        count = add(steps, count, STEP_SETTLE, SERVICE_FULFILLMENT, 0, 0);
    for (int service = 0; service < SAGA_SERVICES; service++) {
        for (int topic = 0; topic < TOPICS; topic++) {
            int next = from->read[service][topic];

            if (has_unread(from, service, topic)) {
                count = add(steps, count, STEP_TAKE, service, topic, next);
                if (service == SERVICE_FULFILLMENT)
                    count = add(steps, count, STEP_LATER, service, topic, next);
                if (from->asides > 0)
                    count = add(steps, count, STEP_ASIDE, service, topic, next);
            }
            for (int i = 0; from->repeats > 0 && i < next; i++)
                if (is_taken_by(service, from->log[topic][i]))
                    count = add(steps, count, STEP_REPEAT, service, topic, i);
        }
        if (from->letters[service] > 0)
            count = add(steps, count, STEP_REPLAY, service, 0, 0);
    }
    if (from->call != CHARGE_CALL_NONE) {
        count = add(steps, count, STEP_ANSWER, SERVICE_PAYMENT, 0, 0);
        if (from->failures > 0)
            steps[count++] = (struct saga_step){ .kind = STEP_FAIL };
    }
    if (order_state_is_terminal((enum order_state)from->order))
        return count;
    steps[count++] = (struct saga_step){ .kind = STEP_CANCEL };
    steps[count++] = (struct saga_step){ .kind = STEP_EXPIRE };
    if (from->nudges > 0)
        steps[count++] = (struct saga_step){ .kind = STEP_NUDGE };
    return count;
}

static void set_aside(struct saga *saga, int service, uint8_t event)
{
    assert_in_range(saga->letters[service], 0, LOG_MAX - 1);
    saga->letter[service][saga->letters[service]++] = event;
}

/* As the inbox decides: behind a dead letter of the order everything waits, but for its cancel. */
static void deliver(struct saga *saga, int service, uint8_t event, bool yes, const struct saga_rules *rules)
{
    if (saga->letters[service] > 0 && !text_is(type_of(event), "order.cancelled"))
        set_aside(saga, service, event);
    else
        takes[service](saga, type_of(event), yes, rules);
}

static void replay(struct saga *saga, int service, bool yes, const struct saga_rules *rules)
{
    uint8_t event = saga->letter[service][0];

    memmove(saga->letter[service], saga->letter[service] + 1, LOG_MAX - 1U);
    saga->letter[service][LOG_MAX - 1] = 0;
    saga->letters[service]--;
    takes[service](saga, type_of(event), yes, rules);
}

struct saga saga_after(const struct saga *from, const struct saga_step *step, const struct saga_rules *rules)
{
    struct saga saga = *from;
    uint8_t event = from->log[step->topic][step->index];
    enum cancel_reason reason = step->kind == STEP_CANCEL ? CANCEL_BY_CUSTOMER : CANCEL_TIMED_OUT;

    switch (step->kind) {
    case STEP_TAKE:
        saga.read[step->service][step->topic]++;
        deliver(&saga, step->service, event, step->yes, rules);
        break;
    case STEP_REPEAT:
        saga.repeats--;
        deliver(&saga, step->service, event, step->yes, rules);
        break;
    case STEP_ASIDE:
        saga.read[step->service][step->topic]++;
        saga.asides--;
        set_aside(&saga, step->service, event);
        break;
    case STEP_REPLAY:
        replay(&saga, step->service, step->yes, rules);
        break;
    case STEP_ANSWER:
        gateway_answers(&saga, step->yes, rules);
        break;
    case STEP_FAIL:
        gateway_is_given_up(&saga, rules);
        break;
    case STEP_CANCEL:
    case STEP_EXPIRE:
        if (rules->cancellable((enum order_state)saga.order, reason))
            enter(&saga, ORDER_CANCELLED);
        break;
    case STEP_LATER:
        saga.read[step->service][step->topic]++;
        saga.later = true;
        deliver(&saga, step->service, event, step->yes, rules);
        saga.later = false;
        break;
    case STEP_SETTLE:
        carrier_answers(&saga, step->yes, rules);
        break;
    case STEP_KINDS:
    case STEP_NUDGE:
        saga.nudges--;
        publish(&saga, "order.nudged");
        break;
    }
    normalize(&saga);
    return saga;
}

bool saga_at_rest(const struct saga *saga)
{
    if (saga->call != CHARGE_CALL_NONE)
        return false;
    for (int service = 0; service < SAGA_SERVICES; service++) {
        if (saga->letters[service] > 0)
            return false;
        for (int topic = 0; topic < TOPICS; topic++)
            if (has_unread(saga, service, topic))
                return false;
    }
    return saga->questions == 0;
}

/* ---- what must hold ---- */

static const char *wrong_at_any_time(const struct saga *saga)
{
    if (saga->forbidden)
        return forbidden_words[saga->forbidden];
    if (saga->taken > 1)
        return "charged twice";
    if (saga->given_back > saga->taken)
        return "more money given back than was taken";
    if (saga->reserved > 1)
        return "reserved twice";
    if (saga->released + saga->gone > saga->reserved)
        return "more stock released and shipped than was reserved";
    if (saga->parcels > 1)
        return "shipped twice";
    if (saga->parcels && saga->order != ORDER_FULFILLMENT && saga->order != ORDER_COMPLETED)
        return "shipped, and the order is neither in FULFILLMENT nor COMPLETED";
    if (saga->confirmations > 1 || saga->outcomes_told > 1)
        return "the customer was told the same thing twice";
    return NULL;
}

static const char *wrong_at_rest(const struct saga *saga)
{
    if (saga->outcomes_told != 1)
        return "the customer was not told the outcome";
    if (saga->order == ORDER_COMPLETED) {
        if (saga->taken != 1 || saga->given_back)
            return "COMPLETED without exactly one charge that was kept";
        if (saga->parcels != 1)
            return "COMPLETED without exactly one parcel";
        if (saga->gone != 1)
            return "COMPLETED, and its stock is not booked out";
    } else {
        if (saga->taken != saga->given_back)
            return "CANCELLED, and not all money is given back";
        if (saga->reserved != saga->released)
            return "CANCELLED, and not all stock is released";
    }
    return NULL;
}

const char *saga_wrong(const struct saga *saga)
{
    const char *wrong = wrong_at_any_time(saga);

    if (wrong || !saga_at_rest(saga))
        return wrong;
    if (!order_state_is_terminal((enum order_state)saga->order))
        return "everything is at rest, and the order is neither COMPLETED nor CANCELLED";
    return wrong_at_rest(saga);
}

void saga_step_print(const struct saga *from, const struct saga_step *step, char *out, size_t size)
{
    static const char *const words[STEP_KINDS] = {
        [STEP_FAIL] = "the call to the gateway is given up",
        [STEP_CANCEL] = "the customer cancels",
        [STEP_NUDGE] = "worker-order nudges",
        [STEP_EXPIRE] = "worker-order gives up",
    };

    if (step->kind == STEP_SETTLE) {
        snprintf(out, size, "the carrier answers %s", step->yes ? "yes" : "no");
        return;
    }
    if (step->kind == STEP_REPLAY)
        snprintf(out, size, "%s replays %s (%s)", service_names[step->service],
                 event_types[from->letter[step->service][0]].name, step->yes ? "yes" : "no");
    else if (step->kind == STEP_ANSWER)
        snprintf(out, size, "the gateway answers a %s (%s)", from->call == CHARGE_CALL_CHARGE ? "charge" : "refund",
                 step->yes ? "yes" : "no");
    else if (words[step->kind])
        snprintf(out, size, "%s", words[step->kind]);
    else
        snprintf(out, size, "%s %s %s%s (%s)", service_names[step->service],
                 step->kind == STEP_ASIDE ? "sets aside" : "takes", event_types[from->log[step->topic][step->index]].name,
                 step->kind == STEP_REPEAT ? " once more" : "", step->yes ? "yes" : "no");
}
