/* replay.c - from the dead letters' table back into the way of an event. */
#include "workers/runtime/replay.h"
#include "base/log.h"

/* What no handler takes any more, or yet, cannot be applied: the letter stays, and says so. */
static void decode(const struct deadletter *letter, struct arena *arena, struct kafka_record *record,
                   struct delivery *delivery)
{
    delivery_record(letter, arena, record);
    delivery_decode(record, arena, delivery);
    delivery->letter = letter->id;
    if (delivery->kind == DELIVERY_UNHANDLED) {
        delivery->kind = DELIVERY_WORK;
        delivery->work.type = record->ce_type;
        fault_set(&delivery->condemned, FAULT_INVALID, "unhandled", "this service takes no %.*s: discard it",
                  TEXT_FMT(record->ce_type));
    }
}

bool replay_letters(struct apply *apply, size_t *count, struct fault *fault)
{
    ARENA_SCOPE arena = { 0 };
    struct deadletter *letters;
    struct kafka_record records[REPLAY_MAX];
    struct delivery deliveries[REPLAY_MAX];

    *count = 0;
    if (!deadletter_due(apply->pg, &arena, REPLAY_MAX, NEVER_HELD_TYPE, &letters, count, fault))
        return false;
    if (*count == 0)
        return true;
    for (size_t i = 0; i < *count; i++)
        decode(&letters[i], &arena, &records[i], &deliveries[i]);
    stat_add(&apply->stats->replayed, *count);
    log_info("replaying %zu dead letters", *count);
    if (!apply_batch(apply, deliveries, *count))
        log_warn("let go of a replay of %zu dead letters: they stay due", *count);
    delivery_free(deliveries, *count);
    return true;
}
