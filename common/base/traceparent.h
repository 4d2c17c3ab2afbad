/* traceparent.h - W3C Trace Context, version 00: "00-<32 hex>-<16 hex>-<2 hex>". */
#pragma once

#include "base/cleanup.h"
#include "base/text.h"

enum { TRACEPARENT_LEN = 55 };

/* The header as text, NUL-terminated: always valid once made by a function below. */
struct traceparent {
    char text[TRACEPARENT_LEN + 1];
};

/* Takes a client's header; false (TRACE untouched) for anything malformed, version ff or all-zero ids. Later versions are
 * read as 00, as the specification asks. Pure. */
MUST_CHECK bool traceparent_parse(struct text header, struct traceparent *trace);

/* A new trace with random ids, sampled flag set. Thread safe. */
struct traceparent traceparent_new(void);

/* The same trace with a new span id: what a worker hands on. Thread safe. */
struct traceparent traceparent_child(const struct traceparent *parent);

/* The 32 hex digits of the trace id, and the 16 of the span id. */
struct text traceparent_trace_id(const struct traceparent *trace);
struct text traceparent_span_id(const struct traceparent *trace);

/* Whether whoever began the trace has it recorded. */
bool traceparent_is_sampled(const struct traceparent *trace);
