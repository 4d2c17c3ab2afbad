/* memory.c - what Redis remembers of finished creates: those who ask and those who tell go there together, in one round
 * trip. What it says counts only where its signature is right. */
#include "fcgi/create.h"
#include "fcgi/handlers.h"

/* What Redis has said, judged. */
static void judge(struct create *create, struct text value, struct text secret)
{
    struct idempotency_answer answer;

    create->known = METRICS_REDIS_MISS;
    if (!value.ptr)
        return;
    if (!idempotency_open(value, &create->new.key_digest, secret, &answer)) {
        create->known = METRICS_REDIS_DISTRUST;
        return;
    }
    if (!uuid_equal(&answer.body_digest, &create->new.body_digest))
        return;
    create->known = METRICS_REDIS_HIT;
    create->known_id = answer.order_id;
    create->bytes = answer.bytes;
}

static struct text seal(const struct create *create, struct text secret, struct arena *arena)
{
    const struct idempotency_answer answer = {
        .body_digest = create->new.body_digest,
        .order_id = create->new.holder.order_id,
        .bytes = create->bytes,
    };

    return idempotency_seal(&answer, &create->new.key_digest, secret, arena);
}

/* Never fails: without Redis nothing is known, and nothing remembered. */
bool memory_batch(void *context, struct pg *pg, struct arena *arena, void *const *works, size_t count, struct fault *fault)
{
    struct app *app = context;
    struct text secret = *atomic_load_explicit(&app->secret, memory_order_acquire);
    struct redis_command *commands = arena_array(arena, count, sizeof *commands);

    (void)pg;
    (void)fault;
    for (size_t i = 0; i < count; i++) {
        const struct create *create = works[i];

        commands[i].key = idempotency_redis_key(&create->new.key_digest, arena);
        commands[i].arena = create->call->arena;
        if (!create->remember)
            continue;
        commands[i].value = seal(create, secret, arena);
        commands[i].ttl_s = IDEMPOTENCY_TTL_S;
    }
    redis_do(app->redis, commands, count);
    for (size_t i = 0; i < count; i++) {
        struct create *create = works[i];

        if (create->remember)
            continue;
        judge(create, commands[i].value, secret);
        metrics_add(&metrics_own(app->metrics)->redis[create->known], 1);
    }
    return true;
}
