/* health.c - what a worker tells about itself; called from the health port's own thread. */
#include "workers/runtime/health.h"
#include "base/clock.h"
#include "io/otlp.h"
#include "workers/runtime/effect.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    BEAT_MAX_MS = 30000,
    LAGS_MAX = 256,
    LABELS_MAX = 120,
};

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

static void dead_letters(const struct stats *stats, struct buf *out)
{
    static const char *const names[DEAD_REASONS] = {
        [DEAD_UNREADABLE] = "unreadable",
        [DEAD_REJECTED] = "rejected",
        [DEAD_REFUSED] = "refused",
    };

    metric_head(out, "worker_deadletters_total", "counter", "Events set aside for their own fault, by reason.");
    for (int reason = 0; reason < DEAD_REASONS; reason++)
        buf_printf(out, "worker_deadletters_total{service=\"%s\",reason=\"%s\"} %" PRIu64 "\n", service.name, names[reason],
                   stat_get(&stats->dead[reason]));
    metric_head(out, "deadletters", "gauge",
                "Received dead letters that lie there: at fault, or held behind one. 10000: or more.");
    buf_printf(out, "deadletters{service=\"%s\",state=\"at_fault\"} %" PRId64 "\n", service.name, stats->letters);
    buf_printf(out, "deadletters{service=\"%s\",state=\"held\"} %" PRId64 "\n", service.name, stats->letters_held);
}

static void batches(const struct stats *stats, struct buf *out)
{
    char labels[LABELS_MAX];

    snprintf(labels, sizeof labels, "service=\"%s\"", service.name);
    metric_head(out, "worker_batch_size", "histogram", "Messages a poll brought.");
    metric_histogram(out, "worker_batch_size", labels, &metric_sizes, &stats->batch_sizes);
    metric_head(out, "worker_batch_duration_seconds", "histogram", "From a poll to its offsets.");
    metric_histogram(out, "worker_batch_duration_seconds", labels, &metric_work_us, &stats->batch_us);
}

static void ages(const struct stats *stats, struct buf *out)
{
    char labels[LABELS_MAX];

    metric_head(out, "worker_order_age_seconds", "histogram", "Age of the order when an event of the type was applied.");
    for (size_t row = 0; row < service.handle_count; row++) {
        snprintf(labels, sizeof labels, "service=\"%s\",type=\"%s\"", service.name, service.handles[row].type);
        metric_histogram(out, "worker_order_age_seconds", labels, &metric_age_ms, &stats->ages[row]);
    }
}

static void lag(const struct health *health, struct buf *out)
{
    struct kafka_lag lags[LAGS_MAX];
    size_t count = kafka_lags(health->consumer, lags, LAGS_MAX);

    metric_head(out, "kafka_assigned_partitions", "gauge", "Partitions this member reads.");
    buf_printf(out, "kafka_assigned_partitions{service=\"%s\"} %d\n", service.name, kafka_assigned(health->consumer));
    metric_head(out, "kafka_expired_total", "counter",
                "How often the next event of a partition was gone before it was read.");
    buf_printf(out, "kafka_expired_total{service=\"%s\"} %" PRIu64 "\n", service.name, kafka_expired(health->consumer));
    metric_head(out, "kafka_consumer_lag", "gauge",
                "Messages between what is done and the end, of each partition of this member.");
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "kafka_consumer_lag{service=\"%s\",topic=\"%s\",partition=\"%d\"} %" PRId64 "\n", service.name,
                   lags[i].topic, lags[i].partition, lags[i].messages);
}

static void metrics(void *context, struct buf *out)
{
    const struct health *health = context;
    const struct stats *stats = health->stats;
    const struct {
        const char *name, *type, *help;
        int64_t value;
    } lines[] = {
        { "worker_retries_total", "counter", "Transactions repeated after a fault that may pass.",
          (int64_t)stat_get(&stats->retries) },
        { "worker_replayed_total", "counter", "Dead letters tried again.", (int64_t)stat_get(&stats->replayed) },
        { "inbox_purged_total", "counter", "Events forgotten by this worker, being older than the inbox remembers.",
          (int64_t)stat_get(&stats->purged) },
        { "inbox_rows", "gauge", "Events the inbox remembers, as PostgreSQL estimates them; -1 before the first vacuum.",
          stats->inbox_rows },
        { "database_up", "gauge", "1 where the last transaction found PostgreSQL, 0 where it did not.", stats->database_ok },
    };
    char program[LABELS_MAX];

    snprintf(program, sizeof program, "worker-%s", service.name);
    metric_build(out, program, service.name);
    metric_process(out, service.name);
    otlp_metrics(out);
    events(health, out);
    effects(health, out);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        metric_head(out, lines[i].name, lines[i].type, lines[i].help);
        buf_printf(out, "%s{service=\"%s\"} %" PRId64 "\n", lines[i].name, service.name, lines[i].value);
    }
    dead_letters(stats, out);
    batches(stats, out);
    ages(stats, out);
    lag(health, out);
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
