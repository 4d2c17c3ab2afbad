/* replay.h - dead letters an operator wants tried again, through the same transactions as what comes from Kafka. */
#pragma once

#include "workers/runtime/apply.h"

enum { REPLAY_MAX = 50 }; /* letters at a time, each as large as the broker lets a message be */

/* Takes up to REPLAY_MAX letters that are due, oldest first. What is applied is removed in the transaction of its effect,
 * and what was held behind it is due from then on; what fails again goes back with its new reason and waits to be asked for
 * anew. COUNT: how many were taken; there may be more. False: the database cannot be asked. */
MUST_CHECK bool replay_letters(struct apply *apply, size_t *count, struct fault *fault);
