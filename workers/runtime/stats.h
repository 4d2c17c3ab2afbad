/* stats.h - what a worker counts: written by its loop, read by the health port's thread. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
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

/* Zero-initialise; EVENTS has one line a row of the service's table and one for messages without a type, EFFECTS one a kind.
 */
struct stats {
    _Atomic uint64_t (*events)[EVENT_RESULTS];
    struct effect_stats *effects;
    _Atomic uint64_t retries;      /* transactions repeated after a fault that may pass */
    _Atomic uint64_t batches;      /* polls that brought something */
    _Atomic uint64_t batch_events; /* messages in them */
    _Atomic uint64_t batch_us;     /* time from poll to offsets */
    _Atomic int64_t beat_ms;       /* when the loop was last seen moving, on the monotonic clock */
    _Atomic bool database_ok;
    _Atomic bool joined; /* has had partitions, or has been without long enough to be a spare member */
};

/* One writer, and readers that can do with a value a moment old. */
static inline void stat_add(_Atomic uint64_t *counter, uint64_t add)
{
    atomic_fetch_add_explicit(counter, add, memory_order_relaxed);
}

static inline uint64_t stat_get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}
