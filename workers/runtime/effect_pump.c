/* effect_pump.c - the loop: lease, call, record. */
#include "workers/runtime/effect_pump.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "io/otlp.h"
#include "workers/runtime/effect_settle.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    LOOK_EVERY_MS = 200, /* for rows that have become due by themselves; also how late a deadline is noticed */
    LEASE_MARGIN_MS = 1000,
    PAUSE_FIRST_MS = 50, /* after trouble with the database, doubling */
    PAUSE_MAX_MS = 5000,
    BACKLOG_EVERY_MS = 5000,
};

enum slot_state {
    SLOT_FREE,
    SLOT_CALLING,
    SLOT_AGAIN, /* ended; to be put off */
    SLOT_ENDED, /* ended; to be settled */
};

struct slot {
    struct effect effect; /* first: the functions of effect.h find their slot by it */
    enum slot_state state;
    int64_t begun_us;      /* Unix time */
    struct effect_key key; /* its lease, and how long and why it is put off */
    int64_t deadline_ms;
    struct json_doc answer;
    struct arena arena;
};

struct effect_pump {
    struct effect_pump_options options;
    struct pg *pg;
    struct transfers *transfers;
    struct slot *slots; /* in_flight for each kind, one kind after the other */
    size_t slot_count;
    struct arena arena;       /* of one look or one transaction */
    struct outcome *outcomes; /* one a slot: those being recorded */
    int64_t look_at_ms, record_at_ms, gauge_at_ms;
    int look_tries, record_tries; /* that have failed in a row */
    bool hungry;                  /* the last look left no room: there may be more rows than slots */
    pthread_t thread;
    atomic_bool woken, stopping;
    _Atomic int64_t stop_by_ms;
};

static struct slot *slots_of(const struct effect_pump *pump, size_t kind)
{
    return pump->slots + kind * pump->options.in_flight;
}

static size_t count_slots(const struct effect_pump *pump, size_t kind, enum slot_state state)
{
    const struct slot *slots = slots_of(pump, kind);
    size_t count = 0;

    for (size_t i = 0; i < pump->options.in_flight; i++)
        count += slots[i].state == state;
    return count;
}

static struct effect_stats *stats_of(const struct effect_pump *pump, const struct slot *slot)
{
    return &pump->options.stats->effects[slot->effect.kind - service.effects];
}

/* ---- how an attempt ends ---- */

static struct slot *slot_of(struct effect *effect)
{
    return (struct slot *)effect;
}

/* A call is a span of its own; a delay is none. */
static void end_attempt(struct slot *slot, enum slot_state state, bool failed)
{
    const struct effect *effect = &slot->effect;

    if (otlp_is_on() && slot->state == SLOT_CALLING && effect->kind->call) {
        struct traceparent span = traceparent_child(&effect->trace);

        otlp_add(&(struct otlp_span){
            .trace = &span,
            .parent = &effect->trace,
            .kind = OTLP_CLIENT,
            .name = text_of(effect->kind->name),
            .order_id = &effect->order_id,
            .begin_us = slot->begun_us,
            .end_us = clock_unix_us(),
            .failed = failed,
        });
    }
    slot->state = state;
}

void effect_done(struct effect *effect, struct text answer)
{
    struct slot *slot = slot_of(effect);
    struct fault fault = { 0 };

    end_attempt(slot, SLOT_ENDED, false);
    if (answer.ptr && !json_parse(answer, effect->arena, &slot->answer, &fault))
        effect_fail(effect, "the answer is no JSON: %s", fault.detail);
}

static void give_up(struct effect *effect, const char *why)
{
    fault_set(&effect->failed, FAULT_PERMANENT, "effect", "%s", why);
    end_attempt(slot_of(effect), SLOT_ENDED, true);
}

void effect_again(struct effect *effect, int64_t after_ms, const char *format, ...)
{
    struct slot *slot = slot_of(effect);
    char why[sizeof effect->failed.detail];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (effect->last) {
        give_up(effect, why);
        return;
    }
    end_attempt(slot, SLOT_AGAIN, true);
    slot->key.postpone_ms = after_ms;
    slot->key.error = arena_plain(effect->arena, text_of(why));
}

void effect_fail(struct effect *effect, const char *format, ...)
{
    char why[sizeof effect->failed.detail];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    give_up(effect, why);
}

static void release(struct slot *slot)
{
    json_free(&slot->answer);
    json_free(&slot->effect.request);
    arena_reset(&slot->arena);
    slot->state = SLOT_FREE;
}

/* ---- calling ---- */

static void call(struct effect_pump *pump, struct slot *slot, const struct effect_kind *kind, const struct effect_row *row)
{
    struct effect *effect = &slot->effect;
    struct fault fault = { 0 };

    *effect = (struct effect){
        .id = row->id,
        .order_id = row->order_id,
        .kind = kind,
        .payload = arena_copy(&slot->arena, row->payload),
        .attempt = row->attempt,
        .repeated = row->lease > 1,
        .last = row->attempt >= pump->options.attempts,
        .transfers = pump->transfers,
        .arena = &slot->arena,
    };
    slot->answer = (struct json_doc){ 0 };
    slot->key = (struct effect_key){ .id = row->id, .lease = row->lease };
    slot->state = SLOT_CALLING;
    slot->begun_us = clock_unix_us();
    slot->deadline_ms = clock_mono_ms() + pump->options.call_ms;
    if (!traceparent_parse(row->traceparent, &effect->trace))
        effect->trace = traceparent_new();

    (void)failpoint_hit("effect.before_call");
    if (!json_parse(effect->payload, effect->arena, &effect->request, &fault))
        effect_fail(effect, "the payload is no JSON: %s", fault.detail);
    else if (kind->call)
        kind->call(effect);
    else
        effect_done(effect, (struct text){ 0 });
}

/* Leases what is due of a kind and there is room for. */
static bool look_for(struct effect_pump *pump, size_t at, struct fault *fault)
{
    const struct effect_kind *kind = &service.effects[at];
    size_t room = count_slots(pump, at, SLOT_FREE);
    struct slot *slot = slots_of(pump, at);
    struct effect_row *rows;
    size_t count;

    if (room > 0 && kind->room)
        room = kind->room(room);
    if (room == 0)
        return true;
    (void)failpoint_hit("effect.before_lease");
    if (!effect_lease(pump->pg, &pump->arena, kind->name, (int)room, 2 * (int64_t)pump->options.call_ms + LEASE_MARGIN_MS,
                      &rows, &count, fault))
        return false;
    if (count > 0)
        (void)failpoint_hit("effect.after_lease");
    for (size_t i = 0; i < count; slot++)
        if (slot->state == SLOT_FREE)
            call(pump, slot, kind, &rows[i++]);
    pump->hungry = pump->hungry || count == room;
    return true;
}

static void look(struct effect_pump *pump)
{
    struct fault fault = { 0 };

    pump->hungry = false;
    arena_reset(&pump->arena);
    for (size_t i = 0; i < service.effect_count; i++) {
        if (!look_for(pump, i, &fault)) {
            int pause_ms = backoff_ms(++pump->look_tries, PAUSE_FIRST_MS, PAUSE_MAX_MS);

            pump->look_at_ms = clock_mono_ms() + pause_ms;
            log_warn("effects: looking again in %d ms: %s: %s", pause_ms, fault_kind_name(fault.kind), fault.detail);
            return;
        }
    }
    pump->look_tries = 0;
    pump->look_at_ms = clock_mono_ms() + LOOK_EVERY_MS;
}

static void take_results(struct effect_pump *pump)
{
    struct transfer_result result;

    while (transfers_next(pump->transfers, &result)) {
        struct effect *effect = result.tag;

        (void)failpoint_hit("effect.after_call");
        effect->kind->answered(effect, &result);
    }
}

static void expire(struct effect_pump *pump)
{
    for (size_t i = 0; i < pump->slot_count; i++) {
        struct slot *slot = &pump->slots[i];

        if (slot->state != SLOT_CALLING || clock_left_ms(slot->deadline_ms) > 0)
            continue;
        transfers_cancel(pump->transfers, &slot->effect);
        effect_again(&slot->effect, 0, "not done within %d ms", pump->options.call_ms);
    }
}

/* ---- recording ---- */

static void log_again(const struct slot *slot, int64_t delay_ms)
{
    char order_id[UUID_TEXT_LEN + 1];

    uuid_format(&slot->effect.order_id, order_id);
    log_write(LOG_INFO, &(struct log_context){ .order_id = order_id }, "%s, attempt %d, again in %lld ms: %.*s",
              slot->effect.kind->name, slot->effect.attempt, (long long)delay_ms, TEXT_FMT(slot->key.error));
}

/* What may work later: with backoff, and no earlier than the other side wants. */
static bool put_off(struct effect_pump *pump, struct fault *fault)
{
    struct effect_key *keys;
    size_t count = 0;

    arena_reset(&pump->arena);
    keys = arena_array(&pump->arena, pump->slot_count, sizeof *keys);
    for (size_t i = 0; i < pump->slot_count; i++) {
        const struct slot *slot = &pump->slots[i];
        int64_t backoff = backoff_ms(slot->effect.attempt, pump->options.retry_first_ms, pump->options.retry_max_ms);

        if (slot->state != SLOT_AGAIN)
            continue;
        keys[count] = slot->key;
        if (keys[count].postpone_ms < backoff)
            keys[count].postpone_ms = backoff;
        log_again(slot, keys[count++].postpone_ms);
    }
    if (!effect_postpone(pump->pg, &pump->arena, keys, count, fault))
        return false;
    for (size_t i = 0; i < pump->slot_count; i++) {
        if (pump->slots[i].state != SLOT_AGAIN)
            continue;
        stat_add(&stats_of(pump, &pump->slots[i])->again, 1);
        release(&pump->slots[i]);
    }
    return true;
}

/* Outcomes of kinds [FIRST, END), which share a settle. */
static bool settle(struct effect_pump *pump, size_t first, size_t end, struct fault *fault)
{
    struct slot *slots = slots_of(pump, first);
    size_t slot_count = (end - first) * pump->options.in_flight;
    uint64_t created = 0;
    size_t count = 0;

    for (size_t i = 0; i < slot_count; i++)
        if (slots[i].state == SLOT_ENDED)
            pump->outcomes[count++] = (struct outcome){ &slots[i].effect, &slots[i].answer, slots[i].key.lease };
    if (count == 0)
        return true;
    if (!effect_settle(pump->pg, &pump->arena, service.effects[first].settle, pump->outcomes, count, &created, fault))
        return false;
    if (created > 0)
        pump->look_at_ms = clock_mono_ms();
    for (size_t i = 0; i < slot_count; i++) {
        if (slots[i].state != SLOT_ENDED)
            continue;
        stat_add(slots[i].effect.failed.kind == FAULT_NONE ? &stats_of(pump, &slots[i])->done
                                                           : &stats_of(pump, &slots[i])->gave_up,
                 1);
        release(&slots[i]);
    }
    return true;
}

static bool record_all(struct effect_pump *pump, struct fault *fault)
{
    for (size_t first = 0, end; first < service.effect_count; first = end) {
        end = first + 1;
        while (end < service.effect_count && service.effects[end].settle == service.effects[first].settle)
            end++;
        if (!settle(pump, first, end, fault))
            return false;
    }
    return put_off(pump, fault);
}

static bool is_to_record(const struct effect_pump *pump)
{
    for (size_t i = 0; i < pump->slot_count; i++)
        if (pump->slots[i].state == SLOT_AGAIN || pump->slots[i].state == SLOT_ENDED)
            return true;
    return false;
}

static void record(struct effect_pump *pump)
{
    struct fault fault = { 0 };
    int pause_ms;

    if (record_all(pump, &fault)) {
        pump->record_tries = 0;
        if (pump->hungry)
            pump->look_at_ms = clock_mono_ms();
        return;
    }
    pause_ms = backoff_ms(++pump->record_tries, PAUSE_FIRST_MS, PAUSE_MAX_MS);
    pump->record_at_ms = clock_mono_ms() + pause_ms;
    log_warn("effects: outcomes are recorded again in %d ms: %s %s: %s", pause_ms, fault_kind_name(fault.kind), fault.code,
             fault.detail);
}

/* ---- the loop ---- */

static void gauge(struct effect_pump *pump)
{
    struct fault fault = { 0 };

    if (clock_left_ms(pump->gauge_at_ms) > 0)
        return;
    pump->gauge_at_ms = clock_mono_ms() + BACKLOG_EVERY_MS;
    arena_reset(&pump->arena);
    for (size_t i = 0; i < service.effect_count; i++) {
        struct effect_stats *stats = &pump->options.stats->effects[i];
        int64_t waiting, gave_up;

        if (!effect_backlog(pump->pg, &pump->arena, service.effects[i].name, &waiting, &gave_up, &fault))
            return;
        stats->waiting = waiting;
        stats->parked = gave_up;
    }
}

static bool is_busy(const struct effect_pump *pump)
{
    bool busy = false;

    for (size_t i = 0; i < service.effect_count; i++) {
        size_t taken = pump->options.in_flight - count_slots(pump, i, SLOT_FREE);

        pump->options.stats->effects[i].in_flight = (int64_t)taken;
        busy = busy || taken > 0;
    }
    return busy;
}

/* A stop ends what can be ended in order: whatever is left is due again at once, for the next worker. */
static void give_back(struct effect_pump *pump)
{
    struct fault fault = { 0 };

    for (size_t i = 0; i < pump->slot_count; i++) {
        struct slot *slot = &pump->slots[i];

        if (slot->state == SLOT_CALLING) {
            transfers_cancel(pump->transfers, &slot->effect);
            slot->state = SLOT_AGAIN;
            slot->key.error = TEXT("the worker stopped during the call");
        }
    }
    if (is_to_record(pump) && !record_all(pump, &fault))
        log_warn("effects: left under lease: %s", fault.detail);
}

static int wait_ms(const struct effect_pump *pump)
{
    int left = clock_left_ms(pump->look_at_ms);

    if (is_to_record(pump))
        left = clock_left_ms(pump->record_at_ms);
    return left < LOOK_EVERY_MS ? left : LOOK_EVERY_MS;
}

static void *loop(void *context)
{
    struct effect_pump *pump = context;

    while (!pump->stopping || (is_busy(pump) && clock_left_ms(pump->stop_by_ms) > 0)) {
        if (atomic_exchange(&pump->woken, false) && pump->look_tries == 0)
            pump->look_at_ms = clock_mono_ms();
        if (!pump->stopping && clock_left_ms(pump->look_at_ms) == 0)
            look(pump);
        if (is_to_record(pump) && clock_left_ms(pump->record_at_ms) == 0)
            record(pump);
        is_busy(pump);
        gauge(pump);
        transfers_wait(pump->transfers, wait_ms(pump));
        take_results(pump);
        expire(pump);
    }
    give_back(pump);
    return NULL;
}

/* ---- start and stop ---- */

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (!memory)
        abort();
    return memory;
}

struct effect_pump *effect_pump_start(const struct effect_pump_options *options)
{
    struct effect_pump *pump = allocate(1, sizeof *pump);

    pump->options = *options;
    pump->pg = pg_new(&(struct pg_options){
        .url = options->database_url,
        .application = options->application,
        .schema = service.schema,
        .call_timeout_ms = options->sql_timeout_ms,
    });
    pump->slot_count = options->in_flight * service.effect_count;
    pump->slots = allocate(pump->slot_count, sizeof *pump->slots);
    pump->outcomes = allocate(pump->slot_count, sizeof *pump->outcomes);
    pump->transfers = transfers_new(pump->slot_count);
    if (pthread_create(&pump->thread, NULL, loop, pump) != 0)
        abort();
    return pump;
}

void effect_pump_wake(struct effect_pump *pump)
{
    pump->woken = true;
    transfers_wake(pump->transfers);
}

void effect_pump_stop(struct effect_pump *pump, int wait_ms_max)
{
    if (!pump)
        return;
    pump->stop_by_ms = clock_mono_ms() + wait_ms_max;
    pump->stopping = true;
    transfers_wake(pump->transfers);
    pthread_join(pump->thread, NULL);

    transfers_free(pump->transfers);
    pg_free(pump->pg);
    for (size_t i = 0; i < pump->slot_count; i++) {
        release(&pump->slots[i]);
        arena_free(&pump->slots[i].arena);
    }
    arena_free(&pump->arena);
    free(pump->slots);
    free(pump->outcomes);
    free(pump);
}
