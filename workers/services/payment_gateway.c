/* payment_gateway.c - the simulator. */
#include "workers/services/payment_gateway.h"

static struct gateway_answer simulate_charge(const struct gateway *gateway, const struct uuid *order_id,
                                             int64_t amount_minor, const char *currency)
{
    (void)order_id;
    (void)currency;
    if (amount_minor > gateway->decline_over_minor)
        return (struct gateway_answer){ .reason = "amount_over_limit" };
    return (struct gateway_answer){ .authorized = true };
}

struct gateway gateway_simulator(int64_t decline_over_minor)
{
    return (struct gateway){ .charge = simulate_charge, .decline_over_minor = decline_over_minor };
}
