/* effect_settle.c - transactions of outcomes. Where one fails for what is in it, its halves are tried, down to the one
 * outcome at fault, which is given up without its settle. */
#include "workers/runtime/effect_settle.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "store/outbox.h"
#include "workers/runtime/batch.h"

static struct effect_key *keys_of(struct arena *arena, const struct outcome *outcomes, size_t count)
{
    struct effect_key *keys = arena_array(arena, count, sizeof *keys);

    for (size_t i = 0; i < count; i++) {
        const struct effect *effect = outcomes[i].effect;

        keys[i] = (struct effect_key){ .id = effect->id, .lease = outcomes[i].lease };
        if (effect->failed.kind != FAULT_NONE)
            keys[i].error = arena_plain(arena, text_of(effect->failed.detail));
    }
    return keys;
}

static void log_given_up(const struct outcome *outcome, struct text why)
{
    char order_id[UUID_TEXT_LEN + 1], id[UUID_TEXT_LEN + 1];
    const struct log_context context = { .order_id = order_id, .event_id = id };

    uuid_format(&outcome->effect->order_id, order_id);
    uuid_format(&outcome->effect->id, id);
    log_write(LOG_ERROR, &context, "gave up %s: %.*s", outcome->effect->kind->name, TEXT_FMT(why));
}

/* Fills the batch with the outcomes still held; ORIGINS tells which keys they are. */
static void fill_batch(struct batch *batch, const struct outcome *outcomes, const struct effect_key *keys, size_t count,
                       size_t *origins)
{
    batch->works = arena_array(batch->arena, count, sizeof *batch->works);
    for (size_t i = 0; i < count; i++) {
        const struct effect *effect = outcomes[i].effect;

        if (!keys[i].held)
            continue;
        origins[batch->count] = i;
        batch->works[batch->count++] = (struct work){
            .event_id = effect->id,
            .order_id = effect->order_id,
            .type = text_of(effect->kind->name),
            .trace = effect->trace,
            .span = traceparent_child(&effect->trace),
            .doc = outcomes[i].answer,
            .effect = effect,
        };
    }
}

static bool commit(struct tx *tx, struct fault *fault)
{
    if (!tx_commit(tx, fault))
        return false;
    if (failpoint_hit("effect.after_settle"))
        return fault_set(fault, FAULT_UNKNOWN, "failpoint", "effect.after_settle was told to fail");
    return true;
}

/* CONDEMNED: ends the one outcome given up for that reason, without its settle. */
static bool run(struct pg *pg, struct arena *arena, handler *settle, const struct outcome *outcomes, size_t count,
                const char *condemned, uint64_t *created, struct fault *fault)
{
    TX_SCOPE tx = { 0 };
    struct outbox_batch outbox;
    struct effect_batch effects;
    struct batch batch = { .arena = arena, .tx = &tx, .outbox = &outbox, .effects = &effects };
    struct effect_key *keys;
    size_t *origins;

    arena_reset(arena);
    *fault = (struct fault){ 0 };
    keys = keys_of(arena, outcomes, count);
    origins = arena_array(arena, count, sizeof *origins);
    outbox_batch_init(&outbox, arena, count);
    effect_batch_init(&effects, arena);
    if (failpoint_hit("effect.before_settle"))
        return fault_set(fault, FAULT_TRANSIENT, "failpoint", "effect.before_settle was told to fail");
    if (!tx_begin(&tx, pg, fault) || !effect_claim(&tx, arena, keys, count, fault))
        return false;

    fill_batch(&batch, outcomes, keys, count, origins);
    if (condemned)
        keys[0].error = arena_plain(arena, text_of(condemned));
    else if (batch.count > 0 && !batch_handle(&batch, settle, fault))
        return false;
    for (size_t i = 0; i < batch.count; i++)
        if (work_is_rejected(&batch.works[i]))
            keys[origins[i]].error = arena_plain(arena, text_of(batch.works[i].rejected.detail));

    if (!effect_end(&tx, arena, keys, count, fault) || !outbox_append(&tx, &outbox, fault) ||
        !effect_append(&tx, &effects, fault) || !commit(&tx, fault))
        return false;
    *created += effects.count;
    for (size_t i = 0; i < count; i++)
        if (keys[i].held && keys[i].error.ptr)
            log_given_up(&outcomes[i], keys[i].error);
    return true;
}

bool effect_settle(struct pg *pg, struct arena *arena, handler *settle, const struct outcome *outcomes, size_t count,
                   uint64_t *created, struct fault *fault)
{
    size_t half = count / 2;
    struct fault blamed;

    if (run(pg, arena, settle, outcomes, count, NULL, created, fault))
        return true;
    if (!batch_is_blamed(fault))
        return false;
    if (half > 0)
        return effect_settle(pg, arena, settle, outcomes, half, created, fault) &&
               effect_settle(pg, arena, settle, outcomes + half, count - half, created, fault);
    blamed = *fault;
    return run(pg, arena, settle, outcomes, count, blamed.detail, created, fault);
}
