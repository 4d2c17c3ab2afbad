/* metrics.h - what order-api counts, in a file that all its processes share: any of them tells for all.
 *
 * Each process writes a slot of its own, which it holds by a lock on the file that ends with it. Counters of a slot go on
 * where the process before left them, so a sum over all slots never falls; gauges count while their slot is held. */
#pragma once

#include "base/buf.h"
#include "base/fault.h"
#include <stdatomic.h>

enum metrics_queue { METRICS_MEMORY, METRICS_WRITERS, METRICS_READERS, METRICS_QUERIES, METRICS_PROBES, METRICS_QUEUES };

/* What Redis was good for when a create asked it. */
enum metrics_redis {
    METRICS_REDIS_HIT,
    METRICS_REDIS_MISS,     /* nothing there, or no answer */
    METRICS_REDIS_DISTRUST, /* a value that was not signed for this order */
    METRICS_REDIS_RESULTS,
};

enum {
    METRICS_ROUTES = 16,    /* of the router's table; 0 is for requests that fit none */
    METRICS_STATUSES = 16,  /* of the table in metrics.c */
    METRICS_TIMES = 14,     /* upper bounds of the latency histogram, and one for longer */
    METRICS_SIZES = 8,      /* of the batch size histogram */
    METRICS_PROCESSES = 64, /* slots of the file */
};

/* One process's numbers; threads add with metrics_add, without a lock. */
struct metrics {
    _Atomic uint64_t answers[METRICS_ROUTES][METRICS_STATUSES];
    _Atomic uint64_t times[METRICS_ROUTES][METRICS_TIMES];
    _Atomic uint64_t times_us[METRICS_ROUTES];
    _Atomic uint64_t batches[METRICS_QUEUES][METRICS_SIZES];
    _Atomic uint64_t works[METRICS_QUEUES];
    _Atomic uint64_t refused[METRICS_QUEUES]; /* the queue was full */
    _Atomic uint64_t redis[METRICS_REDIS_RESULTS];
    /* Gauges, and nothing but gauges from here on. */
    _Atomic int64_t waiting[METRICS_QUEUES];
    _Atomic int64_t refusing[METRICS_QUEUES]; /* 1: PostgreSQL is left alone */
};

struct metrics_file;

/* Opens the file at PATH, or makes it, and takes a slot; "" is memory of this process alone, which then tells for itself.
 * NULL: FAULT says why. */
MUST_CHECK struct metrics_file *metrics_open(const char *path, struct fault *fault);
void metrics_close(struct metrics_file *file); /* NULL is fine */

/* This process's own slot. */
struct metrics *metrics_own(struct metrics_file *file);

static inline void metrics_add(_Atomic uint64_t *counter, uint64_t add)
{
    atomic_fetch_add_explicit(counter, add, memory_order_relaxed);
}

/* A request to ROUTE (its number in the router's table) was answered with STATUS after so many microseconds. */
void metrics_answer(struct metrics *metrics, size_t route, int status, int64_t us);

/* A batch of COUNT works of QUEUE was begun. METRICS may be NULL, here and below. */
void metrics_batch(struct metrics *metrics, enum metrics_queue queue, size_t count);
void metrics_waiting(struct metrics *metrics, enum metrics_queue queue, int change);
void metrics_refused(struct metrics *metrics, enum metrics_queue queue);
void metrics_refusing(struct metrics *metrics, enum metrics_queue queue, bool refusing);

/* Prometheus text (exposition format 0.0.4) about all processes. */
void metrics_render(const struct metrics_file *file, struct buf *out);
