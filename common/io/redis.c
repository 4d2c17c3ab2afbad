/* redis.c - the one file that knows hiredis. A context that has seen any error is thrown away: a late reply would answer
 * the wrong command. Reads and writes do not block but wait in poll, since hiredis' own time-outs count per read. */
#include "io/redis.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/redis_url.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
    BREAKER_FAILURES = 5,
    BREAKER_PAUSE_MS = 1000,
};

struct redis {
    struct redis_url url;
    int timeout_ms;
    redisContext *context; /* NULL: none */
};

/* ---- the breaker, one for the process ---- */

static _Atomic int failures;          /* in a row */
static _Atomic int64_t next_probe_ms; /* while open: when the next command may try */

static bool breaker_is_open(void)
{
    return atomic_load_explicit(&failures, memory_order_relaxed) >= BREAKER_FAILURES;
}

bool redis_is_given_up(void)
{
    return breaker_is_open();
}

/* While the breaker is open, one caller a pause gets through: who moves the time of the next probe. */
static bool breaker_lets_through(void)
{
    int64_t now = clock_mono_ms(), due;

    if (!breaker_is_open())
        return true;
    due = atomic_load(&next_probe_ms);
    return now >= due && atomic_compare_exchange_strong(&next_probe_ms, &due, now + BREAKER_PAUSE_MS);
}

static void breaker_report(bool good, const char *why)
{
    if (good) {
        if (atomic_load_explicit(&failures, memory_order_relaxed) == 0)
            return; /* the usual case writes to no shared cache line */
        if (atomic_exchange(&failures, 0) >= BREAKER_FAILURES)
            log_info("redis: answers again");
        return;
    }
    if (breaker_is_open())
        return; /* the probe failed; the next one is due already */
    atomic_store(&next_probe_ms, clock_mono_ms() + BREAKER_PAUSE_MS);
    if (atomic_fetch_add(&failures, 1) + 1 == BREAKER_FAILURES)
        log_warn("redis: %s; asked once a second from now on", why);
}

/* ---- one exchange ---- */

static void drop(struct redis *redis)
{
    if (redis->context)
        redisFree(redis->context);
    redis->context = NULL;
}

static bool wait_socket(const redisContext *context, short events, int64_t deadline_ms)
{
    struct pollfd fd = { .fd = context->fd, .events = events };
    int ready;

    do
        ready = poll(&fd, 1, clock_left_ms(deadline_ms));
    while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/* Sends one command and reads its reply, an error reply being none; NULL with WHY. The reply is the caller's. */
static redisReply *exchange(redisContext *context, int argc, const char **argv, const size_t *lens, int64_t deadline_ms,
                            const char **why)
{
    redisReply *reply = NULL;
    int sent = 0;

    *why = "no memory for a command";
    if (redisAppendCommandArgv(context, argc, argv, lens) != REDIS_OK)
        return NULL;
    *why = "no answer in time";
    while (!sent) {
        if (!wait_socket(context, POLLOUT, deadline_ms))
            return NULL;
        if (redisBufferWrite(context, &sent) != REDIS_OK)
            goto broken;
    }
    while (!reply) {
        if (!wait_socket(context, POLLIN, deadline_ms))
            return NULL;
        if (redisBufferRead(context) != REDIS_OK || redisGetReplyFromReader(context, (void **)&reply) != REDIS_OK)
            goto broken;
    }
    if (reply->type != REDIS_REPLY_ERROR)
        return reply;
    *why = "refuses commands"; /* OOM, LOADING, READONLY, NOAUTH, ... */
    freeReplyObject(reply);
    return NULL;
broken:
    *why = "connection lost";
    return NULL;
}

static bool told(redisContext *context, int argc, const char **argv, int64_t deadline_ms, const char **why)
{
    size_t lens[3];
    redisReply *reply;

    for (int i = 0; i < argc; i++)
        lens[i] = strlen(argv[i]);
    reply = exchange(context, argc, argv, lens, deadline_ms, why);
    if (reply)
        freeReplyObject(reply);
    return reply != NULL;
}

/* Who we are and which database: once a connection. */
static bool introduce(struct redis *redis, int64_t deadline_ms, const char **why)
{
    const struct redis_url *url = &redis->url;
    const char *auth[3] = { "AUTH" };
    int auth_count = 1;
    char db[16];

    if (url->user[0])
        auth[auth_count++] = url->user;
    if (url->password[0]) {
        auth[auth_count++] = url->password;
        if (!told(redis->context, auth_count, auth, deadline_ms, why))
            return false;
    }
    if (url->db == 0)
        return true;
    snprintf(db, sizeof db, "%d", url->db);
    return told(redis->context, 2, (const char *[]){ "SELECT", db }, deadline_ms, why);
}

static bool connected(struct redis *redis, int64_t deadline_ms, const char **why)
{
    int error = 0;
    socklen_t size = sizeof error;

    if (redis->context)
        return true;
    redis->context = redis->url.path[0] ? redisConnectUnixNonBlock(redis->url.path)
                                        : redisConnectNonBlock(redis->url.host, redis->url.port);
    *why = "cannot be connected to";
    if (!redis->context || redis->context->err || !wait_socket(redis->context, POLLOUT, deadline_ms) ||
        getsockopt(redis->context->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error)
        return false;
    return introduce(redis, deadline_ms, why);
}

/* A command from connecting to its reply; NULL for any trouble. Past the breaker where PROBE is set. */
static redisReply *command(struct redis *redis, int argc, const char **argv, const size_t *lens, bool probe)
{
    int64_t deadline_ms = clock_mono_ms() + redis->timeout_ms;
    redisReply *reply = NULL;
    const char *why;

    if (!probe && !breaker_lets_through())
        return NULL;
    if (connected(redis, deadline_ms, &why))
        reply = exchange(redis->context, argc, argv, lens, deadline_ms, &why);
    if (!reply)
        drop(redis);
    breaker_report(reply != NULL, why);
    return reply;
}

/* ---- what users see ---- */

struct redis *redis_new(const char *url, int timeout_ms, struct fault *fault)
{
    struct redis_url parsed;
    struct redis *redis;

    if (!redis_url_parse(url, &parsed, fault))
        return NULL;
    redis = calloc(1, sizeof *redis);
    if (!redis)
        abort(); /* as arena_alloc */
    redis->url = parsed;
    redis->timeout_ms = timeout_ms;
    return redis;
}

void redis_free(struct redis *redis)
{
    if (!redis)
        return;
    drop(redis);
    free(redis);
}

struct text redis_get(struct redis *redis, struct text key, struct arena *arena)
{
    const char *argv[] = { "GET", key.ptr };
    const size_t lens[] = { 3, key.len };
    redisReply *reply = command(redis, ARRAY_LEN(argv), argv, lens, false);
    struct text value = { 0 };

    if (!reply)
        return value;
    if (reply->type == REDIS_REPLY_STRING)
        value = arena_copy(arena, (struct text){ reply->str, (size_t)reply->len });
    freeReplyObject(reply);
    return value;
}

bool redis_set(struct redis *redis, struct text key, struct text value, int ttl_s)
{
    char ttl[16];
    int ttl_len = snprintf(ttl, sizeof ttl, "%d", ttl_s);
    const char *argv[] = { "SET", key.ptr, value.ptr, "EX", ttl };
    const size_t lens[] = { 3, key.len, value.len, 2, (size_t)ttl_len };
    redisReply *reply = command(redis, ARRAY_LEN(argv), argv, lens, false);

    if (reply)
        freeReplyObject(reply);
    return reply != NULL;
}

bool redis_ping(struct redis *redis)
{
    const char *argv[] = { "PING" };
    const size_t lens[] = { 4 };
    redisReply *reply = command(redis, ARRAY_LEN(argv), argv, lens, true);

    if (reply)
        freeReplyObject(reply);
    return reply != NULL;
}
