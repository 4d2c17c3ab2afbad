/* payment_simulator.h - a gateway that keeps no books and answers at once: it is asked inside the transaction that records
 * the answer, unless a delay is wanted. */
#pragma once

#include "base/uuid.h"

struct payment_simulator {
    int64_t decline_over_minor;   /* declines amounts above, whatever their currency */
    bool declines_a_customer;     /* declines all of DECLINE_CUSTOMER */
    struct uuid decline_customer; /* likewise */
    int64_t decline_permille;     /* declines so many of a thousand orders */
    int64_t seed;                 /* by which those are chosen */
};

/* Why the charge is declined, one word; NULL: it is authorized. The same order gets the same answer however often it is
 * asked, in whatever order. Pure. */
const char *payment_simulate(const struct payment_simulator *simulator, const struct uuid *order_id,
                             const struct uuid *customer_id, int64_t amount_minor);
