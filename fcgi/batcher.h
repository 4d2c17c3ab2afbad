/* batcher.h - small pieces of work of many requests, done together by a few threads that have connections.
 *
 * Who hands in a job goes on to other things; a batcher thread takes whatever waits, up to a limit, runs it as one batch and
 * then goes on with each request of it. Nothing waits for a batch to fill: under load batches grow by themselves while the
 * one before is at work. */
#pragma once

#include "base/fault.h"
#include "fcgi/metrics.h"
#include "io/pg.h"
#include <sys/queue.h>

struct batcher;

/* A work in a batcher's hands; lives in what the work is about, until it is over. */
struct job {
    void *work;
    int64_t deadline_ms; /* clock_mono_ms: past it a work that still waits is given up */

    /* How it goes on: called once, on any thread. FAULT says why the work was not done, NULL: it was. JOB is the owner's
     * again, and may be put into a batcher anew. */
    void (*over)(struct job *job, const struct fault *fault);

    /* The batcher's own. */
    TAILQ_ENTRY(job) link;
    int64_t due_ms;
    struct fault fault;
};

/* Does WORKS together and leaves the results in them; false: none was done, FAULT says why. May be called again with the
 * same works, so it starts from their input. ARENA ends with the batch. The works' own memory, arenas included, may be
 * written. PG is NULL in a batcher without a database. */
typedef bool batcher_run(void *context, struct pg *pg, struct arena *arena, void *const *works, size_t count,
                         struct fault *fault);

struct batcher_options {
    const char *name; /* for logs */
    int threads;      /* each with a connection of its own; one works until a whole batch waits, or somebody for long */
    int batch_max;
    int queue_max;        /* works that wait; past it they are refused at once */
    struct pg_options pg; /* url NULL: works of no database */
    batcher_run *run;
    void *context;
    struct metrics *metrics; /* counts under QUEUE; NULL: nobody counts */
    enum metrics_queue queue;
};

/* Starts the threads; they connect when the first work comes. NULL: FAULT says why. OPTIONS is copied, its strings are not.
 */
MUST_CHECK struct batcher *batcher_new(const struct batcher_options *options, struct fault *fault);

/* Hands JOB in, to be begun in DELAY_MS at the earliest; JOB may be over before this returns. A work that still waits at its
 * deadline is FAULT_TIMEOUT; one that has begun is waited for, as long as the connection's own deadline lets it. FAULT_BUSY:
 * the queue is full. FAULT_TRANSIENT at once: the database was found away, and it is not yet time to try it again.
 *
 * A batch that fails on something transient, or with its outcome unknown, is run once more: works have to stand that. One
 * that fails for good is run work by work, so that a bad one harms only itself. */
void batcher_put(struct batcher *batcher, struct job *job, int delay_ms);

/* Gives up what waits past its deadline, and calls another thread where one has been at work for long: to be called every
 * few deciseconds. */
void batcher_expire(struct batcher *batcher);

/* Finishes what waits, ends the threads, frees; NULL is fine. Nothing may be put into it any more. */
void batcher_free(struct batcher *batcher);
