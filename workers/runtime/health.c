/* health.c - what a worker tells about itself; called from the health port's own thread. */
#include "workers/runtime/health.h"
#include "base/clock.h"
#include "workers/runtime/effect.h"

#include <inttypes.h>

enum { BEAT_MAX_MS = 30000 };

static const char *const result_names[EVENT_RESULTS] = {
    [EVENT_APPLIED] = "applied",
    [EVENT_DUPLICATE] = "duplicate",
    [EVENT_HELD] = "held",
    [EVENT_DEAD] = "dead",
};

static bool alive(void *context)
{
    const struct health *health = context;

    return clock_mono_ms() - health->stats->beat_ms < BEAT_MAX_MS;
}

/* A member of a group with more members than partitions has none and stands by: ready as well. */
static bool ready(void *context, struct buf *detail)
{
    const struct health *health = context;
    bool database = health->stats->database_ok;
    bool joined = health->stats->joined;

    buf_printf(detail, "{\"database\":\"%s\",\"kafka\":\"%s\",\"partitions\":%d}", database ? "up" : "down",
               joined ? "joined" : "joining", kafka_assigned(health->consumer));
    return database && joined;
}

void metric_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void events(const struct health *health, struct buf *out)
{
    metric_head(out, "worker_events_total", "counter", "Events taken, by what became of them.");
    for (size_t row = 0; row <= service.handle_count; row++)
        for (int result = 0; result < EVENT_RESULTS; result++)
            buf_printf(out, "worker_events_total{service=\"%s\",type=\"%s\",result=\"%s\"} %" PRIu64 "\n", service.name,
                       row < service.handle_count ? service.handles[row].type : "unreadable", result_names[result],
                       stat_get(&health->stats->events[row][result]));
}

static void effects(const struct health *health, struct buf *out)
{
    const struct effect_stats *of = health->stats->effects;

    if (service.effect_count == 0)
        return;
    metric_head(out, "worker_effects_total", "counter", "Calls to the world outside, by what became of the attempt.");
    for (size_t i = 0; i < service.effect_count; i++) {
        const struct {
            const char *result;
            uint64_t count;
        } lines[] = { { "done", of[i].done }, { "again", of[i].again }, { "gave_up", of[i].gave_up } };

        for (size_t j = 0; j < ARRAY_LEN(lines); j++)
            buf_printf(out, "worker_effects_total{service=\"%s\",kind=\"%s\",result=\"%s\"} %" PRIu64 "\n", service.name,
                       service.effects[i].name, lines[j].result, lines[j].count);
    }
    metric_head(out, "worker_effects", "gauge",
                "Calls to the world outside that this worker makes, and rows of the schema.");
    for (size_t i = 0; i < service.effect_count; i++) {
        const struct {
            const char *state;
            int64_t count;
        } lines[] = { { "in_flight", of[i].in_flight }, { "waiting", of[i].waiting }, { "gave_up", of[i].parked } };

        for (size_t j = 0; j < ARRAY_LEN(lines); j++)
            buf_printf(out, "worker_effects{service=\"%s\",kind=\"%s\",state=\"%s\"} %" PRId64 "\n", service.name,
                       service.effects[i].name, lines[j].state, lines[j].count);
    }
}

static void metrics(void *context, struct buf *out)
{
    const struct health *health = context;
    const struct stats *stats = health->stats;
    const char *name = service.name;
    int64_t lag = kafka_lag(health->consumer);

    events(health, out);
    effects(health, out);
    metric_head(out, "worker_retries_total", "counter", "Transactions repeated after a fault that may pass.");
    buf_printf(out, "worker_retries_total{service=\"%s\"} %" PRIu64 "\n", name, stat_get(&stats->retries));
    metric_head(out, "worker_batch_size", "summary", "Messages a poll brought.");
    buf_printf(out, "worker_batch_size_sum{service=\"%s\"} %" PRIu64 "\n", name, stat_get(&stats->batch_events));
    buf_printf(out, "worker_batch_size_count{service=\"%s\"} %" PRIu64 "\n", name, stat_get(&stats->batches));
    metric_head(out, "worker_batch_duration_seconds", "summary", "From a poll to its offsets.");
    buf_printf(out, "worker_batch_duration_seconds_sum{service=\"%s\"} %.6f\n", name,
               (double)stat_get(&stats->batch_us) / 1e6);
    buf_printf(out, "worker_batch_duration_seconds_count{service=\"%s\"} %" PRIu64 "\n", name, stat_get(&stats->batches));
    metric_head(out, "kafka_assigned_partitions", "gauge", "Partitions this member reads.");
    buf_printf(out, "kafka_assigned_partitions{service=\"%s\"} %d\n", name, kafka_assigned(health->consumer));
    if (lag >= 0) {
        metric_head(out, "kafka_consumer_lag", "gauge",
                    "Messages between this member's position and the end of its partitions.");
        buf_printf(out, "kafka_consumer_lag{service=\"%s\"} %" PRId64 "\n", name, lag);
    }
    if (service.metrics)
        service.metrics(out);
}

struct http_server *health_start(const char *address, int port, struct health *health, struct fault *fault)
{
    const struct http_server_probes probes = {
        .alive = alive,
        .ready = ready,
        .metrics = metrics,
        .context = health,
    };

    return http_server_start(address, port, &probes, fault);
}
