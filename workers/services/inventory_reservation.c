/* inventory_reservation.c - every state against every event. */
#include "workers/services/inventory_reservation.h"

const char *const reservation_state_names[RESERVATION_STATES] = {
    "new", "reserved", "rejected", "cancelled", "released", "shipped",
};

bool reservation_is_open(enum reservation_state state)
{
    return state == RESERVATION_NEW;
}

struct reservation_decision reservation_decide(enum reservation_state state, enum reservation_event event)
{
    static const struct reservation_decision decisions[RESERVATION_STATES][RESERVATION_EVENTS] = {
        [RESERVATION_NEW] = {
            [RESERVATION_ON_ALLOCATED] = { .state = RESERVATION_RESERVED, .emit = "inventory.reserved", .movement = "reserved" },
            [RESERVATION_ON_SHORT] = { .state = RESERVATION_REJECTED, .emit = "inventory.rejected" },
            [RESERVATION_ON_COMPLETED] = { .state = RESERVATION_NEW, .contradiction = true },
            [RESERVATION_ON_CANCELLED] = { .state = RESERVATION_CANCELLED },
            [RESERVATION_ON_NUDGED] = { .state = RESERVATION_NEW },
        },
        [RESERVATION_RESERVED] = {
            [RESERVATION_ON_ALLOCATED] = { .state = RESERVATION_RESERVED },
            [RESERVATION_ON_SHORT] = { .state = RESERVATION_RESERVED },
            [RESERVATION_ON_COMPLETED] = { .state = RESERVATION_SHIPPED, .movement = "shipped" },
            [RESERVATION_ON_CANCELLED] = { .state = RESERVATION_RELEASED, .emit = "inventory.released", .movement = "released" },
            [RESERVATION_ON_NUDGED] = { .state = RESERVATION_RESERVED, .emit = "inventory.reserved" },
        },
        [RESERVATION_REJECTED] = {
            [RESERVATION_ON_ALLOCATED] = { .state = RESERVATION_REJECTED },
            [RESERVATION_ON_SHORT] = { .state = RESERVATION_REJECTED },
            [RESERVATION_ON_COMPLETED] = { .state = RESERVATION_REJECTED, .contradiction = true },
            [RESERVATION_ON_CANCELLED] = { .state = RESERVATION_REJECTED }, /* nothing was reserved */
            [RESERVATION_ON_NUDGED] = { .state = RESERVATION_REJECTED, .emit = "inventory.rejected" },
        },
        [RESERVATION_CANCELLED] = {
            [RESERVATION_ON_ALLOCATED] = { .state = RESERVATION_CANCELLED },
            [RESERVATION_ON_SHORT] = { .state = RESERVATION_CANCELLED },
            [RESERVATION_ON_COMPLETED] = { .state = RESERVATION_CANCELLED, .contradiction = true },
            [RESERVATION_ON_CANCELLED] = { .state = RESERVATION_CANCELLED },
            [RESERVATION_ON_NUDGED] = { .state = RESERVATION_CANCELLED },
        },
        [RESERVATION_RELEASED] = {
            [RESERVATION_ON_ALLOCATED] = { .state = RESERVATION_RELEASED },
            [RESERVATION_ON_SHORT] = { .state = RESERVATION_RELEASED },
            [RESERVATION_ON_COMPLETED] = { .state = RESERVATION_RELEASED, .contradiction = true },
            [RESERVATION_ON_CANCELLED] = { .state = RESERVATION_RELEASED },
            [RESERVATION_ON_NUDGED] = { .state = RESERVATION_RELEASED, .emit = "inventory.released" },
        },
        [RESERVATION_SHIPPED] = {
            [RESERVATION_ON_ALLOCATED] = { .state = RESERVATION_SHIPPED },
            [RESERVATION_ON_SHORT] = { .state = RESERVATION_SHIPPED },
            [RESERVATION_ON_COMPLETED] = { .state = RESERVATION_SHIPPED },
            [RESERVATION_ON_CANCELLED] = { .state = RESERVATION_SHIPPED, .contradiction = true },
            [RESERVATION_ON_NUDGED] = { .state = RESERVATION_SHIPPED }, /* the order is complete: nobody waits */
        },
    };

    return decisions[state][event];
}
