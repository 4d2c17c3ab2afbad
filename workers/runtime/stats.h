/* stats.h - what a worker counts: written by its loop, read by the health port's thread. */
#pragma once

#include "base/metric.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_result {
    EVENT_APPLIED,
    EVENT_DUPLICATE, /* applied before */
    EVENT_HELD,      /* set aside behind another event of its order */
    EVENT_DEAD,      /* set aside for its own fault */
    EVENT_RESULTS,
};

/* Calls of one kind of effect. */
struct effect_stats {
    _Atomic uint64_t done;     /* outcomes recorded */
    _Atomic uint64_t again;    /* attempts put off */
    _Atomic uint64_t gave_up;  /* calls given up */
    _Atomic int64_t in_flight; /* attempts under way or being recorded */
    _Atomic int64_t waiting;   /* rows of the schema, of all workers; looked at every few seconds */
    _Atomic int64_t parked;    /* likewise, rows given up and not asked for again */
};

/* Why events went to the dead letters. */
enum dead_reason {
    DEAD_UNREADABLE, /* headers, key or payload */
    DEAD_REJECTED,   /* by the handler, for what it says */
    DEAD_REFUSED,    /* by the database, however often it was tried */
    DEAD_REASONS,
};

/* Zero-initialise; EVENTS and AGES have one line a row of the service's table and one for messages without a type, EFFECTS
 * one a kind. */
struct stats {
    _Atomic uint64_t (*events)[EVENT_RESULTS];
    struct metric_histogram *ages; /* of orders, in ms, when an event of theirs was applied */
    struct effect_stats *effects;
    struct metric_histogram batch_sizes; /* messages a poll brought */
    struct metric_histogram batch_us;    /* from poll to offsets */
    _Atomic uint64_t retries;            /* transactions repeated after a fault that may pass */
    _Atomic uint64_t dead[DEAD_REASONS];
    _Atomic uint64_t replayed;    /* dead letters tried again */
    _Atomic uint64_t purged;      /* inbox rows forgotten by this worker */
    _Atomic int64_t inbox_rows;   /* estimate; -1: not known yet */
    _Atomic int64_t letters;      /* dead letters at fault, */
    _Atomic int64_t letters_held; /* and held behind them */
    _Atomic int64_t beat_ms;      /* when the loop was last seen moving, on the monotonic clock */
    _Atomic bool database_ok;
    _Atomic bool joined; /* has had partitions, or has been without long enough to be a spare member */
};

/* One writer, and readers that can do with a value a moment old. */
static inline void stat_add(_Atomic uint64_t *counter, uint64_t add)
{
    atomic_fetch_add_explicit(counter, add, memory_order_relaxed);
}

static inline void stat_batch(struct stats *stats, size_t events, int64_t us)
{
    metric_observe(&stats->batch_sizes, &metric_sizes, (int64_t)events);
    metric_observe(&stats->batch_us, &metric_work_us, us);
}

static inline uint64_t stat_get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}
