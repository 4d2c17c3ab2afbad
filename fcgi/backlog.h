/* backlog.h - whether too many events wait for Kafka to take more orders. */
#pragma once

#include "io/pg.h"

struct backlog;

/* Looks at the outbox every second, on a thread and connection of its own. From MAX waiting events on the backlog is full,
 * until a tenth of them has gone. OPTIONS's strings have to outlive it. NULL: FAULT says why. */
MUST_CHECK struct backlog *backlog_new(const struct pg_options *options, int64_t max, struct fault *fault);

/* Reads what the last look has found. While the database cannot be asked, that stands. Thread safe. */
bool backlog_is_full(const struct backlog *backlog);

/* Ends the thread, frees; NULL is fine. */
void backlog_free(struct backlog *backlog);
