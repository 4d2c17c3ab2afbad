/* batch.h - what the runtime itself does with batches; what handlers do is in service.h. */
#pragma once

#include "workers/runtime/service.h"

/* Calls HANDLE on BATCH; FAULT says why it failed. */
MUST_CHECK bool batch_handle(struct batch *batch, handler *handle, struct fault *fault);

/* Whether FAULT of a transaction is the fault of something in it, which a smaller one would find. Undefined functions and
 * missing rights are a deployment's, however often each event is tried on its own. Pure. */
bool batch_is_blamed(const struct fault *fault);
