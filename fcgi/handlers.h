/* handlers.h - one handler an endpoint, each in the file of its name, and the batches they hand to the batchers. */
#pragma once

#include "fcgi/call.h"

handler handle_create, handle_list, handle_read, handle_cancel, handle_timeline; /* orders */
handler handle_liveness, handle_readiness, handle_metrics;                       /* health.c */

/* What the batchers of struct app run. */
batcher_run create_batch; /* create.c */
batcher_run memory_batch; /* memory.c */
batcher_run read_batch;   /* read.c */
batcher_run query_batch;  /* query.c */
batcher_run probe_batch;  /* health.c */
