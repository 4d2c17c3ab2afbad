/* payment_charge.c - the moves of a charge; whatever is no line here changes nothing. */
#include "workers/services/payment_charge.h"
#include "base/cleanup.h"

const char *const charge_state_names[CHARGE_STATES] = {
    [CHARGE_NEW] = "new",
    [CHARGE_CHARGING] = "charging",
    [CHARGE_CANCELLING] = "cancelling",
    [CHARGE_STALLED] = "stalled",
    [CHARGE_AUTHORIZED] = "authorized",
    [CHARGE_DECLINED] = "declined",
    [CHARGE_CANCELLED] = "cancelled",
    [CHARGE_REFUNDING] = "refunding",
    [CHARGE_REFUNDED] = "refunded",
    [CHARGE_COMPENSATION_FAILED] = "compensation_failed",
};

struct charge_decision charge_decide(enum charge_state state, enum charge_event event)
{
    static const struct {
        enum charge_state from;
        enum charge_event on;
        struct charge_decision decision;
    } moves[] = {
        { CHARGE_NEW, CHARGE_ON_CREATED, { .state = CHARGE_CHARGING, .call = CHARGE_CALL_CHARGE } },
        { CHARGE_NEW, CHARGE_ON_CANCELLED, { .state = CHARGE_CANCELLED } },

        { CHARGE_CHARGING, CHARGE_ON_AUTHORIZED, { .state = CHARGE_AUTHORIZED, .emit = "payment.authorized" } },
        { CHARGE_CHARGING, CHARGE_ON_DECLINED, { .state = CHARGE_DECLINED, .emit = "payment.declined" } },
        { CHARGE_CHARGING, CHARGE_ON_GAVE_UP, { .state = CHARGE_STALLED } },
        { CHARGE_CHARGING, CHARGE_ON_CANCELLED, { .state = CHARGE_CANCELLING } },

        { CHARGE_STALLED, CHARGE_ON_AUTHORIZED, { .state = CHARGE_AUTHORIZED, .emit = "payment.authorized" } },
        { CHARGE_STALLED, CHARGE_ON_DECLINED, { .state = CHARGE_DECLINED, .emit = "payment.declined" } },
        { CHARGE_STALLED, CHARGE_ON_CANCELLED, { .state = CHARGE_COMPENSATION_FAILED } },

        { CHARGE_CANCELLING, CHARGE_ON_AUTHORIZED, { .state = CHARGE_REFUNDING, .call = CHARGE_CALL_REFUND } },
        { CHARGE_CANCELLING, CHARGE_ON_DECLINED, { .state = CHARGE_CANCELLED } },
        { CHARGE_CANCELLING, CHARGE_ON_GAVE_UP, { .state = CHARGE_COMPENSATION_FAILED } },

        { CHARGE_AUTHORIZED, CHARGE_ON_CANCELLED, { .state = CHARGE_REFUNDING, .call = CHARGE_CALL_REFUND } },
        { CHARGE_AUTHORIZED, CHARGE_ON_NUDGED, { .state = CHARGE_AUTHORIZED, .emit = "payment.authorized" } },

        { CHARGE_DECLINED, CHARGE_ON_NUDGED, { .state = CHARGE_DECLINED, .emit = "payment.declined" } },

        { CHARGE_REFUNDING, CHARGE_ON_REFUNDED, { .state = CHARGE_REFUNDED, .emit = "payment.refunded" } },
        { CHARGE_REFUNDING, CHARGE_ON_REFUND_FAILED, { .state = CHARGE_COMPENSATION_FAILED } },

        { CHARGE_REFUNDED, CHARGE_ON_NUDGED, { .state = CHARGE_REFUNDED, .emit = "payment.refunded" } },

        /* an operator had the call made again */
        { CHARGE_COMPENSATION_FAILED, CHARGE_ON_AUTHORIZED, { .state = CHARGE_REFUNDING, .call = CHARGE_CALL_REFUND } },
        { CHARGE_COMPENSATION_FAILED, CHARGE_ON_DECLINED, { .state = CHARGE_CANCELLED } },
        { CHARGE_COMPENSATION_FAILED, CHARGE_ON_REFUNDED, { .state = CHARGE_REFUNDED, .emit = "payment.refunded" } },
    };

    for (size_t i = 0; i < ARRAY_LEN(moves); i++)
        if (moves[i].from == state && moves[i].on == event)
            return moves[i].decision;
    return (struct charge_decision){ .state = state };
}
