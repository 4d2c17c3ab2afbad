/* payment_charge.c - every state against every event. */
#include "workers/services/payment_charge.h"
#include <stddef.h>

const char *const charge_state_names[CHARGE_STATES] = { "new", "authorized", "declined", "cancelled", "refunded" };

bool charge_is_open(enum charge_state state)
{
    return state == CHARGE_NEW;
}

struct charge_decision charge_decide(enum charge_state state, enum charge_event event)
{
    static const struct charge_decision decisions[CHARGE_STATES][CHARGE_EVENTS] = {
        [CHARGE_NEW] = {
            [CHARGE_ON_AUTHORIZED] = { CHARGE_AUTHORIZED, "payment.authorized" },
            [CHARGE_ON_DECLINED] = { CHARGE_DECLINED, "payment.declined" },
            [CHARGE_ON_CANCELLED] = { CHARGE_CANCELLED, NULL },
            [CHARGE_ON_NUDGED] = { CHARGE_NEW, NULL },
        },
        [CHARGE_AUTHORIZED] = {
            [CHARGE_ON_AUTHORIZED] = { CHARGE_AUTHORIZED, NULL },
            [CHARGE_ON_DECLINED] = { CHARGE_AUTHORIZED, NULL },
            [CHARGE_ON_CANCELLED] = { CHARGE_REFUNDED, "payment.refunded" },
            [CHARGE_ON_NUDGED] = { CHARGE_AUTHORIZED, "payment.authorized" },
        },
        [CHARGE_DECLINED] = {
            [CHARGE_ON_AUTHORIZED] = { CHARGE_DECLINED, NULL },
            [CHARGE_ON_DECLINED] = { CHARGE_DECLINED, NULL },
            [CHARGE_ON_CANCELLED] = { CHARGE_DECLINED, NULL }, /* nothing was taken */
            [CHARGE_ON_NUDGED] = { CHARGE_DECLINED, "payment.declined" },
        },
        [CHARGE_CANCELLED] = {
            [CHARGE_ON_AUTHORIZED] = { CHARGE_CANCELLED, NULL },
            [CHARGE_ON_DECLINED] = { CHARGE_CANCELLED, NULL },
            [CHARGE_ON_CANCELLED] = { CHARGE_CANCELLED, NULL },
            [CHARGE_ON_NUDGED] = { CHARGE_CANCELLED, NULL },
        },
        [CHARGE_REFUNDED] = {
            [CHARGE_ON_AUTHORIZED] = { CHARGE_REFUNDED, NULL },
            [CHARGE_ON_DECLINED] = { CHARGE_REFUNDED, NULL },
            [CHARGE_ON_CANCELLED] = { CHARGE_REFUNDED, NULL },
            [CHARGE_ON_NUDGED] = { CHARGE_REFUNDED, "payment.refunded" },
        },
    };

    return decisions[state][event];
}
