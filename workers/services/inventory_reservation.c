/* inventory_reservation.c - every state against every event. */
#include "workers/services/inventory_reservation.h"
#include <stddef.h>

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
            [RESERVATION_ON_ALLOCATED] = { RESERVATION_RESERVED, "inventory.reserved", .movement = "reserved" },
            [RESERVATION_ON_SHORT] = { RESERVATION_REJECTED, "inventory.rejected" },
            [RESERVATION_ON_COMPLETED] = { RESERVATION_NEW, .contradiction = true },
            [RESERVATION_ON_CANCELLED] = { RESERVATION_CANCELLED },
            [RESERVATION_ON_NUDGED] = { RESERVATION_NEW },
        },
        [RESERVATION_RESERVED] = {
            [RESERVATION_ON_ALLOCATED] = { RESERVATION_RESERVED },
            [RESERVATION_ON_SHORT] = { RESERVATION_RESERVED },
            [RESERVATION_ON_COMPLETED] = { RESERVATION_SHIPPED, .movement = "shipped" },
            [RESERVATION_ON_CANCELLED] = { RESERVATION_RELEASED, "inventory.released", .movement = "released" },
            [RESERVATION_ON_NUDGED] = { RESERVATION_RESERVED, "inventory.reserved" },
        },
        [RESERVATION_REJECTED] = {
            [RESERVATION_ON_ALLOCATED] = { RESERVATION_REJECTED },
            [RESERVATION_ON_SHORT] = { RESERVATION_REJECTED },
            [RESERVATION_ON_COMPLETED] = { RESERVATION_REJECTED, .contradiction = true },
            [RESERVATION_ON_CANCELLED] = { RESERVATION_REJECTED }, /* nothing was reserved */
            [RESERVATION_ON_NUDGED] = { RESERVATION_REJECTED, "inventory.rejected" },
        },
        [RESERVATION_CANCELLED] = {
            [RESERVATION_ON_ALLOCATED] = { RESERVATION_CANCELLED },
            [RESERVATION_ON_SHORT] = { RESERVATION_CANCELLED },
            [RESERVATION_ON_COMPLETED] = { RESERVATION_CANCELLED, .contradiction = true },
            [RESERVATION_ON_CANCELLED] = { RESERVATION_CANCELLED },
            [RESERVATION_ON_NUDGED] = { RESERVATION_CANCELLED },
        },
        [RESERVATION_RELEASED] = {
            [RESERVATION_ON_ALLOCATED] = { RESERVATION_RELEASED },
            [RESERVATION_ON_SHORT] = { RESERVATION_RELEASED },
            [RESERVATION_ON_COMPLETED] = { RESERVATION_RELEASED, .contradiction = true },
            [RESERVATION_ON_CANCELLED] = { RESERVATION_RELEASED },
            [RESERVATION_ON_NUDGED] = { RESERVATION_RELEASED, "inventory.released" },
        },
        [RESERVATION_SHIPPED] = {
            [RESERVATION_ON_ALLOCATED] = { RESERVATION_SHIPPED },
            [RESERVATION_ON_SHORT] = { RESERVATION_SHIPPED },
            [RESERVATION_ON_COMPLETED] = { RESERVATION_SHIPPED },
            [RESERVATION_ON_CANCELLED] = { RESERVATION_SHIPPED, .contradiction = true },
            [RESERVATION_ON_NUDGED] = { RESERVATION_SHIPPED }, /* the order is complete: nobody waits */
        },
    };

    return decisions[state][event];
}
