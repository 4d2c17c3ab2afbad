#include "model/order_state.h"

#define FROM(state) (1U << (state))

static const char *const state_names[ORDER_STATES] = {
    [ORDER_PENDING] = "PENDING",         [ORDER_PAYMENT] = "PAYMENT",     [ORDER_INVENTORY] = "INVENTORY",
    [ORDER_FULFILLMENT] = "FULFILLMENT", [ORDER_COMPLETED] = "COMPLETED", [ORDER_CANCELLED] = "CANCELLED",
};

enum { BEFORE_FULFILLMENT = FROM(ORDER_PENDING) | FROM(ORDER_PAYMENT) | FROM(ORDER_INVENTORY) };

/* Why an order is cancelled, and the states in which that is still possible. */
static const struct {
    const char *name;
    unsigned from;
} reasons[CANCEL_REASONS] = {
    [CANCEL_PAYMENT_DECLINED] = { "payment_declined", BEFORE_FULFILLMENT },
    [CANCEL_OUT_OF_STOCK] = { "out_of_stock", BEFORE_FULFILLMENT },
    [CANCEL_BY_CUSTOMER] = { "cancelled_by_customer", BEFORE_FULFILLMENT },
    [CANCEL_TIMED_OUT] = { "timed_out", BEFORE_FULFILLMENT },
    [CANCEL_FULFILLMENT_REFUSED] = { "fulfillment_refused", FROM(ORDER_FULFILLMENT) },
};

const char *order_state_name(enum order_state state)
{
    return state_names[state];
}

bool order_state_parse(struct text name, enum order_state *state)
{
    for (size_t i = 0; i < ARRAY_LEN(state_names); i++) {
        if (text_is(name, state_names[i])) {
            *state = (enum order_state)i;
            return true;
        }
    }
    return false;
}

const char *cancel_reason_name(enum cancel_reason reason)
{
    return reasons[reason].name;
}

bool order_state_is_terminal(enum order_state state)
{
    return state == ORDER_COMPLETED || state == ORDER_CANCELLED;
}

bool order_state_advances(enum order_state from, enum order_state target)
{
    return !order_state_is_terminal(from) && target > from && target <= ORDER_COMPLETED;
}

bool order_state_cancellable(enum order_state from, enum cancel_reason reason)
{
    return (reasons[reason].from & FROM(from)) != 0;
}
