/* curl_transfer.h - for the files that speak a protocol by libcurl, and nobody else: one transfer, to be filled in and
 * begun. */
#pragma once

#include "base/buf.h"
#include "io/transfers.h"

#include <curl/curl.h>

struct transfer {
    struct transfers *owner;
    CURL *easy;
    struct curl_slist *list; /* owned: the protocol's own, such as headers or recipients */
    struct arena arena;      /* ends with the transfer: what libcurl reads while it runs goes here */
    struct buf body;         /* of the answer */
    size_t body_max;
    bool too_large;
    bool forbidden; /* the protocol did not let it connect: the address is not public */
    void *tag;
    char error[CURL_ERROR_SIZE];
};

/* A transfer to URL with all that protocols have in common set: deadlines of the whole and of connecting in milliseconds,
 * the bound of the answer's size, the PROTOCOLS allowed ("http,https"). NULL: no room, FAULT is BUSY. */
struct transfer *transfer_new(struct transfers *owner, void *tag, const char *url, const char *protocols, int timeout_ms,
                              int connect_timeout_ms, size_t body_max, struct fault *fault);

/* Appends LINE to the transfer's list. */
void transfer_list_add(struct transfer *transfer, const char *line);

/* Hands it over to its owner, which returns it as a result. */
void transfer_begin(struct transfer *transfer);
