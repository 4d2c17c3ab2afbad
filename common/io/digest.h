/* digest.h - SHA-256 and HMAC-SHA256 (FIPS 180-4, RFC 2104) by libcrypto. All functions are thread safe. */
#pragma once

#include "base/buf.h"
#include "base/uuid.h"
#include <stdint.h>

struct digest {
    uint8_t bytes[32];
};

/* SHA-256 over PARTS, each preceded by its length as 8 bytes big-endian, so that no two lists collide. */
struct digest digest_parts(const struct text *parts, size_t count);

/* HMAC-SHA256 over PARTS, framed likewise. */
struct digest digest_hmac(struct text secret, const struct text *parts, size_t count);

/* HMAC-SHA256 over BYTES as they are: for signatures that others check. */
struct digest digest_sign(struct text secret, struct text bytes);

/* Appends BYTES in base64 (RFC 4648 section 4), padded. */
void digest_base64(struct buf *out, const void *bytes, size_t len);

/* The first 16 bytes, in the shape PostgreSQL stores best. */
struct uuid digest_short(const struct digest *digest);

/* In constant time. */
bool digest_equal(const struct digest *a, const struct digest *b);
