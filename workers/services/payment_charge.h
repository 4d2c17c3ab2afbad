/* payment_charge.h - the life of an order's charge: what each event makes of it. */
#pragma once

#include <stdbool.h>

enum charge_state {
    CHARGE_NEW,        /* nothing decided */
    CHARGE_AUTHORIZED, /* the money is taken */
    CHARGE_DECLINED,   /* the gateway refused */
    CHARGE_CANCELLED,  /* the order was cancelled before it was charged: it never will be */
    CHARGE_REFUNDED,   /* the money went back */
    CHARGE_STATES,
};

/* As in the schema: payment.charge_state. */
extern const char *const charge_state_names[CHARGE_STATES];

enum charge_event {
    CHARGE_ON_AUTHORIZED, /* order.created, and the gateway's yes */
    CHARGE_ON_DECLINED,   /* order.created, and the gateway's no */
    CHARGE_ON_CANCELLED,  /* order.cancelled */
    CHARGE_ON_NUDGED,     /* order.nudged */
    CHARGE_EVENTS,
};

struct charge_decision {
    enum charge_state state;
    const char *emit; /* the event that tells of STATE, or NULL: nothing to tell */
};

/* Whether order.created has to ask the gateway: otherwise it repeats itself or comes after the cancel, and is over. Pure. */
bool charge_is_open(enum charge_state state);

/* Pure. */
struct charge_decision charge_decide(enum charge_state state, enum charge_event event);
