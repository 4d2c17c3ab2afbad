/* health.h - a relay's /liveness, /readiness and /metrics, out of its stats. */
#pragma once

#include "io/http_server.h"
#include "workers/relay/relay.h"

/* RELAY has to outlive the server. */
struct http_server *relay_health_start(const char *address, int port, struct relay *relay, struct fault *fault);
