/* batcher.c - one queue, a few threads, batches of whatever waits. */
#include "fcgi/batcher.h"
#include "base/breaker.h"
#include "base/clock.h"
#include "base/log.h"
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/queue.h>

/* Lives on its owner's stack. A semaphore each, since posting one takes no lock and wakes nobody else. */
struct job {
    TAILQ_ENTRY(job) link;
    bool waits; /* in the queue; under the batcher's lock */
    void *work;
    int64_t deadline_ms;
    struct fault *fault; /* the reason where it failed, written before */
    atomic_bool done;    /* the outcome */
    sem_t over;
};

TAILQ_HEAD(job_queue, job);

struct batcher {
    struct batcher_options options;
    pthread_mutex_t lock; /* guards what follows; held for a few instructions at a time */
    pthread_cond_t filled;
    struct job_queue queue;
    int waiting;
    struct breaker breaker; /* of the database, for all threads */
    bool ending;
    int started;
    pthread_t threads[];
};

/* What one thread works on. */
struct batch {
    struct batcher *batcher;
    struct pg *pg;
    struct arena arena;
    struct job **jobs;
    void **works;
    size_t count;
};

/* ---- the owners' side ---- */

static bool job_queue_up(struct batcher *batcher, struct job *job)
{
    const struct batcher_options *options = &batcher->options;
    bool room, admitted;

    pthread_mutex_lock(&batcher->lock);
    room = batcher->waiting < options->queue_max && !batcher->ending;
    admitted = room && (!breaker_is_open(&batcher->breaker) || breaker_admits(&batcher->breaker, clock_mono_ms()));
    if (admitted) {
        TAILQ_INSERT_TAIL(&batcher->queue, job, link);
        batcher->waiting++;
        job->waits = true;
        metrics_waiting(batcher->options.metrics, batcher->options.queue, 1);
        pthread_cond_signal(&batcher->filled);
    }
    pthread_mutex_unlock(&batcher->lock);
    if (!room) {
        metrics_refused(options->metrics, options->queue);
        return fault_set(job->fault, FAULT_BUSY, "queue_full", "%s: %d already wait", options->name, options->queue_max);
    }
    return admitted || fault_set(job->fault, FAULT_TRANSIENT, "database_away", "%s: the database is away", options->name);
}

/* Takes a waiting JOB out of the queue, under the lock. */
static void job_leave(struct batcher *batcher, struct job *job)
{
    TAILQ_REMOVE(&batcher->queue, job, link);
    batcher->waiting--;
    job->waits = false;
    metrics_waiting(batcher->options.metrics, batcher->options.queue, -1);
}

/* Takes JOB out of the queue; false where a thread has it already. */
static bool job_withdraw(struct batcher *batcher, struct job *job)
{
    bool waits;

    pthread_mutex_lock(&batcher->lock);
    waits = job->waits;
    if (waits)
        job_leave(batcher, job);
    pthread_mutex_unlock(&batcher->lock);
    return waits;
}

/* True when JOB is over, false when its deadline passed before. */
static bool job_await(struct job *job)
{
    struct timespec until = { .tv_sec = job->deadline_ms / 1000, .tv_nsec = job->deadline_ms % 1000 * 1000000 };

    while (sem_clockwait(&job->over, CLOCK_MONOTONIC, &until) != 0)
        if (errno != EINTR)
            return false;
    return true;
}

/* Queues JOB and sleeps until it is over. */
static bool job_do(struct batcher *batcher, struct job *job)
{
    const struct batcher_options *options = &batcher->options;

    if (!job_queue_up(batcher, job))
        return false;
    if (!job_await(job)) {
        if (job_withdraw(batcher, job))
            return fault_set(job->fault, FAULT_TIMEOUT, "queue_wait", "%s: the deadline passed in the queue", options->name);
        while (sem_wait(&job->over) != 0)
            ; /* EINTR */
    }
    return atomic_load(&job->done);
}

bool batcher_do(struct batcher *batcher, void *work, int64_t deadline_ms, struct fault *fault)
{
    struct job job = { .work = work, .deadline_ms = deadline_ms, .fault = fault };
    bool done;

    sem_init(&job.over, 0, 0);
    done = job_do(batcher, &job);
    sem_destroy(&job.over);
    return done;
}

/* ---- the threads' side ---- */

/* Moves up to batch_max jobs from the queue into BATCH; false when there are none and the batcher ends. */
static bool batch_take(struct batch *batch)
{
    struct batcher *batcher = batch->batcher;
    struct job *job;

    batch->count = 0;
    pthread_mutex_lock(&batcher->lock);
    while (TAILQ_EMPTY(&batcher->queue) && !batcher->ending)
        pthread_cond_wait(&batcher->filled, &batcher->lock);
    while (batch->count < (size_t)batcher->options.batch_max && (job = TAILQ_FIRST(&batcher->queue))) {
        TAILQ_REMOVE(&batcher->queue, job, link);
        batcher->waiting--;
        job->waits = false;
        batch->works[batch->count] = job->work;
        batch->jobs[batch->count++] = job;
    }
    metrics_waiting(batcher->options.metrics, batcher->options.queue, -(int)batch->count);
    pthread_mutex_unlock(&batcher->lock);
    if (batch->count == 0)
        return false;
    metrics_batch(batcher->options.metrics, batcher->options.queue, batch->count);
    return true;
}

static bool batch_run(struct batch *batch, size_t first, size_t count, struct fault *fault)
{
    const struct batcher_options *options = &batch->batcher->options;
    bool done = options->run(options->context, batch->pg, &batch->arena, batch->works + first, count, fault);

    arena_reset(&batch->arena);
    return done;
}

/* Connections that a restarted server has closed, deadlocks: gone the second time, as a rule. */
static bool once_more(const struct fault *fault, int64_t deadline_ms)
{
    return (fault->kind == FAULT_TRANSIENT || fault->kind == FAULT_UNKNOWN) && clock_left_ms(deadline_ms) > 0;
}

static bool fails_for_good(const struct fault *fault)
{
    return !fault_is_retryable(fault) && fault->kind != FAULT_UNKNOWN;
}

/* Tells the breaker what came of a batch. Where the database is away, whoever waits is sent off as well: each batch would
 * take its connection's whole deadline to learn the same. */
static void batch_report(const struct batch *batch, const struct fault *fault)
{
    struct batcher *batcher = batch->batcher;
    bool away = fault && !pg_connected(batch->pg) && !fails_for_good(fault);
    struct job *job;

    pthread_mutex_lock(&batcher->lock);
    if (away != breaker_is_open(&batcher->breaker))
        log_write(away ? LOG_ERROR : LOG_INFO, NULL, "%s: the database is %s", batcher->options.name,
                  away ? "away: work is refused at once" : "back");
    breaker_report(&batcher->breaker, away, clock_mono_ms());
    while (away && (job = TAILQ_FIRST(&batcher->queue))) {
        job_leave(batcher, job);
        *job->fault = *fault;
        atomic_store(&job->done, false);
        sem_post(&job->over);
    }
    pthread_mutex_unlock(&batcher->lock);
}

static void batch_run_one_by_one(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct job *job = batch->jobs[i];

        if (clock_left_ms(job->deadline_ms) > 0)
            atomic_store(&job->done, batch_run(batch, i, 1, job->fault));
        else
            atomic_store(&job->done,
                         fault_set(job->fault, FAULT_TIMEOUT, "batch_wait",
                                   "%s: the deadline passed behind another work's failure", batch->batcher->options.name));
    }
}

static void batch_do(struct batch *batch)
{
    struct fault fault = { 0 };
    bool done = batch_run(batch, 0, batch->count, &fault);

    if (!done && strcmp(fault.code, "pg_deadline") == 0)
        batch_report(batch, &fault); /* it may take as long again; nobody else has to wait for that */
    if (!done && once_more(&fault, batch->jobs[0]->deadline_ms)) {
        log_warn("%s: %s %s: %s; once more", batch->batcher->options.name, fault_kind_name(fault.kind), fault.code,
                 fault.detail);
        done = batch_run(batch, 0, batch->count, &fault);
    }
    batch_report(batch, done ? NULL : &fault);
    if (!done && batch->count > 1 && fails_for_good(&fault)) {
        batch_run_one_by_one(batch);
        return;
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (!done)
            *batch->jobs[i]->fault = fault;
        atomic_store(&batch->jobs[i]->done, done);
    }
}

static void *thread_main(void *argument)
{
    struct batcher *batcher = argument;
    size_t max = (size_t)batcher->options.batch_max;
    ARENA_SCOPE own = { 0 };
    struct batch batch = {
        .batcher = batcher,
        .pg = pg_new(&batcher->options.pg),
        .jobs = arena_array(&own, max, sizeof(struct job *)),
        .works = arena_array(&own, max, sizeof(void *)),
    };

    while (batch_take(&batch)) {
        batch_do(&batch);
        for (size_t i = 0; i < batch.count; i++)
            sem_post(&batch.jobs[i]->over); /* from here on the job is gone with its owner's stack */
    }
    pg_free(batch.pg);
    arena_free(&batch.arena);
    return NULL;
}

struct batcher *batcher_new(const struct batcher_options *options, struct fault *fault)
{
    struct batcher *batcher = calloc(1, sizeof *batcher + (size_t)options->threads * sizeof batcher->threads[0]);

    if (!batcher) {
        fault_set(fault, FAULT_PERMANENT, "memory", "%s: out of memory", options->name);
        return NULL;
    }
    batcher->options = *options;
    pthread_mutex_init(&batcher->lock, NULL);
    pthread_cond_init(&batcher->filled, NULL);
    TAILQ_INIT(&batcher->queue);
    while (batcher->started < options->threads) {
        int error = pthread_create(&batcher->threads[batcher->started], NULL, thread_main, batcher);

        if (error) {
            fault_set(fault, FAULT_PERMANENT, "thread", "%s: %s", options->name, strerrordesc_np(error));
            batcher_free(batcher);
            return NULL;
        }
        batcher->started++;
    }
    return batcher;
}

void batcher_free(struct batcher *batcher)
{
    if (!batcher)
        return;
    pthread_mutex_lock(&batcher->lock);
    batcher->ending = true;
    pthread_cond_broadcast(&batcher->filled);
    pthread_mutex_unlock(&batcher->lock);
    for (int i = 0; i < batcher->started; i++)
        pthread_join(batcher->threads[i], NULL);
    pthread_cond_destroy(&batcher->filled);
    pthread_mutex_destroy(&batcher->lock);
    free(batcher);
}
