#include "workers/services/payment_simulator.h"
#include "io/digest.h"

/* 0 to 999, evenly over orders. */
static int64_t draw(int64_t seed, const struct uuid *order_id)
{
    const struct text parts[] = { { (const char *)&seed, sizeof seed }, { (const char *)order_id, sizeof *order_id } };
    struct digest digest = digest_parts(parts, ARRAY_LEN(parts));
    uint32_t number;

    memcpy(&number, digest.bytes, sizeof number);
    return number % 1000;
}

const char *payment_simulate(const struct payment_simulator *simulator, const struct uuid *order_id,
                             const struct uuid *customer_id, int64_t amount_minor)
{
    if (amount_minor > simulator->decline_over_minor)
        return "amount_over_limit";
    if (simulator->declines_a_customer && uuid_equal(customer_id, &simulator->decline_customer))
        return "customer_blocked";
    if (simulator->decline_permille > 0 && draw(simulator->seed, order_id) < simulator->decline_permille)
        return "card_declined";
    return NULL;
}
