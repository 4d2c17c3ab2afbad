/* order_steps.c - the order's way, event by event; the allowed moves themselves are model/order_state.h's. */
#include "workers/services/order_steps.h"

static const struct order_cause causes[] = {
    { .type = "order.created", .target = ORDER_PAYMENT },
    { .type = "payment.authorized", .target = ORDER_INVENTORY },
    { .type = "inventory.reserved", .target = ORDER_FULFILLMENT },
    { .type = "fulfillment.shipped", .target = ORDER_COMPLETED },
    { .type = "payment.declined", .target = ORDER_CANCELLED, .reason = CANCEL_PAYMENT_DECLINED },
    { .type = "inventory.rejected", .target = ORDER_CANCELLED, .reason = CANCEL_OUT_OF_STOCK },
    { .type = "fulfillment.rejected", .target = ORDER_CANCELLED, .reason = CANCEL_FULFILLMENT_REFUSED },
};

const struct order_cause *order_cause_find(struct text type)
{
    for (size_t i = 0; i < ARRAY_LEN(causes); i++)
        if (text_is(type, causes[i].type))
            return &causes[i];
    return NULL;
}

size_t order_steps(enum order_state from, const struct order_cause *cause, enum order_state steps[static ORDER_STATES])
{
    size_t count = 0;

    if (cause->target == ORDER_CANCELLED) {
        if (order_state_cancellable(from, cause->reason))
            steps[count++] = ORDER_CANCELLED;
    } else if (order_state_advances(from, cause->target)) {
        for (int state = (int)from + 1; state <= (int)cause->target; state++)
            steps[count++] = (enum order_state)state;
    }
    return count;
}

const char *order_announcement(enum order_state entered)
{
    switch (entered) {
    case ORDER_FULFILLMENT:
        return "order.confirmed";
    case ORDER_COMPLETED:
        return "order.completed";
    case ORDER_CANCELLED:
        return "order.cancelled";
    default:
        return NULL;
    }
}
