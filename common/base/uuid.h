/* uuid.h - UUIDs (RFC 9562): read in any case, written in lower case, made as version 7. */
#pragma once

#include "base/cleanup.h"
#include "base/text.h"
#include <stdint.h>

struct uuid {
    uint8_t bytes[16];
};

enum { UUID_TEXT_LEN = 36 };

/* A new version 7: Unix milliseconds, then a 12-bit counter and 62 random bits (section 6.2 method 1 within a thread), so
 * that ids of one thread rise strictly. Thread safe, no lock; random bits from getrandom in large draws. */
struct uuid uuid_v7(void);

/* The smallest version-7 id of that millisecond: a bound for time ranges over ids. */
struct uuid uuid_v7_floor(int64_t unix_ms);

/* The millisecond inside a version-7 id. */
int64_t uuid_unix_ms(const struct uuid *uuid);

/* 8-4-4-4-12 hexadecimal digits of any case and nothing else; any version. */
MUST_CHECK bool uuid_parse(struct text text, struct uuid *uuid);

/* 36 characters in lower case and a NUL. */
void uuid_format(const struct uuid *uuid, char out[static UUID_TEXT_LEN + 1]);

/* As memcmp: the order PostgreSQL gives uuid. */
int uuid_compare(const struct uuid *a, const struct uuid *b);

static inline bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
