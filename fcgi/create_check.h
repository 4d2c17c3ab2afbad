/* create_check.h - what a create has to bring. */
#pragma once

#include "fcgi/call.h"

/* Reads key and order from the request; false: CALL is answered with everything that is wrong. */
MUST_CHECK bool create_check(struct call *call, struct text *key, struct order *order);
