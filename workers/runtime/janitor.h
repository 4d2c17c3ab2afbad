/* janitor.h - keeps a service's inbox from growing for ever, and looks at what lies in its tables. */
#pragma once

#include "io/pg.h"
#include "workers/runtime/stats.h"

enum {
    HOUR_MS = 3600000,
    RETENTION_MARGIN_HOURS = 24, /* an event may be that old when it is claimed, and is kept by its own age */
};

/* One thread at a time. */
struct janitor {
    struct pg *pg;
    struct stats *stats;
    int64_t retention_ms; /* of the inbox */
    int64_t purge_at_ms, look_at_ms;
    struct arena arena; /* of one call; owned by the user, who frees it at the end */
};

/* Does what is due, a small piece at a time, and returns soon. */
void janitor_turn(struct janitor *janitor);

/* Whether the inbox remembers events for longer than Kafka can bring them again. */
MUST_CHECK bool janitor_retention_fits(int64_t inbox_hours, int64_t topic_hours, struct fault *fault);
