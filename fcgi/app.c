/* app.c - wiring: the batchers, and who works for them. */
#include "fcgi/app.h"
#include "fcgi/handlers.h"
#include "io/otlp.h"
#include <stdlib.h>

enum {
    LOCK_TIMEOUT_MS = 1000, /* rows of an order are held for milliseconds */
    PROBE_TIMEOUT_MS = 500, /* a database slower than that takes no orders */
    STOP_WAIT_MS = 5000,    /* for the last spans to go out */
};

static struct pg_options pg_options(const struct app_settings *settings, int64_t call_timeout_ms)
{
    return (struct pg_options){
        .url = settings->database_url,
        .application = "order-api",
        .schema = "orders",
        .call_timeout_ms = (int)call_timeout_ms,
        .lock_timeout_ms = LOCK_TIMEOUT_MS,
    };
}

static bool start_batchers(struct app *app, struct fault *fault)
{
    const struct app_settings *settings = app->settings;
    struct pg_options pg = pg_options(settings, settings->sql_timeout_ms);
    struct pg_options pg_probes = pg_options(settings, PROBE_TIMEOUT_MS);
    struct metrics *metrics = metrics_own(app->metrics);
    int batch_max = (int)settings->batch_max, queue_max = (int)settings->queue_max;
    int all = (int)settings->requests_max;
    const struct {
        struct batcher **batcher;
        struct batcher_options options;
    } batchers[] = {
        { &app->memory, { "memory", 1, batch_max, all, { .url = NULL }, memory_batch, app, metrics, METRICS_MEMORY } },
        { &app->writers,
          { "writers", (int)settings->writers, batch_max, queue_max, pg, create_batch, app, metrics, METRICS_WRITERS } },
        { &app->readers,
          { "readers", (int)settings->readers, batch_max, queue_max, pg, read_batch, app, metrics, METRICS_READERS } },
        { &app->queries,
          { "queries", (int)settings->query_threads, 1, queue_max, pg, query_batch, app, metrics, METRICS_QUERIES } },
        { &app->probes, { "probes", 1, all, all, pg_probes, probe_batch, app, metrics, METRICS_PROBES } },
    };

    for (size_t i = 0; i < ARRAY_LEN(batchers); i++) {
        *batchers[i].batcher = batcher_new(&batchers[i].options, fault);
        if (!*batchers[i].batcher)
            return false;
    }
    return true;
}

bool app_start(struct app *app, const struct app_settings *settings, struct fault *fault)
{
    struct pg_options pg = pg_options(settings, PROBE_TIMEOUT_MS);
    const struct otlp_options otlp = { settings->otlp_endpoint, settings->otlp_headers, "order-api" };

    *app = (struct app){ .settings = settings };
    if (!otlp_start(&otlp, fault))
        return false;
    app->metrics = metrics_open(settings->metrics_file, fault);
    if (!app->metrics)
        return false;
    app->redis = redis_new(settings->redis_url, (int)settings->redis_timeout_ms, fault);
    app->probe_redis = redis_new(settings->redis_url, (int)settings->redis_timeout_ms, fault);
    if (!app->redis || !app->probe_redis || !start_batchers(app, fault))
        return false;
    app->backlog = backlog_new(&pg, settings->outbox_max, fault);
    return app->backlog != NULL;
}

void app_take(void *context, struct exchange *exchange)
{
    call_take(context, exchange);
}

void app_expire(struct app *app)
{
    batcher_expire(app->memory);
    batcher_expire(app->writers);
    batcher_expire(app->readers);
    batcher_expire(app->queries);
    batcher_expire(app->probes);
}

void app_stop(struct app *app)
{
    batcher_free(app->memory);
    batcher_free(app->writers);
    batcher_free(app->readers);
    batcher_free(app->queries);
    batcher_free(app->probes);
    backlog_free(app->backlog);
    otlp_stop(STOP_WAIT_MS);
    redis_free(app->redis);
    redis_free(app->probe_redis);
    free((void *)atomic_load(&app->secret));
    metrics_close(app->metrics);
}
