/* batcher.h - small pieces of database work of many threads, done together by a few that have connections.
 *
 * A thread hands in its work and sleeps; a batcher thread takes whatever waits, up to a limit, runs it as one batch and
 * wakes the owners. Nothing waits for a batch to fill: under load batches grow by themselves while the one before is at
 * work. */
#pragma once

#include "base/fault.h"
#include "fcgi/metrics.h"
#include "io/pg.h"

struct batcher;

/* Does WORKS together and leaves the results in them; false: none was done, FAULT says why. May be called again with the
 * same works, so it starts from their input. ARENA ends with the batch. The owners sleep meanwhile: their memory, arenas
 * included, may be written. */
typedef bool batcher_run(void *context, struct pg *pg, struct arena *arena, void *const *works, size_t count,
                         struct fault *fault);

struct batcher_options {
    const char *name; /* for logs */
    int threads;      /* each with a connection of its own */
    int batch_max;
    int queue_max; /* works that wait; past it they are refused at once */
    struct pg_options pg;
    batcher_run *run;
    void *context;
    struct metrics *metrics; /* counts under QUEUE; NULL: nobody counts */
    enum metrics_queue queue;
};

/* Starts the threads; they connect when the first work comes. NULL: FAULT says why. OPTIONS is copied, its strings are not.
 */
MUST_CHECK struct batcher *batcher_new(const struct batcher_options *options, struct fault *fault);

/* Does WORK, sleeping until that is over. Past DEADLINE_MS (clock_mono_ms) a work that still waits is FAULT_TIMEOUT; one
 * that has begun is waited for, as long as the connection's own deadline lets it. FAULT_BUSY: the queue is full.
 * FAULT_TRANSIENT at once: the database was found away, and it is not yet time to try it again.
 *
 * A batch that fails on something transient, or with its outcome unknown, is run once more: works have to stand that. One
 * that fails for good is run work by work, so that a bad one harms only itself. */
MUST_CHECK bool batcher_do(struct batcher *batcher, void *work, int64_t deadline_ms, struct fault *fault);

/* Finishes what waits, ends the threads, frees; NULL is fine. No thread may be inside batcher_do. */
void batcher_free(struct batcher *batcher);
