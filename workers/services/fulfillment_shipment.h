/* fulfillment_shipment.h - the life of an order's shipment: what each event makes of it.
 *
 * It has no cancel: order.confirmed tells that the order's row entered FULFILLMENT, from where nothing but the refusal
 * made here cancels it. */
#pragma once

#include <stdbool.h>

enum shipment_state {
    SHIPMENT_NEW,       /* nothing asked */
    SHIPMENT_REQUESTED, /* the carrier has been asked and will answer */
    SHIPMENT_SHIPPED,   /* the carrier has it */
    SHIPMENT_REJECTED,  /* the carrier refused */
    SHIPMENT_STATES,
};

/* As in the schema: fulfillment.shipment_state. */
extern const char *const shipment_state_names[SHIPMENT_STATES];

enum shipment_event {
    SHIPMENT_ON_REQUESTED, /* order.confirmed, and the carrier takes its time */
    SHIPMENT_ON_ACCEPTED,  /* the carrier's yes, be it at once */
    SHIPMENT_ON_REFUSED,   /* the carrier's no */
    SHIPMENT_ON_NUDGED,    /* order.nudged */
    SHIPMENT_EVENTS,
};

struct shipment_decision {
    enum shipment_state state;
    const char *emit; /* the event that tells of STATE, or NULL: nothing to tell */
};

/* Whether order.confirmed has to ask the carrier: otherwise it repeats itself. Pure. */
bool shipment_is_open(enum shipment_state state);

/* Whether an answer of the carrier is news. Pure. */
bool shipment_is_awaited(enum shipment_state state);

/* Pure. */
struct shipment_decision shipment_decide(enum shipment_state state, enum shipment_event event);
