/* journal.h - what clients sent and were told, one JSON object a line, in the order in which it happened:
 *
 *     {"n": 7, "key": "...", "customer": "<uuid>", "total": 1234}    attempt to place order 7 (minor units) begins
 *     {"n": 7, "status": 201, "order": "<uuid>"}                      what it was answered; nothing: nobody knows
 *
 * One number, one key, one customer an order, however often it is sent. Other members are passed over. */
#pragma once

#include "base/arena.h"
#include "base/fault.h"
#include "base/uuid.h"

/* An order that a client wanted. */
struct journal_order {
    int64_t number;
    struct uuid customer;
    int64_t total_minor;
    int64_t attempts;
    bool acknowledged; /* by a 201 */
    struct uuid order; /* that the first 201 named */
    bool contradicted; /* another 201 named another one */
};

struct journal {
    struct journal_order *orders; /* by number */
    size_t count;
};

/* Reads the file at PATH; memory of ARENA. INVALID names file, line and what is wrong there. A last line that is cut short,
 * as a crash leaves it, counts as not written. */
MUST_CHECK bool journal_read(const char *path, struct arena *arena, struct journal *journal, struct fault *fault);
