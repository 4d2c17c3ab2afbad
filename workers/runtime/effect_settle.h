/* effect_settle.h - outcomes of calls into the database, each with what it changes in one transaction. */
#pragma once

#include "store/effects.h"
#include "workers/runtime/effect.h"
#include "workers/runtime/service.h"

/* One outcome. Its lease tells whether it is still this pump's to record. */
struct outcome {
    const struct effect *effect;
    const struct json_doc *answer; /* root NULL: none */
    int64_t lease;
};

/* Records OUTCOMES, all of kinds with the settle SETTLE: calls it with those whose lease still holds, in a transaction that
 * also ends their rows. One that it rejects, or that fails for reasons of its own, is given up alone. ARENA is reset.
 * CREATED grows by the calls that the settle asked for.
 *
 * True: all of them are recorded, here or in other hands. False: FAULT may pass, the same can be tried again. */
MUST_CHECK bool effect_settle(struct pg *pg, struct arena *arena, handler *settle, const struct outcome *outcomes,
                              size_t count, uint64_t *created, struct fault *fault);
