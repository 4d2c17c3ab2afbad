/* stats.h - what a worker counts: written by its loop, read by the health port's thread. */
#pragma once

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

enum { BATCH_BUCKETS = 10 };

/* Upper bounds of the histogram of batches; longer ones are in the count alone. */
static const int batch_bucket_ms[BATCH_BUCKETS] = { 1, 2, 5, 10, 20, 50, 100, 500, 2000, 10000 };

/* Zero-initialise; EVENTS has one line a row of the service's table and one for messages without a type, EFFECTS one a kind.
 */
struct stats {
    _Atomic uint64_t (*events)[EVENT_RESULTS];
    struct effect_stats *effects;
    _Atomic uint64_t retries;      /* transactions repeated after a fault that may pass */
    _Atomic uint64_t batches;      /* polls that brought something */
    _Atomic uint64_t batch_events; /* messages in them */
    _Atomic uint64_t batch_us;     /* time from poll to offsets */
    _Atomic uint64_t batches_within[BATCH_BUCKETS];
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

static inline void stat_batch(struct stats *stats, size_t events, uint64_t us)
{
    stat_add(&stats->batches, 1);
    stat_add(&stats->batch_events, events);
    stat_add(&stats->batch_us, us);
    for (int i = 0; i < BATCH_BUCKETS; i++)
        if (us <= (uint64_t)batch_bucket_ms[i] * 1000)
            stat_add(&stats->batches_within[i], 1);
}

static inline uint64_t stat_get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}
