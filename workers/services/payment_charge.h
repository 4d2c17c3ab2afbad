/* payment_charge.h - the life of an order's charge: what each event makes of it.
 *
 * The gateway is asked by calls (workers/runtime/effect.h), whose outcomes are events like any other; a gateway that answers
 * at once has its answer follow in the same transaction. A cancel that comes while the charge is under way leaves its mark,
 * and the outcome, whenever it comes, is given back. */
#pragma once

#include <stdbool.h>

enum charge_state {
    CHARGE_NEW,                 /* nothing decided */
    CHARGE_CHARGING,            /* the gateway is being asked for the money */
    CHARGE_CANCELLING,          /* likewise, and the order was cancelled meanwhile: what is taken goes back */
    CHARGE_STALLED,             /* asking was given up; whether money was taken is unknown. For an operator */
    CHARGE_AUTHORIZED,          /* the money is taken */
    CHARGE_DECLINED,            /* the gateway refused */
    CHARGE_CANCELLED,           /* the order was cancelled, and nothing was or will be taken */
    CHARGE_REFUNDING,           /* the gateway is being asked to give the money back */
    CHARGE_REFUNDED,            /* the money went back */
    CHARGE_COMPENSATION_FAILED, /* it should go back, and trying was given up. For an operator */
    CHARGE_STATES,
};

/* As in the schema: payment.charge_state. */
extern const char *const charge_state_names[CHARGE_STATES];

enum charge_event {
    CHARGE_ON_CREATED,       /* order.created */
    CHARGE_ON_AUTHORIZED,    /* the gateway's yes */
    CHARGE_ON_DECLINED,      /* the gateway's no */
    CHARGE_ON_GAVE_UP,       /* no word of the gateway, for good */
    CHARGE_ON_CANCELLED,     /* order.cancelled */
    CHARGE_ON_REFUNDED,      /* the gateway gave the money back */
    CHARGE_ON_REFUND_FAILED, /* no word of that, or a no, for good */
    CHARGE_ON_NUDGED,        /* order.nudged */
    CHARGE_EVENTS,
};

enum charge_call {
    CHARGE_CALL_NONE,
    CHARGE_CALL_CHARGE,
    CHARGE_CALL_REFUND,
};

struct charge_decision {
    enum charge_state state;
    const char *emit;      /* the event that tells of STATE, or NULL: nothing to tell */
    enum charge_call call; /* what the gateway is to be asked for; its answer is the next event */
};

/* Pure. */
struct charge_decision charge_decide(enum charge_state state, enum charge_event event);
