/* backlog.c - see backlog.h. A look costs one row, whatever the outbox holds, and no request waits for it. */
#include "fcgi/backlog.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/outbox.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { LOOK_EVERY_S = 1 };

struct backlog {
    struct pg *pg;
    int64_t max;
    atomic_bool full;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool ending;
};

static void look(struct backlog *backlog)
{
    struct outbox_state state;
    struct fault fault = { 0 };
    bool full = atomic_load(&backlog->full);

    if (!outbox_state(backlog->pg, &state, &fault)) {
        log_debug("outbox: %s: %s", fault_kind_name(fault.kind), fault.detail);
        return;
    }
    if (state.depth >= backlog->max)
        atomic_store(&backlog->full, true);
    else if (state.depth < backlog->max - backlog->max / 10)
        atomic_store(&backlog->full, false);
    if (full != atomic_load(&backlog->full))
        log_write(full ? LOG_INFO : LOG_ERROR, NULL,
                  "%s orders: %" PRId64 " events wait for Kafka, the oldest for %" PRId64 " s",
                  full ? "taking" : "taking no more", state.depth, state.oldest_age_ms / 1000);
}

/* True when the thread has to end. */
static bool rest(struct backlog *backlog)
{
    struct timespec until;
    bool ending;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LOOK_EVERY_S;
    pthread_mutex_lock(&backlog->lock);
    while (!backlog->ending && pthread_cond_clockwait(&backlog->changed, &backlog->lock, CLOCK_MONOTONIC, &until) == 0)
        ;
    ending = backlog->ending;
    pthread_mutex_unlock(&backlog->lock);
    return ending;
}

static void *thread_main(void *argument)
{
    struct backlog *backlog = argument;

    do
        look(backlog);
    while (!rest(backlog));
    return NULL;
}

struct backlog *backlog_new(const struct pg_options *options, int64_t max, struct fault *fault)
{
    struct backlog *backlog = calloc(1, sizeof *backlog);
    int error;

    if (!backlog)
        abort(); /* at the start of the process: nothing is in work */
    backlog->pg = pg_new(options);
    backlog->max = max;
    pthread_mutex_init(&backlog->lock, NULL);
    pthread_cond_init(&backlog->changed, NULL);
    error = pthread_create(&backlog->thread, NULL, thread_main, backlog);
    if (!error)
        return backlog;
    fault_set(fault, FAULT_PERMANENT, "thread", "backlog: %s", strerrordesc_np(error));
    pg_free(backlog->pg);
    free(backlog);
    return NULL;
}

bool backlog_is_full(const struct backlog *backlog)
{
    return atomic_load_explicit(&backlog->full, memory_order_relaxed);
}

void backlog_free(struct backlog *backlog)
{
    if (!backlog)
        return;
    pthread_mutex_lock(&backlog->lock);
    backlog->ending = true;
    pthread_cond_signal(&backlog->changed);
    pthread_mutex_unlock(&backlog->lock);
    pthread_join(backlog->thread, NULL);
    pthread_cond_destroy(&backlog->changed);
    pthread_mutex_destroy(&backlog->lock);
    pg_free(backlog->pg);
    free(backlog);
}
