/* fulfillment_carrier.h - who takes the parcels. */
#pragma once

#include "base/arena.h"
#include "base/uuid.h"

struct carrier_answer {
    struct text tracking_number; /* ptr NULL: refused */
    const char *reason;          /* of a refusal, one word */
};

/* A carrier as the service sees it. SHIP answers out of the process and keeps no books, so it is asked inside the
 * transaction that records its answer: at once, or DELAY_MS after the question, which waits in table `effect` meanwhile. A
 * carrier over a network has a call of its own there instead (workers/runtime/effect.h). */
struct carrier {
    const char *name; /* in events */
    int64_t delay_ms;
    struct carrier_answer (*ship)(const struct carrier *carrier, struct arena *arena, const struct uuid *order_id,
                                  struct text country);

    /* The simulator's. */
    const char *refuse_country;
    int64_t refuse_permille;
    int64_t seed;
};

/* Refuses parcels to REFUSE_COUNTRY (in any case of its letters), and REFUSE_PERMILLE of a thousand others, which ones being
 * SEED's choice. Answers and tracking numbers follow from the order id: the same order gets the same ones however often it
 * is asked. */
struct carrier carrier_simulator(const char *refuse_country, int64_t refuse_permille, int64_t seed, int64_t delay_ms);
