#include "base/uuid.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/random.h"
#include <stdint.h>

enum {
    COUNTER_MAX = 0xFFF,  /* 12 bits */
    COUNTER_SEED = 0x7FF, /* a new millisecond starts in the lower half and so has 2048 ids ahead of it at least */
};

static struct uuid assemble(int64_t unix_ms, unsigned counter, uint64_t tail)
{
    struct uuid uuid;
    uint64_t high = (uint64_t)unix_ms << 16 | 0x7000 | counter;
    uint64_t low = (tail & 0x3FFFFFFFFFFFFFFF) | 0x8000000000000000;

    high = __builtin_bswap64(high);
    low = __builtin_bswap64(low);
    memcpy(uuid.bytes, &high, 8);
    memcpy(uuid.bytes + 8, &low, 8);
    return uuid;
}

struct uuid uuid_v7(void)
{
    static _Thread_local int64_t last_ms;
    static _Thread_local unsigned counter;
    int64_t now = clock_unix_ms();
    uint64_t tail;

    random_bytes(&tail, sizeof tail);
    if (now <= last_ms && counter < COUNTER_MAX) { /* same millisecond, or the clock was set back */
        counter++;
    } else {
        uint16_t seed;

        /* A full counter borrows the next millisecond rather than waiting for it. */
        last_ms = now > last_ms ? now : last_ms + 1;
        random_bytes(&seed, sizeof seed);
        counter = seed & COUNTER_SEED;
    }
    return assemble(last_ms, counter, tail);
}

struct uuid uuid_v7_floor(int64_t unix_ms)
{
    enum { MS_BITS = 48 };
    int64_t last = ((int64_t)1 << MS_BITS) - 1;

    if (unix_ms < 0)
        unix_ms = 0;
    return assemble(unix_ms < last ? unix_ms : last, 0, 0);
}

int64_t uuid_unix_ms(const struct uuid *uuid)
{
    uint64_t high;

    memcpy(&high, uuid->bytes, sizeof high);
    return (int64_t)(__builtin_bswap64(high) >> 16);
}

static bool hyphen_before(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

bool uuid_parse(struct text text, struct uuid *uuid)
{
    struct uuid parsed;
    const char *at = text.ptr;

    if (text.len != UUID_TEXT_LEN)
        return false;
    for (size_t i = 0; i < sizeof parsed.bytes; i++, at += 2) {
        int high, low;

        if (hyphen_before(i) && *at++ != '-')
            return false;
        high = hex_value(at[0]);
        low = hex_value(at[1]);
        if (high < 0 || low < 0)
            return false;
        parsed.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *uuid = parsed;
    return true;
}

void uuid_format(const struct uuid *uuid, char out[static UUID_TEXT_LEN + 1])
{
    for (size_t i = 0; i < sizeof uuid->bytes; i++) {
        if (hyphen_before(i))
            *out++ = '-';
        out = hex_put(out, &uuid->bytes[i], 1);
    }
    *out = '\0';
}

int uuid_compare(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}
