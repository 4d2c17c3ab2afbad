/* fastcgi.h - the FastCGI server: a few threads that accept and read; who works on a request answers it, from any thread. */
#pragma once

#include "base/fault.h"
#include "fcgi/request.h"

struct fastcgi;

/* A request under way and its answer, with the memory of both. It has no thread: whoever has it works on it and hands it on
 * or answers it. */
struct exchange {
    struct request request;
    struct response response;
    bool crowded; /* more are under way than there may be: to be answered now, without waiting for anything */
};

struct fastcgi_options {
    int listen_fd;     /* opened by spawn-fcgi, perhaps shared with other processes */
    int threads;       /* that accept and read */
    int requests_max;  /* under way at once; past it they are crowded */
    int io_timeout_ms; /* a peer that neither sends nor takes bytes for so long is dropped */
    size_t body_max;   /* bytes */

    void (*take)(void *context,
                 struct exchange *exchange); /* leads to fastcgi_answer, once: now or later, here or elsewhere */
    void *context;
};

/* Starts the threads; NULL: FAULT says why. OPTIONS is copied. Call stop_init (base/stop.h) before, and block the signals it
 * handles: a read that a signal interrupts costs libfcgi its request. */
MUST_CHECK struct fastcgi *fastcgi_start(const struct fastcgi_options *options, struct fault *fault);

/* Writes the response and ends EXCHANGE. Never waits for a slow client. */
void fastcgi_answer(struct exchange *exchange);

/* Waits for MS at the most; true once stopping was asked for and every accepted request has its answer. */
bool fastcgi_ended(struct fastcgi *fastcgi, int ms);

/* Once it has ended. */
void fastcgi_free(struct fastcgi *fastcgi);
