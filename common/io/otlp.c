/* otlp.c - a ring, a thread that empties it, and the JSON of the protocol. */
#include "io/otlp.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "io/http_client.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    TRACE_ID_LEN = 32,
    SPAN_ID_LEN = 16,
    NAME_MAX_LEN = 63,
    BATCH_MAX = 512,      /* spans a request */
    SEND_EVERY_MS = 1000, /* fewer wait for as long */
    CALL_MS = 5000,       /* deadline of a request */
    CONNECT_MS = 2000,
    ANSWER_MAX = 65536,
    TRIES = 5, /* of a batch: about 15 s without a collector */
    PAUSE_FIRST_MS = 500,
    PAUSE_MAX_MS = 8000,
    HEADERS_MAX = 16,
};

/* A span as it waits. */
struct kept {
    char trace_id[TRACE_ID_LEN], id[SPAN_ID_LEN], parent_id[SPAN_ID_LEN];
    char name[NAME_MAX_LEN];
    unsigned char name_len;
    bool has_parent, has_order, failed;
    enum otlp_kind kind;
    struct uuid order_id;
    int64_t begin_us, end_us;
};

struct exporter {
    const char *service;
    const char *url;
    const char *headers[HEADERS_MAX + 2];
    struct transfers *transfers;
    struct arena arena; /* of the batch at hand; the headers' is their own */
    struct arena kept_arena;
    struct kept batch[BATCH_MAX];
    bool well; /* the last batch was taken: a change is logged */

    pthread_t thread;
    pthread_mutex_t lock; /* over all below */
    pthread_cond_t change;
    struct kept ring[OTLP_WAITING_MAX];
    size_t first, count;
    bool stopping;
    int64_t stop_by_ms;

    _Atomic uint64_t sent, dropped;
};

static struct exporter *exporter;

/* ---- the ring ---- */

bool otlp_is_on(void)
{
    return exporter != NULL;
}

static void keep(struct kept *kept, const struct otlp_span *span)
{
    *kept = (struct kept){
        .name_len = (unsigned char)(span->name.len < NAME_MAX_LEN ? span->name.len : NAME_MAX_LEN),
        .has_parent = span->parent != NULL,
        .has_order = span->order_id != NULL,
        .failed = span->failed,
        .kind = span->kind,
        .begin_us = span->begin_us,
        .end_us = span->end_us,
    };
    memcpy(kept->trace_id, traceparent_trace_id(span->trace).ptr, TRACE_ID_LEN);
    memcpy(kept->id, traceparent_span_id(span->trace).ptr, SPAN_ID_LEN);
    if (span->parent)
        memcpy(kept->parent_id, traceparent_span_id(span->parent).ptr, SPAN_ID_LEN);
    if (span->order_id)
        kept->order_id = *span->order_id;
    memcpy(kept->name, span->name.ptr, kept->name_len);
}

void otlp_add(const struct otlp_span *span)
{
    if (!exporter || !traceparent_is_sampled(span->trace))
        return;
    pthread_mutex_lock(&exporter->lock);
    if (exporter->count < OTLP_WAITING_MAX)
        keep(&exporter->ring[(exporter->first + exporter->count++) % OTLP_WAITING_MAX], span);
    else
        atomic_fetch_add_explicit(&exporter->dropped, 1, memory_order_relaxed);
    if (exporter->count == BATCH_MAX)
        pthread_cond_signal(&exporter->change);
    pthread_mutex_unlock(&exporter->lock);
}

/* Waits on the monotonic clock until UNTIL_MS, a signal, or a stop. With the lock held. */
static void wait_until(struct exporter *own, int64_t until_ms)
{
    struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };

    pthread_cond_timedwait(&own->change, &own->lock, &until);
}

/* The next batch, when it is full or has waited; 0: there is none, and none will come. */
static size_t take(struct exporter *own)
{
    size_t count;

    pthread_mutex_lock(&own->lock);
    do {
        int64_t until_ms = clock_mono_ms() + SEND_EVERY_MS;

        while (own->count < BATCH_MAX && !own->stopping && clock_left_ms(until_ms) > 0)
            wait_until(own, until_ms);
    } while (own->count == 0 && !own->stopping);
    count = own->count < BATCH_MAX ? own->count : BATCH_MAX;
    for (size_t i = 0; i < count; i++)
        own->batch[i] = own->ring[(own->first + i) % OTLP_WAITING_MAX];
    own->first = (own->first + count) % OTLP_WAITING_MAX;
    own->count -= count;
    pthread_mutex_unlock(&own->lock);
    return count;
}

/* ---- the request ---- */

static void attribute(struct buf *out, const char *name, struct text value)
{
    buf_printf(out, "{\"key\":\"%s\",\"value\":{\"stringValue\":", name);
    buf_json_string(out, value);
    buf_str(out, "}}");
}

static void render_span(struct buf *out, const struct kept *span)
{
    buf_printf(out, "{\"traceId\":\"%.*s\",\"spanId\":\"%.*s\"", TRACE_ID_LEN, span->trace_id, SPAN_ID_LEN, span->id);
    if (span->has_parent)
        buf_printf(out, ",\"parentSpanId\":\"%.*s\"", SPAN_ID_LEN, span->parent_id);
    buf_str(out, ",\"name\":");
    buf_json_string(out, (struct text){ span->name, span->name_len });
    buf_printf(
        out, ",\"kind\":%d,\"startTimeUnixNano\":\"%" PRId64 "000\",\"endTimeUnixNano\":\"%" PRId64 "000\",\"attributes\":[",
        (int)span->kind, span->begin_us, span->end_us);
    if (span->has_order) {
        char id[UUID_TEXT_LEN + 1];

        uuid_format(&span->order_id, id);
        attribute(out, "order.id", text_of(id));
    }
    buf_printf(out, "],\"status\":{%s}}", span->failed ? "\"code\":2" : "");
}

static struct text render(struct exporter *own, size_t count)
{
    struct buf out = BUF_IN(&own->arena);

    buf_str(&out, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
    attribute(&out, "service.name", text_of(own->service));
    buf_str(&out, ",{\"key\":\"service.namespace\",\"value\":{\"stringValue\":\"orderline\"}}");
    buf_printf(&out, ",{\"key\":\"process.pid\",\"value\":{\"intValue\":\"%ld\"}}", (long)getpid());
    buf_str(&out, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"orderline\"},\"spans\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_char(&out, ',');
        render_span(&out, &own->batch[i]);
    }
    buf_str(&out, "]}]}]}");
    return buf_view(&out);
}

/* ---- sending ---- */

/* For one call: all of CALL_MS, or what a stop leaves. */
static int time_for_call(struct exporter *own)
{
    int left = CALL_MS;

    pthread_mutex_lock(&own->lock);
    if (own->stopping)
        left = clock_left_ms(own->stop_by_ms);
    pthread_mutex_unlock(&own->lock);
    return left < CALL_MS ? left : CALL_MS;
}

enum answer { TAKEN, REFUSED, LATER };

static enum answer call(struct exporter *own, struct text body, struct transfer_result *result)
{
    const struct http_request request = {
        .method = "POST",
        .url = own->url,
        .headers = own->headers,
        .body = body,
        .timeout_ms = time_for_call(own),
        .connect_timeout_ms = CONNECT_MS,
        .response_max = ANSWER_MAX,
    };

    *result = (struct transfer_result){ 0 };
    if (request.timeout_ms == 0 || !http_start(own->transfers, &request, own, &result->fault))
        return REFUSED;
    while (!transfers_next(own->transfers, result))
        transfers_wait(own->transfers, CALL_MS);
    if (result->fault.kind != FAULT_NONE)
        return LATER;
    if (result->status / 100 == 2)
        return TAKEN;
    /* OTLP 1.3, "Failures": these ask for a repeat, all else is not to be repeated */
    return result->status == 429 || (result->status >= 502 && result->status <= 504) ? LATER : REFUSED;
}

/* Whether to try again after a pause, which a stop ends. */
static bool pause_before(struct exporter *own, int attempt)
{
    int64_t until_ms = clock_mono_ms() + backoff_ms(attempt, PAUSE_FIRST_MS, PAUSE_MAX_MS);
    bool go_on;

    pthread_mutex_lock(&own->lock);
    while (!own->stopping && clock_left_ms(until_ms) > 0)
        wait_until(own, until_ms);
    go_on = !own->stopping;
    pthread_mutex_unlock(&own->lock);
    return go_on && attempt < TRIES;
}

static void tell(struct exporter *own, bool well, const struct transfer_result *result)
{
    if (own->well == well)
        return;
    own->well = well;
    if (well)
        log_info("spans: the collector takes them");
    else
        log_warn("spans: dropped, the collector answers %d %s", result->status, result->fault.detail);
}

static void send(struct exporter *own, size_t count)
{
    struct text body = render(own, count);
    struct transfer_result result;
    enum answer answer;
    int attempt = 0;

    do
        answer = call(own, body, &result);
    while (answer == LATER && pause_before(own, ++attempt));
    tell(own, answer == TAKEN, &result);
    atomic_fetch_add_explicit(answer == TAKEN ? &own->sent : &own->dropped, count, memory_order_relaxed);
    arena_reset(&own->arena);
}

static void *loop(void *context)
{
    struct exporter *own = context;
    size_t count;

    while ((count = take(own)) > 0)
        send(own, count);
    return NULL;
}

/* ---- start and stop ---- */

/* "name=value,name=value" into "name: value" lines. */
static bool read_headers(struct exporter *own, const char *list, struct fault *fault)
{
    size_t count = 0;

    own->headers[count++] = "Content-Type: application/json";
    while (*list) {
        size_t len = strcspn(list, ",");
        const char *equals = memchr(list, '=', len);

        if (!equals || equals == list || count > HEADERS_MAX)
            return fault_set(fault, FAULT_INVALID, "otlp",
                             "OTEL_EXPORTER_OTLP_HEADERS takes at most %d of name=value, with commas between", HEADERS_MAX);
        own->headers[count++] = arena_printf(&own->kept_arena, "%.*s: %.*s", (int)(equals - list), list,
                                             (int)(len - (size_t)(equals - list) - 1), equals + 1)
                                    .ptr;
        list += len + (list[len] == ',');
    }
    return true;
}

bool otlp_start(const struct otlp_options *options, struct fault *fault)
{
    struct exporter *own;
    pthread_condattr_t monotonic;
    size_t len = strlen(options->endpoint);

    if (len == 0)
        return true;
    if (!http_url_check(options->endpoint, fault)) {
        struct fault why = *fault;

        return fault_set(fault, FAULT_INVALID, "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT: %s", why.detail);
    }
    own = calloc(1, sizeof *own);
    if (!own)
        abort();
    own->service = options->service;
    own->well = true;
    own->url =
        arena_printf(&own->kept_arena, "%s%sv1/traces", options->endpoint, options->endpoint[len - 1] == '/' ? "" : "/").ptr;
    if (!read_headers(own, options->headers, fault)) {
        arena_free(&own->kept_arena);
        free(own);
        return false;
    }
    own->transfers = transfers_new(1);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&own->change, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&own->lock, NULL);
    if (pthread_create(&own->thread, NULL, loop, own) != 0)
        abort();
    exporter = own;
    return true;
}

void otlp_stop(int wait_ms)
{
    struct exporter *own = exporter;

    if (!own)
        return;
    pthread_mutex_lock(&own->lock);
    own->stop_by_ms = clock_mono_ms() + wait_ms;
    own->stopping = true;
    pthread_cond_signal(&own->change);
    pthread_mutex_unlock(&own->lock);
    pthread_join(own->thread, NULL);
    exporter = NULL;

    transfers_free(own->transfers);
    pthread_cond_destroy(&own->change);
    pthread_mutex_destroy(&own->lock);
    arena_free(&own->arena);
    arena_free(&own->kept_arena);
    free(own);
}

void otlp_metrics(struct buf *out)
{
    if (!exporter)
        return;
    metric_head(out, "otlp_spans_total", "counter", "Spans for the collector, by what became of them.");
    buf_printf(out, "otlp_spans_total{result=\"sent\"} %" PRIu64 "\notlp_spans_total{result=\"dropped\"} %" PRIu64 "\n",
               exporter->sent, exporter->dropped);
}
