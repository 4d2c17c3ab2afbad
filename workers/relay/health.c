/* health.c - what a relay tells about itself; called from the health port's own thread. */
#include "workers/relay/health.h"
#include "base/clock.h"

#include <stdio.h>

enum { BEAT_MAX_MS = 30000 };

static bool alive(void *context)
{
    const struct relay *relay = context;

    return clock_mono_ms() - relay->stats.beat_ms < BEAT_MAX_MS;
}

/* A standby is ready too: it could lead within a second. */
static bool ready(void *context, struct buf *detail)
{
    const struct relay *relay = context;
    bool database = relay->stats.database_up;

    buf_printf(detail, "{\"database\":\"%s\",\"role\":\"%s\"}", database ? "up" : "down",
               relay->stats.leads ? "leader" : "standby");
    return database;
}

static void metrics(void *context, struct buf *out)
{
    const struct relay *relay = context;
    const struct relay_stats *stats = &relay->stats;
    const struct {
        const char *name, *type, *help;
        double value;
    } lines[] = {
        { "outbox_published_total", "counter", "Events that reached Kafka.", (double)stats->published },
        { "outbox_failed_total", "counter", "Deliveries that failed; their events are sent again.", (double)stats->failed },
        { "outbox_parked_total", "counter", "Events that can't be sent, now dead letters.", (double)stats->parked },
        { "outbox_in_flight", "gauge", "Events on their way.", (double)stats->in_flight },
        { "outbox_depth", "gauge", "Events that wait, in flight included; an upper bound.", (double)stats->depth },
        { "outbox_oldest_age_seconds", "gauge", "Age of the event first in line.", (double)stats->oldest_age_ms / 1000 },
        { "relay_leader", "gauge", "1 where this relay serves the outbox, 0 on standby.", (double)stats->leads },
        { "database_up", "gauge", "1 where the last turn found PostgreSQL, 0 where it did not.",
          (double)stats->database_up },
        { "relay_terms_total", "counter", "Times this relay took the lead.", (double)stats->terms },
    };

    char labels[64];

    snprintf(labels, sizeof labels, "service=\"%s\"", relay->options.service);
    metric_build(out, "outbox-relay", relay->options.service);
    metric_process(out, relay->options.service);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        metric_head(out, lines[i].name, lines[i].type, lines[i].help);
        buf_printf(out, "%s{%s} %.15g\n", lines[i].name, labels, lines[i].value);
    }
    metric_head(out, "outbox_batch_size", "histogram", "Events a read of the outbox brought.");
    metric_histogram(out, "outbox_batch_size", labels, &metric_sizes, &stats->batch_sizes);
    metric_head(out, "outbox_wait_seconds", "histogram", "From the making of an event to its sending.");
    metric_histogram(out, "outbox_wait_seconds", labels, &metric_age_ms, &stats->waits_ms);
}

struct http_server *relay_health_start(const char *address, int port, struct relay *relay, struct fault *fault)
{
    const struct http_server_probes probes = { .alive = alive, .ready = ready, .metrics = metrics, .context = relay };

    return http_server_start(address, port, &probes, fault);
}
