/* query.h - database work of one request that does not batch: lists, timelines, cancels. */
#pragma once

#include "fcgi/call.h"

/* Leaves its results in CALL's arena and INTO; may be run again from the start. */
typedef bool query_run(struct pg *pg, struct call *call, void *into, struct fault *fault);

/* Runs RUN on a connection of the query threads, then THEN, for which CALL's `own` is INTO. */
enum call_state query_wait(struct call *call, query_run *run, void *into, call_step *then);
