/* clock.h - the two clocks: one for people, one for waiting. All in milliseconds unless the name says otherwise. */
#pragma once

#include "base/text.h"
#include <stdint.h>

/* Since 1970 UTC. Jumps when the machine's clock is set: never for deadlines. */
int64_t clock_unix_ms(void);
int64_t clock_unix_us(void);

/* Since some start; never runs backwards: for deadlines and durations. */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* Milliseconds left until DEADLINE_MS on the monotonic clock, 0 when it has passed; fits poll(). */
int clock_left_ms(int64_t deadline_ms);

enum { CLOCK_RFC3339_LEN = 24 };

/* "2026-11-22T17:17:57.123Z" (RFC 3339, UTC, exactly 3 decimals), NUL-terminated. Years 1970..9999. */
void clock_rfc3339(int64_t unix_ms, char out[static CLOCK_RFC3339_LEN + 1]);

/* Reads RFC 3339 date-times with any offset and 0..9 decimals (cut to ms), and plain dates as midnight UTC. */
bool clock_parse_rfc3339(struct text text, int64_t *unix_ms);
