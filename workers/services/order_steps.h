/* order_steps.h - what an event does to an order, decided from its state alone. */
#pragma once

#include "model/order_state.h"
#include <stddef.h>

/* One row an event type of the other services (and order.created): a success moves the order up to TARGET, a refusal
 * (TARGET is ORDER_CANCELLED) cancels it for REASON. */
struct order_cause {
    const char *type;
    enum order_state target;
    enum cancel_reason reason;
};

/* The row of TYPE, or NULL. Pure. */
const struct order_cause *order_cause_find(struct text type);

/* The states that an order in FROM enters one after another because of CAUSE; 0 for what comes late, twice, or too late
 * to cancel. Pure. */
size_t order_steps(enum order_state from, const struct order_cause *cause, enum order_state steps[static ORDER_STATES]);

/* The event that tells the other services of a state just entered; NULL: they need not know. Pure. */
const char *order_announcement(enum order_state entered);
