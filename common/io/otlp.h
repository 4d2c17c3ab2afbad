/* otlp.h - what this process did, as spans to an OpenTelemetry collector: OTLP/HTTP in JSON (OTLP 1.3, opentelemetry.io).
 *
 * One exporter a process, off unless it is started with an endpoint. Spans wait in a ring of OTLP_WAITING_MAX and go out in
 * batches on a thread of their own; where the collector does not keep up, spans are dropped and counted, never waited for.
 */
#pragma once

#include "base/buf.h"
#include "base/fault.h"
#include "base/traceparent.h"
#include "base/uuid.h"

enum { OTLP_WAITING_MAX = 4096 };

/* The numbers are those of the specification's SpanKind. */
enum otlp_kind {
    OTLP_SERVER = 2,
    OTLP_CLIENT = 3,
    OTLP_CONSUMER = 5,
};

struct otlp_span {
    const struct traceparent *trace;  /* the span's own */
    const struct traceparent *parent; /* of what caused it; NULL: nothing did */
    enum otlp_kind kind;
    struct text name;            /* cut after 63 bytes */
    const struct uuid *order_id; /* NULL: about no order */
    int64_t begin_us, end_us;    /* Unix time */
    bool failed;
};

struct otlp_options {
    const char *endpoint; /* http(s)://collector:4318, to which /v1/traces is added; "": no exporter */
    const char *headers;  /* name=value,...: sent along; "": none. The values are secrets */
    const char *service;  /* service.name; has to outlive the exporter */
};

/* Starts the exporter. False: FAULT says what is wrong with the options. Once a process, when no thread adds spans yet. */
MUST_CHECK bool otlp_start(const struct otlp_options *options, struct fault *fault);

/* Whether spans are wanted. Any thread. */
bool otlp_is_on(void);

/* Hands a span over, which is copied. Any thread; without an exporter, and for a trace that is not sampled, it does nothing.
 */
void otlp_add(const struct otlp_span *span);

/* Sends what waits, for WAIT_MS at the most, and ends the thread: behind those that add. */
void otlp_stop(int wait_ms);

/* otlp_spans_total in Prometheus' text; nothing where there is no exporter. Any thread. */
void otlp_metrics(struct buf *out);
