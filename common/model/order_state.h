/* order_state.h - the states of an order and the moves between them: the one table everything follows. */
#pragma once

#include "base/cleanup.h"
#include "base/text.h"

/* Ranks rise along the way; CANCELLED and COMPLETED are terminal. */
enum order_state {
    ORDER_PENDING,     /* accepted */
    ORDER_PAYMENT,     /* with the payment service */
    ORDER_INVENTORY,   /* paid, being reserved */
    ORDER_FULFILLMENT, /* reserved, being shipped: no cancel from here on but a refusal of the carrier */
    ORDER_COMPLETED,
    ORDER_CANCELLED,
    ORDER_STATES,
};

enum cancel_reason {
    CANCEL_PAYMENT_DECLINED,
    CANCEL_OUT_OF_STOCK,
    CANCEL_BY_CUSTOMER,
    CANCEL_TIMED_OUT,
    CANCEL_FULFILLMENT_REFUSED,
    CANCEL_REASONS,
};

/* The word in SQL, events and answers: "PENDING", ... Pure. */
const char *order_state_name(enum order_state state);
MUST_CHECK bool order_state_parse(struct text name, enum order_state *state);

/* "payment_declined", ... Pure. */
const char *cancel_reason_name(enum cancel_reason reason);

bool order_state_is_terminal(enum order_state state);

/* Whether a success of rank TARGET (PAYMENT..COMPLETED) moves an order that is in FROM: only forward, through every stage
 * between. A late or repeated one moves nothing and is no error. Pure. */
bool order_state_advances(enum order_state from, enum order_state target);

/* Whether REASON may cancel an order that is in FROM. Pure. */
bool order_state_cancellable(enum order_state from, enum cancel_reason reason);
