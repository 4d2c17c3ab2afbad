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

/* What came of COUNT commands. */
static void breaker_report(bool good, size_t count, const char *why)
{
    int before;

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
    before = atomic_fetch_add(&failures, (int)count);
    if (before < BREAKER_FAILURES && before + (int)count >= BREAKER_FAILURES)
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

/* Sends what was appended. */
static bool send_all(redisContext *context, int64_t deadline_ms, const char **why)
{
    int sent = 0;

    for (;;) {
        *why = "connection lost";
        if (redisBufferWrite(context, &sent) != REDIS_OK)
            return false;
        if (sent)
            return true;
        *why = "no answer in time";
        if (!wait_socket(context, POLLOUT, deadline_ms))
            return false;
    }
}

/* The next reply; it is the caller's. NULL with WHY. */
static redisReply *next_reply(redisContext *context, int64_t deadline_ms, const char **why)
{
    redisReply *reply = NULL;

    for (;;) {
        *why = "connection lost";
        if (redisGetReplyFromReader(context, (void **)&reply) != REDIS_OK)
            return NULL;
        if (reply)
            return reply;
        *why = "no answer in time";
        if (!wait_socket(context, POLLIN, deadline_ms))
            return NULL;
        *why = "connection lost";
        if (redisBufferRead(context) != REDIS_OK)
            return NULL;
    }
}

static bool append(redisContext *context, int argc, const char **argv, const size_t *lens, const char **why)
{
    *why = "no memory for a command";
    return redisAppendCommandArgv(context, argc, argv, lens) == REDIS_OK;
}

/* One command whose reply is only looked at: an error reply is a refusal. */
static bool told(redisContext *context, int argc, const char **argv, int64_t deadline_ms, const char **why)
{
    size_t lens[3];
    redisReply *reply;
    bool good;

    for (int i = 0; i < argc; i++)
        lens[i] = strlen(argv[i]);
    if (!append(context, argc, argv, lens, why) || !send_all(context, deadline_ms, why))
        return false;
    reply = next_reply(context, deadline_ms, why);
    if (!reply)
        return false;
    good = reply->type != REDIS_REPLY_ERROR;
    if (!good)
        *why = "refuses commands"; /* OOM, LOADING, READONLY, NOAUTH, ... */
    freeReplyObject(reply);
    return good;
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

static bool append_command(redisContext *context, const struct redis_command *command, const char **why)
{
    const struct text *key = &command->key, *value = &command->value;
    char ttl[16];
    int ttl_len = snprintf(ttl, sizeof ttl, "%d", command->ttl_s);

    if (command->ttl_s > 0)
        return append(context, 5, (const char *[]){ "SET", key->ptr, value->ptr, "EX", ttl },
                      (const size_t[]){ 3, key->len, value->len, 2, (size_t)ttl_len }, why);
    return append(context, 2, (const char *[]){ "GET", key->ptr }, (const size_t[]){ 3, key->len }, why);
}

/* False where Redis has refused it. */
static bool take_reply(struct redis_command *command, const redisReply *reply)
{
    if (command->ttl_s == 0 && reply->type == REDIS_REPLY_STRING)
        command->value = arena_copy(command->arena, (struct text){ reply->str, (size_t)reply->len });
    return reply->type != REDIS_REPLY_ERROR;
}

/* True where a reply was of use; a Redis that refuses one kind of command may still do the other. */
static bool exchange(struct redis *redis, struct redis_command *commands, size_t count, int64_t deadline_ms,
                     const char **why)
{
    bool useful = false;

    if (!connected(redis, deadline_ms, why))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!append_command(redis->context, &commands[i], why))
            return false;
    if (!send_all(redis->context, deadline_ms, why))
        return false;
    for (size_t i = 0; i < count; i++) {
        redisReply *reply = next_reply(redis->context, deadline_ms, why);

        if (!reply)
            return false;
        useful = take_reply(&commands[i], reply) || useful;
        freeReplyObject(reply);
    }
    *why = "refuses commands"; /* OOM, LOADING, READONLY, NOAUTH, ... */
    return useful;
}

void redis_do(struct redis *redis, struct redis_command *commands, size_t count)
{
    int64_t deadline_ms = clock_mono_ms() + redis->timeout_ms;
    const char *why = "";
    bool good;

    if (!breaker_lets_through())
        return;
    good = exchange(redis, commands, count, deadline_ms, &why);
    if (!good)
        drop(redis);
    breaker_report(good, count, why);
}

bool redis_ping(struct redis *redis)
{
    int64_t deadline_ms = clock_mono_ms() + redis->timeout_ms;
    const char *why = "";
    bool good =
        connected(redis, deadline_ms, &why) && told(redis->context, 1, (const char *[]){ "PING" }, deadline_ms, &why);

    if (!good)
        drop(redis);
    breaker_report(good, 1, why);
    return good;
}
