/* apply.c - transactions of the consumer runtime.
 *
 * Whatever fails, the same events are tried again in the same order: all of them where the fault may pass, in halves where
 * it stays, until it is down to the one event that goes to the dead letters. */
#include "workers/runtime/apply.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "io/otlp.h"
#include "store/deadletter.h"
#include "store/effects.h"
#include "store/outbox.h"
#include "workers/runtime/batch.h"

/* Events of one handler, in log order. */
struct group {
    handler *handle; /* NULL: messages without a type, which are all condemned */
    struct delivery **at;
    size_t count;
};

/* One try of a group. Memory of the try's arena. */
struct attempt {
    const struct group *group;
    enum inbox_verdict *verdicts; /* one a delivery of the group */
    struct work *works;           /* copies of the fresh ones: a repeat starts from untouched ones */
    struct delivery **origins;    /* works[i] was origins[i] */
    size_t work_count;
    struct deadletter *letters;
    size_t letter_count;
    int64_t begun_us; /* Unix time */
};

enum outcome {
    OUTCOME_COMMITTED,
    OUTCOME_SMALLER, /* rolled back, more of the group is condemned now: try again at once */
    OUTCOME_BLAMED,  /* rolled back: an event of the group is at fault */
    OUTCOME_FAILED,  /* rolled back, or unknown; no event is at fault */
};

static bool is_never_held(const struct delivery *delivery)
{
    return text_is(delivery->work.type, NEVER_HELD_TYPE);
}

/* A batch comes from Kafka or from the dead letters, never from both. */
static bool is_replay(const struct group *group)
{
    return group->at[0]->letter != 0;
}

/* ---- one try ---- */

/* Verdicts of the inbox; a message without ids cannot be looked up there and counts as fresh. */
static bool claim(struct apply *apply, struct tx *tx, struct attempt *try, struct fault *fault)
{
    const struct group *group = try->group;
    struct inbox_event *events = arena_array(&apply->arena, group->count, sizeof *events);
    size_t *places = arena_array(&apply->arena, group->count, sizeof *places);
    size_t count = 0;

    for (size_t i = 0; i < group->count; i++) {
        const struct delivery *delivery = group->at[i];

        if (!is_replay(group) && (!delivery->has_event_id || !delivery->has_order_id))
            continue;
        places[count] = i;
        events[count++] = (struct inbox_event){
            .event_id = delivery->work.event_id,
            .order_id = delivery->work.order_id,
            .never_held = is_never_held(delivery),
            .letter = delivery->letter,
        };
    }
    if (is_replay(group) ? !deadletter_claim(tx, &apply->arena, events, count, fault)
                         : !inbox_claim(tx, &apply->arena, events, count, fault))
        return false;
    for (size_t i = 0; i < count; i++)
        try->verdicts[places[i]] = events[i].verdict;
    return true;
}

static void set_aside(struct apply *apply, struct attempt *try, const struct delivery *delivery, const char *reason,
                      bool held)
{
    const struct kafka_record *record = delivery->record;

    try->letters[try->letter_count++] = (struct deadletter){
        .id = delivery->letter,
        .event_id = delivery->has_event_id ? &delivery->work.event_id : NULL,
        .order_id = delivery->has_order_id ? &delivery->work.order_id : NULL,
        .type = arena_plain(&apply->arena, delivery->work.type),
        .topic = record->topic,
        .partition = record->partition,
        .offset = record->offset,
        .key = record->key,
        .payload = record->value,
        .dataschema = arena_plain(&apply->arena, record->ce_dataschema),
        .traceparent = text_of(delivery->work.trace.text),
        .reason = arena_plain(&apply->arena, text_of(reason)),
        .held = held,
    };
}

/* Whether one of the letters from FIRST on is about DELIVERY's order. */
static bool waits_behind(const struct attempt *try, size_t first, const struct delivery *delivery)
{
    if (!delivery->has_order_id || is_never_held(delivery))
        return false;
    for (size_t i = first; i < try->letter_count; i++)
        if (try->letters[i].order_id && uuid_equal(try->letters[i].order_id, &delivery->work.order_id))
            return true;
    return false;
}

/* Who goes to the handler, who to the dead letters, and who was here before. */
static void sort_out(struct apply *apply, struct attempt *try)
{
    for (size_t i = 0; i < try->group->count; i++) {
        struct delivery *delivery = try->group->at[i];

        if (try->verdicts[i] == INBOX_FRESH && waits_behind(try, 0, delivery))
            try->verdicts[i] = INBOX_HELD;
        if (try->verdicts[i] == INBOX_DUPLICATE)
            continue;
        if (delivery->condemned.kind != FAULT_NONE) {
            set_aside(apply, try, delivery, delivery->condemned.detail, false);
        } else if (try->verdicts[i] == INBOX_HELD) {
            set_aside(apply, try, delivery, "waits behind an earlier event of its order", true);
        } else {
            try->origins[try->work_count] = delivery;
            try->works[try->work_count++] = delivery->work;
        }
    }
}

/* Condemns and sets aside what the handler rejected. False when it also handled a later event of such an order, which
 * should have waited: the group has to start over. */
static bool take_rejected(struct apply *apply, struct attempt *try)
{
    size_t first = try->letter_count;

    for (size_t i = 0; i < try->work_count; i++) {
        struct delivery *origin = try->origins[i];

        if (work_is_rejected(&try->works[i])) {
            origin->condemned = try->works[i].rejected;
            set_aside(apply, try, origin, origin->condemned.detail, false);
        } else if (waits_behind(try, first, origin)) {
            return false;
        }
    }
    return true;
}

static enum outcome failure(const struct attempt *try, const struct fault *fault)
{
    return try->work_count > 0 && batch_is_blamed(fault) ? OUTCOME_BLAMED : OUTCOME_FAILED;
}

/* Between two failpoints. */
static bool commit(struct tx *tx, const char *before, const char *after, struct fault *fault)
{
    if (failpoint_hit(before))
        return fault_set(fault, FAULT_TRANSIENT, "failpoint", "%s was told to fail", before);
    if (!tx_commit(tx, fault))
        return false;
    if (failpoint_hit(after))
        return fault_set(fault, FAULT_UNKNOWN, "failpoint", "%s was told to fail", after);
    return true;
}

static enum event_result result_of(const struct attempt *try, size_t i)
{
    return try->verdicts[i] == INBOX_DUPLICATE               ? EVENT_DUPLICATE
           : try->group->at[i]->condemned.kind != FAULT_NONE ? EVENT_DEAD
           : try->verdicts[i] == INBOX_HELD                  ? EVENT_HELD
                                                             : EVENT_APPLIED;
}

/* What was set aside, into the table; in a replay what was not, out of it. */
static bool keep_letters(struct apply *apply, struct tx *tx, const struct attempt *try, struct fault *fault)
{
    const struct group *group = try->group;
    int64_t *done = arena_array(&apply->arena, group->count, sizeof *done);
    size_t count = 0;

    if (!is_replay(group))
        return deadletter_add(tx, &apply->arena, try->letters, try->letter_count, fault);
    for (size_t i = 0; i < group->count; i++) {
        enum event_result result = result_of(try, i);

        if (result == EVENT_APPLIED || result == EVENT_DUPLICATE)
            done[count++] = group->at[i]->letter;
    }
    return deadletter_settle(tx, &apply->arena, done, count, try->letters, try->letter_count, fault);
}

static enum outcome run(struct apply *apply, struct attempt *try, struct fault *fault)
{
    TX_SCOPE tx = { 0 };
    struct outbox_batch outbox;
    struct effect_batch effects;
    struct batch batch = { .arena = &apply->arena, .tx = &tx, .outbox = &outbox, .effects = &effects };

    outbox_batch_init(&outbox, &apply->arena, try->group->count);
    effect_batch_init(&effects, &apply->arena);
    if (!tx_begin(&tx, apply->pg, fault) || !claim(apply, &tx, try, fault))
        return OUTCOME_FAILED;

    sort_out(apply, try);
    batch.works = try->works;
    batch.count = try->work_count;
    if (try->group->handle && batch.count > 0 && !batch_handle(&batch, try->group->handle, fault))
        return failure(try, fault);
    if (!take_rejected(apply, try))
        return OUTCOME_SMALLER;

    if (!keep_letters(apply, &tx, try, fault))
        return OUTCOME_FAILED;
    if (!outbox_append(&tx, &outbox, fault) || !effect_append(&tx, &effects, fault) ||
        !commit(&tx, "worker.before_commit", "worker.after_commit", fault))
        return failure(try, fault);
    apply->effects += effects.count;
    return OUTCOME_COMMITTED;
}

/* ---- what came of it ---- */

static void log_letter(const struct deadletter *letter)
{
    char event_id[UUID_TEXT_LEN + 1], order_id[UUID_TEXT_LEN + 1];
    struct log_context context = { 0 };

    if (letter->event_id) {
        uuid_format(letter->event_id, event_id);
        context.event_id = event_id;
    }
    if (letter->order_id) {
        uuid_format(letter->order_id, order_id);
        context.order_id = order_id;
    }
    log_write(letter->held ? LOG_INFO : LOG_WARN, &context, "set aside %.*s from %s/%d@%lld: %.*s", TEXT_FMT(letter->type),
              letter->topic, letter->partition, (long long)letter->offset, TEXT_FMT(letter->reason));
}

static enum dead_reason reason_of(const struct fault *condemned)
{
    return strcmp(condemned->code, "undecodable") == 0 || strcmp(condemned->code, "unhandled") == 0 ? DEAD_UNREADABLE
           : strcmp(condemned->code, "rejected") == 0                                               ? DEAD_REJECTED
                                                                                                    : DEAD_REFUSED;
}

static void tell_span(const struct attempt *try, const struct work *work, bool failed, int64_t end_us)
{
    otlp_add(&(struct otlp_span){
        .trace = &work->span,
        .parent = &work->trace,
        .kind = OTLP_CONSUMER,
        .name = work->type,
        .order_id = &work->order_id,
        .begin_us = try->begun_us,
        .end_us = end_us,
        .failed = failed,
    });
}

static void count_results(struct stats *stats, const struct attempt *try)
{
    int64_t now_us = clock_unix_us(), now_ms = now_us / 1000;

    for (size_t i = 0; i < try->letter_count; i++)
        log_letter(&try->letters[i]);
    for (size_t i = 0; i < try->group->count; i++) {
        const struct delivery *delivery = try->group->at[i];
        enum event_result result = result_of(try, i);

        stat_add(&stats->events[delivery->row][result], 1);
        if (result == EVENT_DEAD)
            stat_add(&stats->dead[reason_of(&delivery->condemned)], 1);
        else if (result == EVENT_APPLIED) /* the id tells when the order was placed */
            metric_observe(&stats->ages[delivery->row], &metric_age_ms, now_ms - uuid_unix_ms(&delivery->work.order_id));
        if (result == EVENT_DEAD || result == EVENT_APPLIED)
            tell_span(try, &delivery->work, result == EVENT_DEAD, now_us);
    }
}

static enum outcome try_group(struct apply *apply, const struct group *group, struct fault *fault)
{
    struct attempt try = { .group = group, .begun_us = clock_unix_us() };
    enum outcome outcome;

    arena_reset(&apply->arena);
    *fault = (struct fault){ 0 };
    try.verdicts = arena_array(&apply->arena, group->count, sizeof *try.verdicts);
    try.works = arena_array(&apply->arena, group->count, sizeof *try.works);
    try.origins = arena_array(&apply->arena, group->count, sizeof(struct delivery *));
    try.letters = arena_array(&apply->arena, group->count, sizeof *try.letters);

    outcome = run(apply, &try, fault);
    if (outcome == OUTCOME_COMMITTED)
        count_results(apply->stats, &try);
    return outcome;
}

/* The first half is through, dead letters and all, before the second starts: events of one order keep theirs. */
static bool apply_group(struct apply *apply, const struct group *group)
{
    size_t half = group->count / 2;
    int attempt = 0;

    for (;;) {
        struct fault fault;

        switch (try_group(apply, group, &fault)) {
        case OUTCOME_COMMITTED:
            return true;
        case OUTCOME_SMALLER:
            break;
        case OUTCOME_BLAMED:
            if (half > 0)
                return apply_group(apply, &(struct group){ group->handle, group->at, half }) &&
                       apply_group(apply, &(struct group){ group->handle, group->at + half, group->count - half });
            group->at[0]->condemned = fault;
            break;
        case OUTCOME_FAILED:
            stat_add(&apply->stats->retries, 1);
            if (!apply->pause(apply->context, &fault, ++attempt))
                return false;
            break;
        }
    }
}

/* ---- a batch ---- */

/* The row after those that share ROW's handler. */
static size_t group_end(size_t row)
{
    handler *handle = service.handles[row].handle;

    while (row < service.handle_count && service.handles[row].handle == handle)
        row++;
    return row;
}

bool apply_batch(struct apply *apply, struct delivery *deliveries, size_t count)
{
    ARENA_SCOPE arena = { 0 };
    struct delivery **members = arena_array(&arena, count, sizeof(struct delivery *));

    for (size_t row = 0, end; row <= service.handle_count; row = end) {
        bool typed = row < service.handle_count;
        struct group group = { .handle = typed ? service.handles[row].handle : NULL, .at = members };

        end = typed ? group_end(row) : row + 1;
        for (size_t i = 0; i < count; i++)
            if (deliveries[i].kind == DELIVERY_WORK && deliveries[i].row >= row && deliveries[i].row < end)
                members[group.count++] = &deliveries[i];
        if (group.count > 0 && !apply_group(apply, &group))
            return false;
    }
    return true;
}

bool apply_tick(struct apply *apply, struct fault *fault)
{
    TX_SCOPE tx = { 0 };
    struct outbox_batch outbox;
    struct effect_batch effects;
    struct batch batch = { .arena = &apply->arena, .tx = &tx, .outbox = &outbox, .effects = &effects };

    arena_reset(&apply->arena);
    outbox_batch_init(&outbox, &apply->arena, 0);
    effect_batch_init(&effects, &apply->arena);
    if (!tx_begin(&tx, apply->pg, fault) || !batch_handle(&batch, service.tick, fault) ||
        !outbox_append(&tx, &outbox, fault) || !effect_append(&tx, &effects, fault) ||
        !commit(&tx, "worker.before_tick", "worker.after_tick", fault))
        return false;
    apply->effects += effects.count;
    return true;
}
