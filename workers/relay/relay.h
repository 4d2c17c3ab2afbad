/* relay.h - one outbox's way to Kafka: lead or stand by; read, send, and remove what has arrived. */
#pragma once

#include "base/metric.h"
#include "io/kafka.h"
#include "io/pg.h"
#include "workers/relay/window.h"

#include <stdatomic.h>

struct relay_options {
    const char *service; /* and schema */
    const char *database_url;
    const char *brokers;
    int batch; /* rows a read */
};

/* Written by the relay's thread, read by the health port's. */
struct relay_stats {
    atomic_bool database_up, leads;
    atomic_llong beat_ms;                /* monotonic: when the loop last turned */
    struct metric_histogram batch_sizes; /* rows a read brought */
    struct metric_histogram waits_ms;    /* from an event's making to its sending */
    atomic_llong published, failed, parked, terms, in_flight, depth, oldest_age_ms;
};

/* One thread at a time, but for the stats. */
struct relay {
    struct relay_options options;
    struct relay_stats stats;
    struct pg *pg;
    struct kafka_producer *producer; /* NULL on standby */
    struct window window;
    struct arena arena;   /* of one turn */
    int64_t *seqs;        /* as many as the window holds */
    char source[64];      /* ce_source of this service's events */
    unsigned session;     /* the database session that holds the lock */
    int64_t last_seq;     /* the highest seq sent in this term */
    int64_t refused;      /* the row that can never be sent, 0: none */
    struct fault trouble; /* what a delivery report told */
    int64_t row_ms;       /* when rows were last there */
    int64_t read_at_ms, scan_at_ms, mark_at_ms, look_at_ms;
};

void relay_init(struct relay *relay, const struct relay_options *options);

/* Runs until stopping is asked for; then waits for what is in flight, removes it and lets go of the lock. */
void relay_run(struct relay *relay);

void relay_free(struct relay *relay);
