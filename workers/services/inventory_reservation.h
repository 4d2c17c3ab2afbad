/* inventory_reservation.h - the life of an order's reservation: what each event makes of it. */
#pragma once

#include <stdbool.h>

enum reservation_state {
    RESERVATION_NEW,       /* nothing decided */
    RESERVATION_RESERVED,  /* all lines are set aside for the order */
    RESERVATION_REJECTED,  /* a line could not be had, nothing is set aside */
    RESERVATION_CANCELLED, /* the order was cancelled before anything was reserved: nothing ever will be */
    RESERVATION_RELEASED,  /* what was reserved is free again */
    RESERVATION_SHIPPED,   /* what was reserved is gone */
    RESERVATION_STATES,
};

/* As in the schema: inventory.reservation_state. */
extern const char *const reservation_state_names[RESERVATION_STATES];

enum reservation_event {
    RESERVATION_ON_ALLOCATED, /* payment.authorized, and all lines could be had */
    RESERVATION_ON_SHORT,     /* payment.authorized, and one could not */
    RESERVATION_ON_COMPLETED, /* order.completed */
    RESERVATION_ON_CANCELLED, /* order.cancelled */
    RESERVATION_ON_NUDGED,    /* order.nudged */
    RESERVATION_EVENTS,
};

struct reservation_decision {
    enum reservation_state state;
    const char *emit;     /* the event that tells of STATE, or NULL: nothing to tell */
    const char *movement; /* of every line, as in the ledger; NULL: nothing moves */
    bool contradiction;   /* the order's row never lets this happen: for an operator to see */
};

/* Whether payment.authorized has to look for stock: otherwise it repeats itself or comes after the cancel. Pure. */
bool reservation_is_open(enum reservation_state state);

/* Pure. */
struct reservation_decision reservation_decide(enum reservation_state state, enum reservation_event event);
