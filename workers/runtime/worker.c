/* worker.c - main of every worker-<service>: settings, the loop from Kafka to the database, and the way out. */
#include "base/backoff.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/settings.h"
#include "base/stop.h"
#include "io/otlp.h"
#include "workers/runtime/apply.h"
#include "workers/runtime/effect_pump.h"
#include "workers/runtime/health.h"
#include "workers/runtime/janitor.h"
#include "workers/runtime/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum {
    POLL_WAIT_MS = 250,  /* for the first message: also how late a stop or a tick is noticed */
    POLL_LINGER_MS = 2,  /* for more of them */
    PAUSE_FIRST_MS = 50, /* before the first repeat, doubling */
    PAUSE_MAX_MS = 5000,
    PAUSE_SLICE_MS = 200,   /* how late a stop is noticed while pausing */
    REPLAY_EVERY_MS = 2000, /* looks for dead letters to be replayed; also how late a lost database is noticed */
    SPARE_AFTER_MS = 30000, /* without a partition for so long: a spare member of its group */
    STOP_WAIT_MS = 5000,    /* for the group to let go */
    EXIT_CONFIG = 78,       /* as settings_read */
};

struct worker_settings {
    const char *database_url;
    const char *brokers;
    const char *security;
    const char *group;
    const char *health_address;
    int64_t health_port;
    int64_t batch_max;
    int64_t sql_timeout_ms;
    int64_t session_timeout_ms;
    int64_t topic_retention_hours;
    int64_t inbox_retention_hours;
    int64_t log_level;
    const char *otlp_endpoint;
    const char *otlp_headers;
    int64_t effects_in_flight, effect_attempts, effect_call_ms, effect_retry_first_ms, effect_retry_max_ms;
};

#define AT(member) offsetof(struct worker_settings, member)

struct worker {
    struct worker_settings settings;
    struct pg *pg;
    struct kafka_consumer *consumer;
    struct stats stats;
    struct apply apply;
    struct effect_pump *pump; /* NULL for a service without effects */
    uint64_t effects_told;    /* of those committed, the pump knows */
    struct janitor janitor;
    struct kafka_record *records; /* batch_max of each */
    struct delivery *deliveries;
    struct arena arena;  /* of the batch at hand: what was decoded */
    unsigned generation; /* of the partitions when it was polled */
    int64_t started_ms, tick_at_ms, replay_at_ms;
};

/* ---- settings ---- */

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (!memory)
        abort();
    return memory;
}

/* The last lines of the table below are for services with effects. */
enum { EFFECT_SETTINGS = 5 };

/* The runtime's table with the service's behind it: values of both go into one block, the service's then on to its own. */
static void read_settings(const char *name, const char *group, int argc, char **argv, struct worker_settings *into)
{
    const struct setting own[] = {
        { "DATABASE_URL", SETTING_SECRET, AT(database_url), NULL, 0, 0,
          "the service's role and database, postgresql://..." },
        { "KAFKA_BROKERS", SETTING_TEXT, AT(brokers), NULL, 0, 0, "host:port,... to start from" },
        { "KAFKA_SECURITY_FILE", SETTING_TEXT, AT(security), "", 0, 0,
          "file with librdkafka's security.*, sasl.* and ssl.*, a name = value a line; none: plain text" },
        { "KAFKA_GROUP", SETTING_TEXT, AT(group), group, 0, 0, "consumer group; its members share the partitions" },
        { "HEALTH_ADDRESS", SETTING_TEXT, AT(health_address), "127.0.0.1", 0, 0, "where the health port listens" },
        { "HEALTH_PORT", SETTING_INT, AT(health_port), "0", 0, 65535, "/liveness, /readiness, /metrics; 0: none" },
        { "BATCH_MAX", SETTING_INT, AT(batch_max), "500", 1, 10000, "messages handled together at the most" },
        { "SQL_TIMEOUT_MS", SETTING_INT, AT(sql_timeout_ms), "10000", 100, 300000, "deadline of one SQL call" },
        { "SESSION_TIMEOUT_MS", SETTING_INT, AT(session_timeout_ms), "10000", 6000, 300000,
          "silence after which the group goes on without this member" },
        { "TOPIC_RETENTION_HOURS", SETTING_INT, AT(topic_retention_hours), "168", 1, 876000,
          "how long Kafka keeps events; what make-topics was told" },
        { "INBOX_RETENTION_HOURS", SETTING_INT, AT(inbox_retention_hours), "336", 25, 876024,
          "how long applied events are remembered, so that they are not applied again; a day more than Kafka's, or longer" },
        { "LOG_LEVEL", SETTING_LEVEL, AT(log_level), "info", 0, 0, "debug, info, warn or error" },
        { "OTEL_EXPORTER_OTLP_ENDPOINT", SETTING_TEXT, AT(otlp_endpoint), "", 0, 0,
          "http(s)://collector:4318 that spans go to, as OTLP/HTTP in JSON; none: no spans" },
        { "OTEL_EXPORTER_OTLP_HEADERS", SETTING_SECRET, AT(otlp_headers), "", 0, 0, "name=value,... sent along with spans" },
        { "EFFECTS_IN_FLIGHT", SETTING_INT, AT(effects_in_flight), "64", 1, 1000,
          "calls of each kind to the world outside, at once" },
        { "EFFECT_ATTEMPTS", SETTING_INT, AT(effect_attempts), "20", 1, 1000, "of a call, before it is given up" },
        { "EFFECT_CALL_MS", SETTING_INT, AT(effect_call_ms), "30000", 100, 600000, "deadline of an attempt" },
        { "EFFECT_RETRY_FIRST_MS", SETTING_INT, AT(effect_retry_first_ms), "500", 1, 600000,
          "pause after the first attempt that failed, doubling" },
        { "EFFECT_RETRY_MAX_MS", SETTING_INT, AT(effect_retry_max_ms), "60000", 1, 86400000, "the longest such pause" },
    };
    size_t own_count = ARRAY_LEN(own) - (service.effect_count > 0 ? 0 : EFFECT_SETTINGS);
    size_t count = own_count + service.setting_count;
    struct setting *table = allocate(count, sizeof *table);
    size_t extra = 0;
    char *values;

    memcpy(table, own, own_count * sizeof *table);
    for (size_t i = 0; i < service.setting_count; i++) {
        const struct setting *setting = &service.settings[i];
        size_t end = setting->offset +
                     (setting->kind == SETTING_INT || setting->kind == SETTING_LEVEL ? sizeof(int64_t) : sizeof(char *));

        table[own_count + i] = *setting;
        table[own_count + i].offset += sizeof *into;
        extra = end > extra ? end : extra;
    }

    values = allocate(1, sizeof *into + extra);
    settings_read(&(struct program){ name, "carries the events of one service from Kafka into its schema", table, count },
                  argc, argv, values);
    memcpy(into, values, sizeof *into);
    if (extra > 0)
        memcpy(service.settings_into, values + sizeof *into, extra);
    free(values);
    free(table);
}

/* ---- between batches ---- */

static void beat(struct worker *worker)
{
    struct stats *stats = &worker->stats;

    stats->beat_ms = clock_mono_ms();
    if (!stats->joined && (kafka_assigned(worker->consumer) > 0 || stats->beat_ms - worker->started_ms > SPARE_AFTER_MS))
        stats->joined = true;
}

static void tick(struct worker *worker)
{
    struct fault fault = { 0 };

    if (!service.tick || clock_left_ms(worker->tick_at_ms) > 0)
        return;
    worker->tick_at_ms = clock_mono_ms() + service.tick_ms;
    worker->stats.database_ok = apply_tick(&worker->apply, &fault);
    if (!worker->stats.database_ok)
        log_warn("tick: %s: %s", fault_kind_name(fault.kind), fault.detail);
}

/* Without work this is also what notices that the database is gone, or back. */
static void replay(struct worker *worker)
{
    struct fault fault = { 0 };
    size_t count;

    if (clock_left_ms(worker->replay_at_ms) > 0)
        return;
    worker->generation = kafka_generation(worker->consumer);
    worker->stats.database_ok = replay_letters(&worker->apply, &count, &fault);
    worker->replay_at_ms = clock_mono_ms() + (count < REPLAY_MAX ? REPLAY_EVERY_MS : 0);
    if (!worker->stats.database_ok)
        log_warn("database: %s: %s", fault_kind_name(fault.kind), fault.detail);
}

/* New rows are called for at once. */
static void tell_pump(struct worker *worker)
{
    if (worker->apply.effects == worker->effects_told)
        return;
    worker->effects_told = worker->apply.effects;
    effect_pump_wake(worker->pump);
}

/* ---- a batch ---- */

/* Lets go of the batch when the partitions moved on or the process has to stop: others, or the next start, read it again. */
static bool pause_before_repeat(void *context, const struct fault *fault, int attempt)
{
    struct worker *worker = context;
    int wait_ms = backoff_ms(attempt, PAUSE_FIRST_MS, PAUSE_MAX_MS);
    int64_t until_ms = clock_mono_ms() + wait_ms;

    worker->stats.database_ok = false;
    log_write(attempt > 3 ? LOG_ERROR : LOG_WARN, NULL, "try %d failed, the next in %d ms: %s %s: %s", attempt, wait_ms,
              fault_kind_name(fault->kind), fault->code, fault->detail);
    for (int left; (left = clock_left_ms(until_ms)) > 0 && !stop_requested();) {
        kafka_keep_alive(worker->consumer, left < PAUSE_SLICE_MS ? left : PAUSE_SLICE_MS);
        beat(worker);
    }
    return !stop_requested() && kafka_generation(worker->consumer) == worker->generation;
}

static void take(struct worker *worker, size_t count)
{
    int64_t begun_us = clock_mono_us();

    (void)failpoint_hit("worker.after_poll");
    for (size_t i = 0; i < count; i++)
        delivery_decode(&worker->records[i], &worker->arena, &worker->deliveries[i]);
    if (apply_batch(&worker->apply, worker->deliveries, count)) {
        worker->stats.database_ok = true;
        (void)failpoint_hit("worker.before_offsets");
        kafka_done(worker->consumer, worker->records, count);
        (void)failpoint_hit("worker.after_offsets");
    } else {
        log_warn("let go of a batch of %zu messages: they will be read again", count);
    }
    delivery_free(worker->deliveries, count);
    kafka_release(worker->records, count);
    arena_reset(&worker->arena);

    stat_batch(&worker->stats, count, clock_mono_us() - begun_us);
}

static void loop(struct worker *worker)
{
    size_t max = (size_t)worker->settings.batch_max;

    while (!stop_requested()) {
        size_t count;

        tick(worker);
        replay(worker);
        janitor_turn(&worker->janitor);
        count = kafka_poll(worker->consumer, worker->records, max, POLL_WAIT_MS, POLL_LINGER_MS);

        worker->generation = kafka_generation(worker->consumer);
        beat(worker);
        if (count > 0)
            take(worker, count);
        tell_pump(worker);
    }
}

/* ---- start and stop ---- */

static bool start(struct worker *worker, const char *name, struct fault *fault)
{
    const struct worker_settings *settings = &worker->settings;
    size_t max = (size_t)settings->batch_max;

    worker->records = allocate(max, sizeof *worker->records);
    worker->deliveries = allocate(max, sizeof *worker->deliveries);
    worker->stats.events = allocate(service.handle_count + 1, sizeof *worker->stats.events);
    worker->stats.ages = allocate(service.handle_count + 1, sizeof *worker->stats.ages);
    worker->stats.effects = allocate(service.effect_count + 1, sizeof *worker->stats.effects);
    worker->started_ms = clock_mono_ms();
    worker->pg = pg_new(&(struct pg_options){
        .url = settings->database_url,
        .application = name,
        .schema = service.schema,
        .call_timeout_ms = (int)settings->sql_timeout_ms,
    });
    worker->apply = (struct apply){
        .pg = worker->pg,
        .stats = &worker->stats,
        .pause = pause_before_repeat,
        .context = worker,
    };
    worker->janitor = (struct janitor){
        .pg = worker->pg,
        .stats = &worker->stats,
        .retention_ms = settings->inbox_retention_hours * HOUR_MS,
    };
    worker->consumer = kafka_consumer_new(
        &(struct kafka_consumer_options){
            .brokers = settings->brokers,
            .group = settings->group,
            .client_id = name,
            .topics = service.topics,
            .session_timeout_ms = (int)settings->session_timeout_ms,
        },
        fault);
    return worker->consumer != NULL;
}

static void start_pump(struct worker *worker, const char *name)
{
    const struct worker_settings *settings = &worker->settings;

    if (service.effect_count == 0)
        return;
    worker->pump = effect_pump_start(&(struct effect_pump_options){
        .database_url = settings->database_url,
        .application = name,
        .sql_timeout_ms = (int)settings->sql_timeout_ms,
        .in_flight = (size_t)settings->effects_in_flight,
        .attempts = (int)settings->effect_attempts,
        .call_ms = (int)settings->effect_call_ms,
        .retry_first_ms = (int)settings->effect_retry_first_ms,
        .retry_max_ms = (int)settings->effect_retry_max_ms,
        .stats = &worker->stats,
    });
}

static void end(struct worker *worker)
{
    effect_pump_stop(worker->pump, STOP_WAIT_MS);
    kafka_consumer_free(worker->consumer, STOP_WAIT_MS);
    otlp_stop(STOP_WAIT_MS);
    pg_free(worker->pg);
    arena_free(&worker->janitor.arena);
    arena_free(&worker->apply.arena);
    arena_free(&worker->arena);
    free(worker->stats.events);
    free(worker->stats.ages);
    free(worker->stats.effects);
    free(worker->deliveries);
    free(worker->records);
}

int main(int argc, char **argv)
{
    static char name[64], group[64];
    static struct worker worker;
    struct health health = { .stats = &worker.stats };
    struct http_server *server = NULL;
    struct fault fault = { 0 };
    bool started;

    snprintf(name, sizeof name, "worker-%s", service.name);
    snprintf(group, sizeof group, "orderline-%s", service.name);
    read_settings(name, group, argc, argv, &worker.settings);
    log_start(name, (enum log_level)worker.settings.log_level);
    failpoint_init();
    stop_init();
    if (service.start && !service.start(&fault)) {
        fprintf(stderr, "%s\n", fault.detail);
        return EX_CONFIG;
    }

    if (!janitor_retention_fits(worker.settings.inbox_retention_hours, worker.settings.topic_retention_hours, &fault)) {
        log_error("cannot start: %s", fault.detail);
        return EXIT_CONFIG;
    }
    if (!kafka_security_read(worker.settings.security, &fault)) {
        log_error("KAFKA_SECURITY_FILE: %s", fault.detail);
        return EXIT_CONFIG;
    }
    if (!otlp_start(&(struct otlp_options){ worker.settings.otlp_endpoint, worker.settings.otlp_headers, name }, &fault)) {
        log_error("cannot start: %s", fault.detail);
        return EXIT_CONFIG;
    }
    started = start(&worker, name, &fault);
    health.consumer = worker.consumer;
    if (started && worker.settings.health_port > 0) {
        beat(&worker);
        server = health_start(worker.settings.health_address, (int)worker.settings.health_port, &health, &fault);
        started = server != NULL;
    }
    if (started) {
        log_info("started: group %s, batches of up to %d", worker.settings.group, (int)worker.settings.batch_max);
        start_pump(&worker, name);
        loop(&worker);
        log_info("stopping");
    } else {
        log_error("cannot start: %s", fault.detail);
    }
    http_server_stop(server);
    end(&worker);
    return started ? EXIT_SUCCESS : EXIT_FAILURE;
}
