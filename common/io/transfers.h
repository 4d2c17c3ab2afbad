/* transfers.h - calls to the world outside, many at once on one thread (libcurl's multi interface).
 *
 * What a transfer says is the affair of http_client.h and its neighbours: each starts transfers here, and all of them end
 * here, as results. Proxies named in the environment are not used, TLS certificates are verified, redirects not followed. */
#pragma once

#include "base/arena.h"
#include "base/fault.h"
#include <stdint.h>

struct transfers;

/* How one transfer ended. BODY lives until the next transfers_wait or transfers_next.
 *
 * FAULT is of kind NONE where the other side has answered, whatever it said. Else it is TRANSIENT or TIMEOUT where nothing
 * can have reached it, PERMANENT where nothing ever will (an address that is none), and UNKNOWN where the request was sent,
 * wholly or in part, and no complete answer came: done or not, ask before repeating. Its code is "transfer_timeout",
 * "transfer_too_large", "transfer_forbidden" or "transfer_failed". */
struct transfer_result {
    void *tag; /* as given at its start */
    struct fault fault;
    int status;             /* of HTTP, or the last reply code of SMTP; 0: none came */
    int64_t retry_after_ms; /* what the header Retry-After asks for (RFC 9110 section 10.2.3), date or seconds; 0: nothing */
    struct text body;
};

/* Room for MAX transfers at once, on as many connections, which are kept and used again. The whole handle belongs to one
 * thread but for transfers_wake. The first call of the process comes before its second thread starts. */
struct transfers *transfers_new(size_t max);

/* Breaks off what is under way; NULL is fine. */
void transfers_free(struct transfers *transfers);

/* How many have been started and not been returned or cancelled. */
size_t transfers_running(const struct transfers *transfers);

/* Moves all of them on and waits until something happened, transfers_wake was called, or WAIT_MS are over. */
void transfers_wait(struct transfers *transfers, int wait_ms);

/* The next one that has ended; false: none has. */
MUST_CHECK bool transfers_next(struct transfers *transfers, struct transfer_result *result);

/* Breaks off those started with TAG: no result will come. */
void transfers_cancel(struct transfers *transfers, const void *tag);

/* Ends a transfers_wait of another thread, or the next one. */
void transfers_wake(struct transfers *transfers);
