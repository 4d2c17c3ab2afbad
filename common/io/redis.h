/* redis.h - Redis as a hint: every failure, of any kind, is a miss.
 *
 * One handle a thread. A breaker shared by all handles of the process opens after 5 failures in a row and lets one probe
 * through each second, so that a dead or frozen Redis costs its time-out once a second and not once a request. */
#pragma once

#include "base/arena.h"
#include "base/fault.h"

struct redis;

/* Takes redis://[user:password@]host[:port][/db] or unix:///path; rediss:// is refused (hiredis 0.14 has no TLS): FAULT says
 * so. Does not connect yet. TIMEOUT_MS bounds connecting and commands together. */
MUST_CHECK struct redis *redis_new(const char *url, int timeout_ms, struct fault *fault);
void redis_free(struct redis *redis); /* NULL is fine */

/* A GET, or a SET where there is a time to live. */
struct redis_command {
    struct text key;
    struct text value; /* SET: what is stored; GET: what was, in ARENA; ptr NULL: nothing, or no usable answer */
    int ttl_s;         /* SET: for how many seconds */
    struct arena *arena;
};

/* Does COMMANDS in one round trip. Whether a SET worked is of no interest to anyone but the breaker. */
void redis_do(struct redis *redis, struct redis_command *commands, size_t count);

/* Whether the breaker is open. */
bool redis_is_given_up(void);

/* Whether Redis answers PING now; passes by the breaker. For readiness. */
bool redis_ping(struct redis *redis);
