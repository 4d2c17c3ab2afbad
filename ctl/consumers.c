#include "ctl/consumers.h"
#include "io/kafka.h"
#include <assert.h>
#include <inttypes.h>

enum { ASK_MS = 15000 };

/* What each group takes: the topics of workers/services/<name>.c, which tests/structure holds this to. */
static const struct {
    const char *group;
    const char *topics[5];
} table[] = {
    { "orderline-order", { "orders", "payments", "inventory", "fulfillment" } },
    { "orderline-payment", { "orders" } },
    { "orderline-inventory", { "orders", "payments" } },
    { "orderline-fulfillment", { "orders" } },
    { "orderline-notification", { "orders" } },
};

bool consumers_read(const struct ctl *ctl, struct consumers *consumers, struct fault *fault)
{
    static_assert(ARRAY_LEN(table) <= ARRAY_LEN(consumers->examples), "an example a group");
    *consumers = (struct consumers){ 0 };
    if (!kafka_security_read(ctl->settings.kafka_security, fault))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct kafka_progress progress;

        if (!kafka_group_progress(ctl->settings.brokers, table[i].group, table[i].topics, ASK_MS, &progress, fault))
            return false;
        consumers->behind += progress.behind + progress.beyond;
        if (progress.behind || progress.beyond)
            consumers->examples[consumers->count++] =
                arena_printf(ctl->arena, "%s: %" PRId64 " messages behind, %" PRId64 " partitions beyond the end",
                             table[i].group, progress.behind, progress.beyond);
    }
    return true;
}
