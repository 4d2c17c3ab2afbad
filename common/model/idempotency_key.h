/* idempotency_key.h - the Idempotency-Key header, bare or as an RFC 8941 string. */
#pragma once

#include "base/arena.h"
#include "base/fault.h"

enum { IDEMPOTENCY_KEY_MAX = 255 };

/* KEY is the value without quotes and escapes: 1..255 characters 0x21..0x7E. A value that starts with a quote has to be a
 * whole sf-string (RFC 8941 section 3.3.3). FAULT (FAULT_INVALID) says what is wrong with it. Pure apart from ARENA. */
MUST_CHECK bool idempotency_key_parse(struct text header, struct arena *arena, struct text *key, struct fault *fault);
