/* health.h - a worker's /liveness, /readiness and /metrics, out of its stats. */
#pragma once

#include "io/http_server.h"
#include "io/kafka.h"
#include "workers/runtime/service.h"
#include "workers/runtime/stats.h"

/* What the probes look at; has to outlive the server. */
struct health {
    const struct stats *stats;
    struct kafka_consumer *consumer;
};

/* Opens the health port, whose pages read atomics only. */
struct http_server *health_start(const char *address, int port, struct health *health, struct fault *fault);
