/* idempotency.c - digests, the decision, and the sealed value. */
#include "fcgi/idempotency.h"

static const struct text client = TEXT("default");

static struct text uuid_bytes(const struct uuid *uuid)
{
    return (struct text){ (const char *)uuid->bytes, sizeof uuid->bytes };
}

struct uuid idempotency_key_digest(struct text key)
{
    const struct text parts[] = { TEXT("orderline key v1"), client, key };
    struct digest digest = digest_parts(parts, ARRAY_LEN(parts));

    return digest_short(&digest);
}

struct uuid idempotency_body_digest(const struct order *order, struct text items, struct text address)
{
    const struct text parts[] = { TEXT("orderline body v1"), uuid_bytes(&order->customer_id), text_of(order->currency),
                                  items, address };
    struct digest digest = digest_parts(parts, ARRAY_LEN(parts));

    return digest_short(&digest);
}

enum idempotency_step idempotency_decide(const struct orders_new *asked, bool time_left)
{
    switch (asked->outcome) {
    case ORDERS_CREATED:
        return IDEMPOTENCY_CREATED;
    case ORDERS_EXISTS:
        if (uuid_equal(&asked->holder.order_id, &asked->order->id))
            return IDEMPOTENCY_CREATED;
        return uuid_equal(&asked->holder.body_digest, &asked->body_digest) ? IDEMPOTENCY_REPLAY : IDEMPOTENCY_MISMATCH;
    case ORDERS_BUSY:
        break;
    }
    return time_left ? IDEMPOTENCY_ASK_AGAIN : IDEMPOTENCY_IN_PROGRESS;
}

/* ---- what Redis remembers: signature, digest of the body, order id, the answer's bytes ---- */

enum {
    AT_BODY_DIGEST = sizeof(struct digest),
    AT_ORDER_ID = AT_BODY_DIGEST + sizeof(struct uuid),
    AT_BYTES = AT_ORDER_ID + sizeof(struct uuid),
};

struct text idempotency_redis_key(const struct uuid *key_digest, struct arena *arena)
{
    char text[UUID_TEXT_LEN + 1];

    uuid_format(key_digest, text);
    return arena_printf(arena, "idempotency:v1:%s", text);
}

/* Over all that follows the signature, and the key it is for. */
static struct digest sign(struct text signed_part, const struct uuid *key_digest, struct text secret)
{
    const struct text parts[] = { TEXT("orderline answer v1"), client, uuid_bytes(key_digest), signed_part };

    return digest_hmac(secret, parts, ARRAY_LEN(parts));
}

struct text idempotency_seal(const struct idempotency_answer *answer, const struct uuid *key_digest, struct text secret,
                             struct arena *arena)
{
    size_t len = AT_BYTES + answer->bytes.len;
    char *value = arena_alloc(arena, len);
    struct digest signature;

    memcpy(value + AT_BODY_DIGEST, &answer->body_digest, sizeof answer->body_digest);
    memcpy(value + AT_ORDER_ID, &answer->order_id, sizeof answer->order_id);
    memcpy(value + AT_BYTES, answer->bytes.ptr, answer->bytes.len);
    signature = sign((struct text){ value + AT_BODY_DIGEST, len - AT_BODY_DIGEST }, key_digest, secret);
    memcpy(value, &signature, sizeof signature);
    return (struct text){ value, len };
}

bool idempotency_open(struct text value, const struct uuid *key_digest, struct text secret,
                      struct idempotency_answer *answer)
{
    struct digest signature, expected;

    if (value.len <= AT_BYTES)
        return false;
    memcpy(&signature, value.ptr, sizeof signature);
    expected = sign((struct text){ value.ptr + AT_BODY_DIGEST, value.len - AT_BODY_DIGEST }, key_digest, secret);
    if (!digest_equal(&signature, &expected))
        return false;
    memcpy(&answer->body_digest, value.ptr + AT_BODY_DIGEST, sizeof answer->body_digest);
    memcpy(&answer->order_id, value.ptr + AT_ORDER_ID, sizeof answer->order_id);
    answer->bytes = (struct text){ value.ptr + AT_BYTES, value.len - AT_BYTES };
    return true;
}
