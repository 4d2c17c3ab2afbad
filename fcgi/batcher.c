/* batcher.c - one queue, a few threads, batches of whatever waits. */
#include "fcgi/batcher.h"
#include "base/breaker.h"
#include "base/clock.h"
#include "base/log.h"
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { PATIENCE_MS = 50 }; /* how long jobs wait for a thread at work before another one comes to help */

TAILQ_HEAD(job_queue, job);

struct batcher {
    struct batcher_options options;
    pthread_mutex_t lock; /* guards what follows; held for a few instructions at a time */
    pthread_cond_t filled;
    struct job_queue queue; /* may be taken */
    struct job_queue later; /* not yet due, the first of them first */
    int queued, waiting;    /* in the queue; in both */
    int working;            /* threads */
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

static void job_over(struct job *job, bool done)
{
    job->over(job, done ? NULL : &job->fault); /* from here on the job is gone */
}

/* ---- the queues, under the lock ---- */

static void insert_later(struct batcher *batcher, struct job *job)
{
    struct job *before = TAILQ_LAST(&batcher->later, job_queue);

    while (before && before->due_ms > job->due_ms)
        before = TAILQ_PREV(before, job_queue, link);
    if (before)
        TAILQ_INSERT_AFTER(&batcher->later, before, job, link);
    else
        TAILQ_INSERT_HEAD(&batcher->later, job, link);
}

/* Moves what has become due. */
static void bring_due(struct batcher *batcher)
{
    struct job *job;

    while ((job = TAILQ_FIRST(&batcher->later)) && clock_left_ms(job->due_ms) == 0) {
        TAILQ_REMOVE(&batcher->later, job, link);
        TAILQ_INSERT_TAIL(&batcher->queue, job, link);
        batcher->queued++;
    }
}

/* Whether an idle thread has reason to begin: while one is at work the next batch grows, until it is full or somebody has
 * waited for long. */
static bool worth_taking(const struct batcher *batcher)
{
    const struct job *first = TAILQ_FIRST(&batcher->queue);

    return first && (batcher->working == 0 || batcher->queued >= batcher->options.batch_max || batcher->ending ||
                     clock_left_ms(first->due_ms + PATIENCE_MS) == 0);
}

static void call_for_help(struct batcher *batcher)
{
    if (worth_taking(batcher))
        pthread_cond_signal(&batcher->filled);
}

static void leave(struct batcher *batcher, struct job_queue *queue, struct job *job)
{
    TAILQ_REMOVE(queue, job, link);
    batcher->waiting--;
    if (queue == &batcher->queue)
        batcher->queued--;
    metrics_waiting(batcher->options.metrics, batcher->options.queue, -1);
}

/* Moves those from QUEUE into GONE whose deadline has passed. */
static void leave_late(struct batcher *batcher, struct job_queue *queue, struct job_queue *gone)
{
    struct job *job, *next;

    for (job = TAILQ_FIRST(queue); job; job = next) {
        next = TAILQ_NEXT(job, link);
        if (clock_left_ms(job->deadline_ms) > 0)
            continue;
        leave(batcher, queue, job);
        fault_set(&job->fault, FAULT_TIMEOUT, "queue_wait", "%s: the deadline passed in the queue", batcher->options.name);
        TAILQ_INSERT_TAIL(gone, job, link);
    }
}

/* Those that have left a queue undone; without the lock, since each goes on with its request. */
static void send_off(struct job_queue *gone)
{
    struct job *job;

    while ((job = TAILQ_FIRST(gone))) {
        TAILQ_REMOVE(gone, job, link);
        job_over(job, false);
    }
}

/* ---- the owners' side ---- */

/* Under the lock; false: refused, and the job's fault says why. */
static bool admit(struct batcher *batcher, struct job *job)
{
    const struct batcher_options *options = &batcher->options;

    if (batcher->waiting >= options->queue_max) {
        metrics_refused(options->metrics, options->queue);
        return fault_set(&job->fault, FAULT_BUSY, "queue_full", "%s: %d already wait", options->name, options->queue_max);
    }
    if (breaker_is_open(&batcher->breaker) && !breaker_admits(&batcher->breaker, clock_mono_ms()))
        return fault_set(&job->fault, FAULT_TRANSIENT, "database_away", "%s: the database is away", options->name);
    return true;
}

void batcher_put(struct batcher *batcher, struct job *job, int delay_ms)
{
    bool admitted;

    job->fault.kind = FAULT_NONE;
    pthread_mutex_lock(&batcher->lock);
    admitted = admit(batcher, job);
    if (admitted) {
        batcher->waiting++;
        metrics_waiting(batcher->options.metrics, batcher->options.queue, 1);
        job->due_ms = clock_mono_ms() + delay_ms;
        insert_later(batcher, job);
        bring_due(batcher);
        if (delay_ms > 0)
            pthread_cond_signal(&batcher->filled); /* somebody has to rest no longer than that */
        call_for_help(batcher);
    }
    pthread_mutex_unlock(&batcher->lock);
    if (!admitted)
        job_over(job, false);
}

void batcher_expire(struct batcher *batcher)
{
    struct job_queue gone = TAILQ_HEAD_INITIALIZER(gone);

    pthread_mutex_lock(&batcher->lock);
    leave_late(batcher, &batcher->queue, &gone);
    leave_late(batcher, &batcher->later, &gone);
    metrics_refusing(batcher->options.metrics, batcher->options.queue,
                     breaker_keeps_away(&batcher->breaker, clock_mono_ms()));
    call_for_help(batcher);
    pthread_mutex_unlock(&batcher->lock);
    send_off(&gone);
}

/* ---- the threads' side ---- */

/* Sleeps until something may be there, the first of what is not yet due included. */
static void rest(struct batcher *batcher)
{
    const struct job *next = TAILQ_FIRST(&batcher->later);
    struct timespec until;

    if (!next) {
        pthread_cond_wait(&batcher->filled, &batcher->lock);
        return;
    }
    until = (struct timespec){ .tv_sec = next->due_ms / 1000, .tv_nsec = next->due_ms % 1000 * 1000000 };
    (void)pthread_cond_clockwait(&batcher->filled, &batcher->lock, CLOCK_MONOTONIC, &until);
}

/* Waits, under the lock, for something worth taking; false when the batcher ends. The thread counts as working from here on.
 * Who was asleep is woken by the first of several jobs, as a rule: yielding once lets the others come, and makes one batch
 * of them. */
static bool await_jobs(struct batcher *batcher)
{
    bool rested = false;

    for (;;) {
        bring_due(batcher);
        if (worth_taking(batcher)) {
            batcher->working++;
            if (rested) {
                pthread_mutex_unlock(&batcher->lock);
                sched_yield();
                pthread_mutex_lock(&batcher->lock);
            }
            if (!TAILQ_EMPTY(&batcher->queue))
                return true;
            batcher->working--; /* they were given up meanwhile */
        } else if (batcher->ending && batcher->waiting == 0) {
            return false;
        } else {
            rest(batcher);
            rested = true;
        }
    }
}

/* Moves up to batch_max jobs from the queue into BATCH; false when there are none and the batcher ends. */
static bool batch_take(struct batch *batch)
{
    struct batcher *batcher = batch->batcher;
    struct job *job;

    pthread_mutex_lock(&batcher->lock);
    batcher->working -= batch->count > 0;
    batch->count = 0;
    if (await_jobs(batcher)) {
        while (batch->count < (size_t)batcher->options.batch_max && (job = TAILQ_FIRST(&batcher->queue))) {
            leave(batcher, &batcher->queue, job);
            batch->works[batch->count] = job->work;
            batch->jobs[batch->count++] = job;
        }
        call_for_help(batcher);
    }
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
    bool away = fault && batch->pg && !pg_connected(batch->pg) && !fails_for_good(fault);
    struct job_queue gone = TAILQ_HEAD_INITIALIZER(gone);
    struct job *job;

    pthread_mutex_lock(&batcher->lock);
    metrics_refusing(batcher->options.metrics, batcher->options.queue, away);
    if (away != breaker_is_open(&batcher->breaker))
        log_write(away ? LOG_ERROR : LOG_INFO, NULL, "%s: the database is %s", batcher->options.name,
                  away ? "away: work is refused at once" : "back");
    breaker_report(&batcher->breaker, away, clock_mono_ms());
    while (away && (job = TAILQ_FIRST(&batcher->queue))) {
        leave(batcher, &batcher->queue, job);
        job->fault = *fault;
        TAILQ_INSERT_TAIL(&gone, job, link);
    }
    pthread_mutex_unlock(&batcher->lock);
    send_off(&gone);
}

static void batch_over(struct batch *batch, bool done, const struct fault *fault)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (!done)
            batch->jobs[i]->fault = *fault;
        job_over(batch->jobs[i], done);
    }
}

static void batch_run_one_by_one(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct job *job = batch->jobs[i];

        if (clock_left_ms(job->deadline_ms) > 0)
            job_over(job, batch_run(batch, i, 1, &job->fault));
        else
            job_over(job, fault_set(&job->fault, FAULT_TIMEOUT, "batch_wait",
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
    if (!done && batch->count > 1 && fails_for_good(&fault))
        batch_run_one_by_one(batch);
    else
        batch_over(batch, done, &fault);
}

static void *thread_main(void *argument)
{
    struct batcher *batcher = argument;
    size_t max = (size_t)batcher->options.batch_max;
    ARENA_SCOPE own = { 0 };
    struct batch batch = {
        .batcher = batcher,
        .pg = batcher->options.pg.url ? pg_new(&batcher->options.pg) : NULL,
        .jobs = arena_array(&own, max, sizeof(struct job *)),
        .works = arena_array(&own, max, sizeof(void *)),
    };

    while (batch_take(&batch))
        batch_do(&batch);
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
    TAILQ_INIT(&batcher->later);
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
