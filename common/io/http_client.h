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
    bool public_only; /* for URLs that strangers named: connects to no address but those of net_address_is_public, wherever
                         the name leads at that moment; fails as PERMANENT. All or none of a handle's requests: connections
                         are shared */
};

/* Whether URL is one to send requests to: http or https, a host, no user or password and no fragment. FAULT (INVALID) says
 * what is wrong. Any thread. */
MUST_CHECK bool http_url_check(const char *url, struct fault *fault);

/* Starts REQUEST, all of which is copied. Its end comes out of transfers_next with TAG. False, and nothing will come: there
 * is no room (FAULT is BUSY), or a header has a line break in it (INVALID). */
MUST_CHECK bool http_start(struct transfers *transfers, const struct http_request *request, void *tag, struct fault *fault);
