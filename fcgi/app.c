/* app.c - wiring: the batchers, and the way of a request from its thread to its handler. */
#include "fcgi/app.h"
#include "base/clock.h"
#include "base/log.h"
#include "fcgi/handlers.h"
#include "fcgi/router.h"
#include <stdlib.h>

enum {
    LOCK_TIMEOUT_MS = 1000, /* rows of an order are held for milliseconds */
    PROBE_TIMEOUT_MS = 500, /* a database slower than that takes no orders */
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

bool app_start(struct app *app, const struct app_settings *settings, struct fault *fault)
{
    struct pg_options pg = pg_options(settings, settings->sql_timeout_ms);
    int queue_max = (int)settings->queue_max;
    int batch_max = (int)settings->batch_max;
    struct metrics *metrics;

    *app = (struct app){ .settings = settings, .metrics = metrics_open(settings->metrics_file, fault) };
    if (!app->metrics)
        return false;
    metrics = metrics_own(app->metrics);
    app->writers = batcher_new(&(struct batcher_options){ "writers", (int)settings->writers, batch_max, queue_max, pg,
                                                          create_batch, app, metrics, METRICS_WRITERS },
                               fault);
    if (!app->writers)
        return false;
    app->readers = batcher_new(&(struct batcher_options){ "readers", (int)settings->readers, batch_max, queue_max, pg,
                                                          read_batch, app, metrics, METRICS_READERS },
                               fault);
    if (!app->readers)
        return false;
    app->queries = batcher_new(&(struct batcher_options){ "queries", (int)settings->query_threads, 1, queue_max, pg,
                                                          query_batch, app, metrics, METRICS_QUERIES },
                               fault);
    if (!app->queries)
        return false;
    pg = pg_options(settings, PROBE_TIMEOUT_MS);
    app->probes =
        batcher_new(&(struct batcher_options){ "probes", 1, 1, 1, pg, probe_batch, app, metrics, METRICS_PROBES }, fault);
    if (!app->probes)
        return false;
    app->backlog = backlog_new(&pg, settings->outbox_max, fault);
    return app->backlog != NULL;
}

void app_stop(struct app *app)
{
    batcher_free(app->writers);
    batcher_free(app->readers);
    batcher_free(app->queries);
    batcher_free(app->probes);
    backlog_free(app->backlog);
    free((void *)atomic_load(&app->secret));
    metrics_close(app->metrics);
}

/* What a thread has of its own. */
struct thread {
    struct app *app;
    struct redis *redis;
};

void *app_thread_enter(void *context)
{
    struct app *app = context;
    struct thread *own = calloc(1, sizeof *own);
    struct fault fault = { 0 };

    if (!own)
        abort(); /* at the start of the process: nothing is in work */
    own->app = app;
    own->redis = redis_new(app->settings->redis_url, (int)app->settings->redis_timeout_ms, &fault);
    return own;
}

void app_thread_leave(void *context)
{
    struct thread *own = context;

    redis_free(own->redis);
    free(own);
}

void app_thread_answer(void *context, const struct request *request, struct response *response)
{
    struct thread *own = context;
    struct call call = {
        .app = own->app,
        .redis = own->redis,
        .arena = request->arena,
        .request = request,
        .response = response,
        .deadline_ms = clock_mono_ms() + own->app->settings->request_timeout_ms,
    };
    int64_t begun_us = clock_mono_us();
    struct route_match match;

    switch (route_find(request->method, request->path, &match)) {
    case ROUTE_FOUND:
        call.base = match.base;
        call.id = match.id;
        match.handle(&call);
        break;
    case ROUTE_NOT_ALLOWED:
        call_refuse(&call, PROBLEM_METHOD_NOT_ALLOWED, arena_printf(call.arena, "This path answers %s.", match.allow), NULL);
        response_header(response, "Allow", arena_printf(call.arena, "%s", match.allow));
        break;
    case ROUTE_UNKNOWN:
        call_refuse(&call, PROBLEM_NOT_FOUND, TEXT("There is nothing at this path."), NULL);
        break;
    }
    metrics_answer(metrics_own(own->app->metrics), match.route, response->status, clock_mono_us() - begun_us);
}
