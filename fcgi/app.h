/* app.h - what all threads of the process share. */
#pragma once

#include "base/settings.h"
#include "fcgi/backlog.h"
#include "fcgi/batcher.h"
#include "fcgi/fastcgi.h"
#include "fcgi/metrics.h"
#include "io/redis.h"
#include <stdatomic.h>

struct app_settings {
    const char *database_url;
    const char *redis_url;
    int64_t threads;
    int64_t requests_max;
    int64_t writers;
    int64_t readers;
    int64_t query_threads;
    int64_t batch_max;
    int64_t queue_max;
    int64_t outbox_max;
    int64_t redis_timeout_ms;
    int64_t sql_timeout_ms;
    int64_t request_timeout_ms;
    const char *metrics_file;
    const char *otlp_endpoint;
    const char *otlp_headers;
    int64_t log_level;
};

/* One a process. */
struct app {
    const struct app_settings *settings;
    struct metrics_file *metrics;
    struct batcher *memory;              /* struct create: what Redis remembers of it */
    struct batcher *writers;             /* struct create */
    struct batcher *readers;             /* struct read_work */
    struct batcher *queries;             /* struct query_work: one at a time, for what does not batch */
    struct batcher *probes;              /* readiness, with connections and a short deadline of its own */
    struct redis *redis;                 /* of the thread of `memory` */
    struct redis *probe_redis;           /* of the thread of `probes` */
    struct backlog *backlog;             /* closes the door for creates */
    _Atomic(const struct text *) secret; /* signs what Redis remembers; NULL until the first create has fetched it */
};

/* Starts the batchers; FAULT says what could not be started. SETTINGS have to outlive APP. */
MUST_CHECK bool app_start(struct app *app, const struct app_settings *settings, struct fault *fault);

/* Begins the request in EXCHANGE and leads it to its answer; CONTEXT is the struct app. */
void app_take(void *context, struct exchange *exchange);

/* Gives up what has waited past its deadline: to be called every few deciseconds. */
void app_expire(struct app *app);

/* Ends the batchers, in which nothing may be any more; works on a half-started APP as well. */
void app_stop(struct app *app);
