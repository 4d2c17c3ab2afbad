/* payment_gateway.h - who takes the money. */
#pragma once

#include "base/uuid.h"

struct gateway_answer {
    bool authorized;
    const char *reason; /* one word; NULL when authorized */
};

/* A gateway that answers at once and keeps no books of its own, so it is asked inside the transaction that records the
 * answer, and a refund is that record alone. Gateways over a network go through table `effect` instead. */
struct gateway {
    struct gateway_answer (*charge)(const struct gateway *gateway, const struct uuid *order_id, int64_t amount_minor,
                                    const char *currency);
    int64_t decline_over_minor; /* the simulator's */
};

/* Declines amounts above DECLINE_OVER_MINOR, whatever their currency, and nothing else: the same order gets the same
 * answer however often it is asked. */
struct gateway gateway_simulator(int64_t decline_over_minor);
