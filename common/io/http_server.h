/* http_server.h - a worker's small HTTP port (libmicrohttpd): /liveness, /readiness and /metrics. */
#pragma once

#include "base/buf.h"
#include "base/fault.h"

struct http_server;

/* What the program says about itself; called from the server's own thread, so it reads atomics only. */
struct http_server_probes {
    bool (*alive)(void *context);                     /* no dependency asked; false: 503 */
    bool (*ready)(void *context, struct buf *detail); /* DETAIL: a JSON object for people; false: 503 */
    void (*metrics)(void *context, struct buf *out);  /* Prometheus text format 0.0.4 */
    void *context;
};

/* Listens on ADDRESS ("127.0.0.1", "0.0.0.0") and PORT with one thread of its own; connections past 64 are refused.
 * NULL: FAULT says why. */
MUST_CHECK struct http_server *http_server_start(const char *address, int port, const struct http_server_probes *probes,
                                                 struct fault *fault);
void http_server_stop(struct http_server *server); /* NULL is fine */
