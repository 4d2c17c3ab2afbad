/* decimal.h - JSON number tokens to scaled integers and back, exactly; no double anywhere. */
#pragma once

#include "base/buf.h"
#include <stdint.h>

enum decimal_result {
    DECIMAL_OK,
    DECIMAL_TOO_PRECISE, /* not a multiple of 10^-decimals */
    DECIMAL_TOO_LARGE,   /* does not fit int64 at that scale */
    DECIMAL_MALFORMED,   /* no JSON number (RFC 8259 section 6) */
};

/* Reads TOKEN as VALUE x 10^-DECIMALS (DECIMALS 0..9): "19.99" with 2 is 1999, "1e2" with 0 is 100. Trailing zeros are
 * no precision: "19.990" with 2 is 1999. "-0" is 0. Exponents of any size cost linear time. Pure. */
enum decimal_result decimal_parse(struct text token, int decimals, int64_t *value);

/* Appends VALUE x 10^-DECIMALS with exactly DECIMALS decimals: 2450 with 2 is "24.50". */
void decimal_append(struct buf *buf, int64_t value, int decimals);

/* The same without trailing zeros: 14500 with 3 is "14.5", 33000 is "33". */
void decimal_append_short(struct buf *buf, int64_t value, int decimals);
