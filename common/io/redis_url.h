/* redis_url.h - where Redis is, read from a URL; private to redis.c and its test. */
#pragma once

#include "base/fault.h"
#include "base/text.h"

/* Zero-terminated parts; an empty one was not given. */
struct redis_url {
    char host[256];
    char path[108]; /* of a unix socket; then host and port mean nothing */
    char user[128];
    char password[256];
    int port;
    int db;
};

/* Takes redis://[user:password@]host[:port][/db], redis://:password@host and unix:///path; user and password may be
 * percent-encoded. The fault never shows the URL, which may hold a password. Pure. */
MUST_CHECK bool redis_url_parse(const char *text, struct redis_url *url, struct fault *fault);
