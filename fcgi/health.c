/* health.c - liveness asks nobody; readiness asks PostgreSQL, and looks at Redis and the outbox for people; metrics. */
#include "base/clock.h"
#include "fcgi/handlers.h"
#include "store/outbox.h"
#include <pthread.h>

enum {
    KEPT_MS = 1000,         /* how long a finding answers further questions */
    OUTBOX_LATE_MS = 60000, /* events that wait longer are a sign that Kafka or the relay is away */
};

/* What one look has found. */
struct finding {
    bool postgres;
    bool redis;
    bool kafka; /* as far as the outbox tells */
};

struct probe {
    struct outbox_state outbox;
};

bool probe_batch(void *context, struct pg *pg, struct arena *arena, void *const *works, size_t count, struct fault *fault)
{
    struct outbox_state outbox;

    (void)context;
    (void)arena;
    if (!outbox_state(pg, &outbox, fault))
        return false;
    for (size_t i = 0; i < count; i++)
        ((struct probe *)works[i])->outbox = outbox;
    return true;
}

static struct finding look(struct call *call)
{
    struct probe probe = { 0 };
    struct fault fault = { 0 };
    bool postgres = batcher_do(call->app->probes, &probe, call->deadline_ms, &fault);

    return (struct finding){
        .postgres = postgres,
        .redis = redis_ping(call->redis),
        .kafka = !postgres || probe.outbox.oldest_age_ms < OUTBOX_LATE_MS,
    };
}

/* All who ask meanwhile wait for the one look, no longer than the probe's deadlines. */
static struct finding look_once_a_second(struct call *call)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct finding last;
    static int64_t kept_until_ms;
    struct finding finding;

    pthread_mutex_lock(&lock);
    if (clock_left_ms(kept_until_ms) == 0) {
        last = look(call);
        kept_until_ms = clock_mono_ms() + KEPT_MS;
    }
    finding = last;
    pthread_mutex_unlock(&lock);
    return finding;
}

static void answer(struct call *call, int status, struct text body)
{
    response_json(call->response, status, body);
    response_header(call->response, "Cache-Control", TEXT("no-store"));
}

void handle_liveness(struct call *call)
{
    answer(call, 200, TEXT("{\"status\":\"ok\"}"));
}

void handle_metrics(struct call *call)
{
    struct buf body = BUF_IN(call->arena);

    metrics_render(call->app->metrics, &body);
    answer(call, 200, buf_view(&body));
    call->response->content_type = "text/plain; version=0.0.4; charset=utf-8";
}

void handle_readiness(struct call *call)
{
    struct finding found = look_once_a_second(call);
    const char *status = !found.postgres ? "unavailable" : found.redis && found.kafka ? "ready" : "degraded";

    answer(call, found.postgres ? 200 : 503,
           arena_printf(call->arena,
                        "{\"status\":\"%s\",\"checks\":{\"postgres\":\"%s\",\"redis\":\"%s\",\"kafka\":\"%s\"}}", status,
                        found.postgres ? "ok" : "down", found.redis ? "ok" : "down", found.kafka ? "ok" : "late"));
    if (!found.postgres)
        response_header(call->response, "Retry-After", TEXT("1"));
}
