/* fulfillment_shipment.c - every state against every event. */
#include "workers/services/fulfillment_shipment.h"

const char *const shipment_state_names[SHIPMENT_STATES] = { "new", "shipped", "rejected" };

bool shipment_is_open(enum shipment_state state)
{
    return state == SHIPMENT_NEW;
}

struct shipment_decision shipment_decide(enum shipment_state state, enum shipment_event event)
{
    static const struct shipment_decision decisions[SHIPMENT_STATES][SHIPMENT_EVENTS] = {
        [SHIPMENT_NEW] = {
            [SHIPMENT_ON_ACCEPTED] = { .state = SHIPMENT_SHIPPED, .emit = "fulfillment.shipped" },
            [SHIPMENT_ON_REFUSED] = { .state = SHIPMENT_REJECTED, .emit = "fulfillment.rejected" },
            [SHIPMENT_ON_NUDGED] = { .state = SHIPMENT_NEW },
        },
        [SHIPMENT_SHIPPED] = {
            [SHIPMENT_ON_ACCEPTED] = { .state = SHIPMENT_SHIPPED },
            [SHIPMENT_ON_REFUSED] = { .state = SHIPMENT_SHIPPED },
            [SHIPMENT_ON_NUDGED] = { .state = SHIPMENT_SHIPPED, .emit = "fulfillment.shipped" },
        },
        [SHIPMENT_REJECTED] = {
            [SHIPMENT_ON_ACCEPTED] = { .state = SHIPMENT_REJECTED },
            [SHIPMENT_ON_REFUSED] = { .state = SHIPMENT_REJECTED },
            [SHIPMENT_ON_NUDGED] = { .state = SHIPMENT_REJECTED, .emit = "fulfillment.rejected" },
        },
    };

    return decisions[state][event];
}
