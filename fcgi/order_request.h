/* order_request.h - the body of a create: JSON to struct order, naming all that is wrong at once. */
#pragma once

#include "fcgi/problem.h"
#include "model/order.h"

/* Fills ORDER (but for its id) from BODY, total included; slices live in ARENA. False where VIOLATIONS has grown. */
MUST_CHECK bool order_request_read(struct text body, struct arena *arena, struct order *order,
                                   struct violations *violations);
