/* digest.c - the one file that knows libcrypto. */
#include "io/digest.h"

#include <endian.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>

/* Looked up once: each implicit look-up by name would take libcrypto's locks. */
static pthread_once_t fetched = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;
static EVP_MAC *hmac;

/* What fails here is want of memory or a broken libcrypto, and a digest left out would be worse than no process. */
static void require(bool good)
{
    if (!good)
        abort();
}

static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    require(sha256 && hmac);
}

struct digest digest_parts(const struct text *parts, size_t count)
{
    struct digest digest;
    EVP_MD_CTX *context;

    pthread_once(&fetched, fetch);
    context = EVP_MD_CTX_new();
    require(context && EVP_DigestInit_ex2(context, sha256, NULL));
    for (size_t i = 0; i < count; i++) {
        uint64_t len = htobe64(parts[i].len);

        require(EVP_DigestUpdate(context, &len, sizeof len) && EVP_DigestUpdate(context, parts[i].ptr, parts[i].len));
    }
    require(EVP_DigestFinal_ex(context, digest.bytes, NULL));
    EVP_MD_CTX_free(context);
    return digest;
}

static EVP_MAC_CTX *hmac_begin(struct text secret)
{
    char name[] = "SHA256";
    const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                  OSSL_PARAM_construct_end() };
    EVP_MAC_CTX *context;

    pthread_once(&fetched, fetch);
    context = EVP_MAC_CTX_new(hmac);
    require(context && EVP_MAC_init(context, (const unsigned char *)secret.ptr, secret.len, params));
    return context;
}

static void hmac_add(EVP_MAC_CTX *context, const void *bytes, size_t len)
{
    require(EVP_MAC_update(context, bytes, len));
}

static struct digest hmac_end(EVP_MAC_CTX *context)
{
    struct digest digest;
    size_t size;

    require(EVP_MAC_final(context, digest.bytes, &size, sizeof digest.bytes) && size == sizeof digest.bytes);
    EVP_MAC_CTX_free(context);
    return digest;
}

struct digest digest_hmac(struct text secret, const struct text *parts, size_t count)
{
    EVP_MAC_CTX *context = hmac_begin(secret);

    for (size_t i = 0; i < count; i++) {
        uint64_t len = htobe64(parts[i].len);

        hmac_add(context, &len, sizeof len);
        hmac_add(context, parts[i].ptr, parts[i].len);
    }
    return hmac_end(context);
}

struct digest digest_sign(struct text secret, struct text bytes)
{
    EVP_MAC_CTX *context = hmac_begin(secret);

    hmac_add(context, bytes.ptr, bytes.len);
    return hmac_end(context);
}

void digest_base64(struct buf *out, const void *bytes, size_t len)
{
    char *at = buf_reserve(out, (len + 2) / 3 * 4 + 1); /* the NUL */

    out->len += (size_t)EVP_EncodeBlock((unsigned char *)at, bytes, (int)len);
}

struct uuid digest_short(const struct digest *digest)
{
    struct uuid first;

    memcpy(first.bytes, digest->bytes, sizeof first.bytes);
    return first;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return CRYPTO_memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
