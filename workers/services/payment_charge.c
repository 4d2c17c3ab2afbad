/* payment_charge.c - every state against every event. */
#include "workers/services/payment_charge.h"

const char *const charge_state_names[CHARGE_STATES] = { "new", "authorized", "declined", "cancelled", "refunded" };

bool charge_is_open(enum charge_state state)
{
    return state == CHARGE_NEW;
}

struct charge_decision charge_decide(enum charge_state state, enum charge_event event)
{
    static const struct charge_decision decisions[CHARGE_STATES][CHARGE_EVENTS] = {
        [CHARGE_NEW] = {
            [CHARGE_ON_AUTHORIZED] = { .state = CHARGE_AUTHORIZED, .emit = "payment.authorized" },
            [CHARGE_ON_DECLINED] = { .state = CHARGE_DECLINED, .emit = "payment.declined" },
            [CHARGE_ON_CANCELLED] = { .state = CHARGE_CANCELLED },
            [CHARGE_ON_NUDGED] = { .state = CHARGE_NEW },
        },
        [CHARGE_AUTHORIZED] = {
            [CHARGE_ON_AUTHORIZED] = { .state = CHARGE_AUTHORIZED },
            [CHARGE_ON_DECLINED] = { .state = CHARGE_AUTHORIZED },
            [CHARGE_ON_CANCELLED] = { .state = CHARGE_REFUNDED, .emit = "payment.refunded" },
            [CHARGE_ON_NUDGED] = { .state = CHARGE_AUTHORIZED, .emit = "payment.authorized" },
        },
        [CHARGE_DECLINED] = {
            [CHARGE_ON_AUTHORIZED] = { .state = CHARGE_DECLINED },
            [CHARGE_ON_DECLINED] = { .state = CHARGE_DECLINED },
            [CHARGE_ON_CANCELLED] = { .state = CHARGE_DECLINED }, /* nothing was taken */
            [CHARGE_ON_NUDGED] = { .state = CHARGE_DECLINED, .emit = "payment.declined" },
        },
        [CHARGE_CANCELLED] = {
            [CHARGE_ON_AUTHORIZED] = { .state = CHARGE_CANCELLED },
            [CHARGE_ON_DECLINED] = { .state = CHARGE_CANCELLED },
            [CHARGE_ON_CANCELLED] = { .state = CHARGE_CANCELLED },
            [CHARGE_ON_NUDGED] = { .state = CHARGE_CANCELLED },
        },
        [CHARGE_REFUNDED] = {
            [CHARGE_ON_AUTHORIZED] = { .state = CHARGE_REFUNDED },
            [CHARGE_ON_DECLINED] = { .state = CHARGE_REFUNDED },
            [CHARGE_ON_CANCELLED] = { .state = CHARGE_REFUNDED },
            [CHARGE_ON_NUDGED] = { .state = CHARGE_REFUNDED, .emit = "payment.refunded" },
        },
    };

    return decisions[state][event];
}
