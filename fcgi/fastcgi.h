/* fastcgi.h - the FastCGI server: threads that accept, read, answer and end gracefully. */
#pragma once

#include "base/fault.h"
#include "fcgi/request.h"

struct fastcgi;

struct fastcgi_options {
    int listen_fd;     /* opened by spawn-fcgi, perhaps shared with other processes */
    int threads;       /* requests in work at once */
    int io_timeout_ms; /* a peer that neither sends nor takes bytes for so long is dropped */
    size_t body_max;   /* bytes */

    void *(*enter)(void *context); /* a thread begins; returns what ANSWER gets as its own */
    void (*answer)(void *own, const struct request *request, struct response *response);
    void (*leave)(void *own); /* the thread ends */
    void *context;
};

/* Starts the threads; NULL: FAULT says why. OPTIONS is copied. Call stop_init (base/stop.h) before, and block the signals it
 * handles: a read that a signal interrupts costs libfcgi its request. */
MUST_CHECK struct fastcgi *fastcgi_start(const struct fastcgi_options *options, struct fault *fault);

/* Returns when stopping was asked for and every accepted request has its answer; frees. */
void fastcgi_join(struct fastcgi *fastcgi);
