/* effect_pump.h - a thread beside the consumer that makes the calls which wait in table `effect`: leases rows that are due,
 * calls, and records what came of it. Any number of workers may pump one schema. */
#pragma once

#include "workers/runtime/effect.h"
#include "workers/runtime/stats.h"

struct effect_pump;

/* Strings have to outlive the pump. */
struct effect_pump_options {
    const char *database_url, *application;
    int sql_timeout_ms;
    size_t in_flight; /* calls of each kind at once */
    int attempts;     /* of a call, before it is given up */
    int call_ms; /* deadline of an attempt with all its transfers; a lease lasts twice as long and a second, so that there is
                    time to record, over a short absence of the database too */
    int retry_first_ms, retry_max_ms;
    struct stats *stats;
};

/* Starts the thread, on a database connection of its own. */
struct effect_pump *effect_pump_start(const struct effect_pump_options *options);

/* There are new rows. Any thread. */
void effect_pump_wake(struct effect_pump *pump);

/* Leases no more, gives calls under way up to WAIT_MS to end, records what can be recorded, gives the other leases back, and
 * joins the thread; NULL is fine. */
void effect_pump_stop(struct effect_pump *pump, int wait_ms);
