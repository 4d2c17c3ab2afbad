/* fulfillment_shipment.c - every state against every event. */
#include "workers/services/fulfillment_shipment.h"

const char *const shipment_state_names[SHIPMENT_STATES] = { "new", "requested", "shipped", "rejected" };

bool shipment_is_open(enum shipment_state state)
{
    return state == SHIPMENT_NEW;
}

bool shipment_is_awaited(enum shipment_state state)
{
    return state == SHIPMENT_REQUESTED;
}

struct shipment_decision shipment_decide(enum shipment_state state, enum shipment_event event)
{
    static const struct shipment_decision decisions[SHIPMENT_STATES][SHIPMENT_EVENTS] = {
        [SHIPMENT_NEW] = {
            [SHIPMENT_ON_REQUESTED] = { .state = SHIPMENT_REQUESTED },
            [SHIPMENT_ON_ACCEPTED] = { .state = SHIPMENT_SHIPPED, .emit = "fulfillment.shipped" },
            [SHIPMENT_ON_REFUSED] = { .state = SHIPMENT_REJECTED, .emit = "fulfillment.rejected" },
            [SHIPMENT_ON_NUDGED] = { .state = SHIPMENT_NEW },
        },
        [SHIPMENT_REQUESTED] = {
            [SHIPMENT_ON_REQUESTED] = { .state = SHIPMENT_REQUESTED },
            [SHIPMENT_ON_ACCEPTED] = { .state = SHIPMENT_SHIPPED, .emit = "fulfillment.shipped" },
            [SHIPMENT_ON_REFUSED] = { .state = SHIPMENT_REJECTED, .emit = "fulfillment.rejected" },
            [SHIPMENT_ON_NUDGED] = { .state = SHIPMENT_REQUESTED }, /* it is being asked already */
        },
        [SHIPMENT_SHIPPED] = {
            [SHIPMENT_ON_REQUESTED] = { .state = SHIPMENT_SHIPPED },
            [SHIPMENT_ON_ACCEPTED] = { .state = SHIPMENT_SHIPPED },
            [SHIPMENT_ON_REFUSED] = { .state = SHIPMENT_SHIPPED },
            [SHIPMENT_ON_NUDGED] = { .state = SHIPMENT_SHIPPED, .emit = "fulfillment.shipped" },
        },
        [SHIPMENT_REJECTED] = {
            [SHIPMENT_ON_REQUESTED] = { .state = SHIPMENT_REJECTED },
            [SHIPMENT_ON_ACCEPTED] = { .state = SHIPMENT_REJECTED },
            [SHIPMENT_ON_REFUSED] = { .state = SHIPMENT_REJECTED },
            [SHIPMENT_ON_NUDGED] = { .state = SHIPMENT_REJECTED, .emit = "fulfillment.rejected" },
        },
    };

    return decisions[state][event];
}
