/* fulfillment_carrier.h - who takes the parcels. */
#pragma once

#include "base/arena.h"
#include "base/uuid.h"

struct carrier_answer {
    struct text tracking_number; /* ptr NULL: refused */
    const char *reason;          /* of a refusal, one word */
};

/* A carrier that answers at once and keeps no books of its own, so it is asked inside the transaction that records the
 * answer. Carriers over a network go through table `effect` instead. */
struct carrier {
    const char *name; /* in events */
    struct carrier_answer (*ship)(const struct carrier *carrier, struct arena *arena, const struct uuid *order_id,
                                  struct text country);
    const char *refuse_country; /* the simulator's */
};

/* Refuses parcels to REFUSE_COUNTRY (in any case of its letters) and nothing else. The tracking number follows from the
 * order id: the same order gets the same answer however often it is asked. */
struct carrier carrier_simulator(const char *refuse_country);
