/* janitor.c - see janitor.h. A failure is logged and tried again later: nothing waits for it. */
#include "workers/runtime/janitor.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/inbox.h"

#include <inttypes.h>

enum {
    PURGE_MAX = 5000,       /* rows at a time: milliseconds */
    PURGE_EVERY_MS = 60000, /* once there are fewer */
    LOOK_EVERY_MS = 15000,
};

static void purge(struct janitor *janitor)
{
    struct fault fault = { 0 };
    int purged = 0;

    if (clock_left_ms(janitor->purge_at_ms) > 0)
        return;
    if (!inbox_purge(janitor->pg, &janitor->arena, janitor->retention_ms, PURGE_MAX, &purged, &fault))
        log_warn("inbox purge: %s: %s", fault_kind_name(fault.kind), fault.detail);
    stat_add(&janitor->stats->purged, (uint64_t)purged);
    janitor->purge_at_ms = clock_mono_ms() + (purged < PURGE_MAX ? PURGE_EVERY_MS : 0);
}

static void look(struct janitor *janitor)
{
    struct runtime_sizes sizes;
    struct fault fault = { 0 };

    if (clock_left_ms(janitor->look_at_ms) > 0)
        return;
    janitor->look_at_ms = clock_mono_ms() + LOOK_EVERY_MS;
    if (!runtime_sizes(janitor->pg, &sizes, &fault)) {
        log_warn("sizes: %s: %s", fault_kind_name(fault.kind), fault.detail);
        return;
    }
    janitor->stats->inbox_rows = sizes.inbox_rows;
    janitor->stats->letters = sizes.letters;
    janitor->stats->letters_held = sizes.held;
}

void janitor_turn(struct janitor *janitor)
{
    purge(janitor);
    look(janitor);
    arena_reset(&janitor->arena);
}

bool janitor_retention_fits(int64_t inbox_hours, int64_t topic_hours, struct fault *fault)
{
    if (inbox_hours >= topic_hours + RETENTION_MARGIN_HOURS)
        return true;
    return fault_set(fault, FAULT_PERMANENT, "retention",
                     "INBOX_RETENTION_HOURS=%" PRId64 " is too short: an event could come again after it is forgotten; take "
                     "TOPIC_RETENTION_HOURS + %d = %" PRId64 " or more",
                     inbox_hours, RETENTION_MARGIN_HOURS, topic_hours + RETENTION_MARGIN_HOURS);
}
