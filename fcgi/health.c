/* health.c - liveness asks nobody; readiness asks PostgreSQL, and looks at Redis and the outbox for people; metrics. */
#include "base/clock.h"
#include "fcgi/handlers.h"
#include "store/outbox.h"
#include <pthread.h>

enum {
    KEPT_MS = 1000,         /* how long a finding answers further questions */
    OUTBOX_LATE_MS = 60000, /* events that wait longer are a sign that Kafka or the relay is away */
};

/* What the last look has found: the thread of the probes writes it, any other reads it. */
struct finding {
    bool postgres;
    bool redis;
    bool kafka;            /* as far as the outbox tells */
    int64_t kept_until_ms; /* it answers further questions before */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct finding last;

static struct finding last_finding(void)
{
    struct finding finding;

    pthread_mutex_lock(&lock);
    finding = last;
    pthread_mutex_unlock(&lock);
    return finding;
}

static void keep(struct finding finding)
{
    pthread_mutex_lock(&lock);
    last = finding;
    pthread_mutex_unlock(&lock);
}

/* One look for all who ask meanwhile. */
bool probe_batch(void *context, struct pg *pg, struct arena *arena, void *const *works, size_t count, struct fault *fault)
{
    const struct app *app = context;
    struct finding finding = { .redis = redis_ping(app->probe_redis), .kafka = true };
    struct outbox_state outbox;

    (void)arena;
    (void)works;
    (void)count;
    keep(finding);
    if (!outbox_state(pg, &outbox, fault))
        return false;
    finding.postgres = true;
    finding.kafka = outbox.oldest_age_ms < OUTBOX_LATE_MS;
    finding.kept_until_ms = clock_mono_ms() + KEPT_MS;
    keep(finding);
    return true;
}

static enum call_state answer(struct call *call, int status, struct text body)
{
    response_json(call->response, status, body);
    response_header(call->response, "Cache-Control", TEXT("no-store"));
    return CALL_ANSWERED;
}

enum call_state handle_liveness(struct call *call)
{
    return answer(call, 200, TEXT("{\"status\":\"ok\"}"));
}

enum call_state handle_metrics(struct call *call)
{
    struct buf body = BUF_IN(call->arena);

    metrics_render(call->app->metrics, &body);
    answer(call, 200, buf_view(&body));
    call->response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    return CALL_ANSWERED;
}

static enum call_state answer_readiness(struct call *call, const struct fault *fault)
{
    struct finding found = last_finding();
    bool postgres = found.postgres && !fault;
    const char *status = !postgres ? "unavailable" : found.redis && found.kafka ? "ready" : "degraded";

    answer(call, postgres ? 200 : 503,
           arena_printf(call->arena,
                        "{\"status\":\"%s\",\"checks\":{\"postgres\":\"%s\",\"redis\":\"%s\",\"kafka\":\"%s\"}}", status,
                        postgres ? "ok" : "down", found.redis ? "ok" : "down", found.kafka ? "ok" : "late"));
    if (!postgres)
        response_header(call->response, "Retry-After", TEXT("1"));
    return CALL_ANSWERED;
}

/* Being crowded is no reason to look unready: what was found last stands. */
enum call_state handle_readiness(struct call *call)
{
    if (call->exchange->crowded || clock_left_ms(last_finding().kept_until_ms) > 0)
        return answer_readiness(call, NULL);
    return call_wait(call, call->app->probes, NULL, 0, answer_readiness);
}
