/* http_client.h - HTTP requests to others (libcurl): started here, running and ending in a set of transfers. */
#pragma once

#include "io/transfers.h"

struct http_request {
    const char *method;         /* "GET", "POST", ...: sent as it is */
    const char *url;            /* http:// or https:// */
    const char *const *headers; /* lines "Name: value", NULL-terminated; NULL: none */
    struct text body;           /* ptr NULL: none */
    int timeout_ms;             /* of the whole, connecting included */
    int connect_timeout_ms;
    size_t response_max; /* bytes of the answer's body: beyond, the transfer fails */
};

/* Starts REQUEST, all of which is copied. Its end comes out of transfers_next with TAG. False, and nothing will come: there
 * is no room (FAULT is BUSY), or a header has a line break in it (INVALID). */
MUST_CHECK bool http_start(struct transfers *transfers, const struct http_request *request, void *tag, struct fault *fault);
