/* The pump against a database of a few rows: calls, their repeats, and what of them is recorded. */
#include "base/clock.h"
#include "store/effects.h"
#include "store/outbox.h"
#include "tests/unit/unit.h"
#include "workers/runtime/effect_pump.h"
#include "workers/runtime/effect_settle.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { MAX = 64, PATIENCE_MS = 60000 };

/* ---- the database: one lock, since the pump is a thread ---- */

struct row {
    bool exists, gave_up;
    const char *kind;
    int64_t lease, due_ms;
    int attempts;
    char error[256];
};

static struct row committed[MAX], open_tx[MAX];
static int commits, emitted;
static bool lease_fails;
static enum fault_kind commit_fault; /* of the next commit, once; UNKNOWN commits nevertheless */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int number_of(const struct uuid *id)
{
    return id->bytes[15];
}

struct pg *pg_new(const struct pg_options *options)
{
    (void)options;
    return NULL;
}

void pg_free(struct pg *pg)
{
    (void)pg;
}

bool tx_begin(struct tx *tx, struct pg *pg, struct fault *fault)
{
    (void)tx, (void)pg, (void)fault;
    pthread_mutex_lock(&lock);
    memcpy(open_tx, committed, sizeof open_tx);
    tx->pg = (struct pg *)&committed;
    return true;
}

void tx_rollback(struct tx *tx)
{
    if (tx->pg)
        pthread_mutex_unlock(&lock);
    tx->pg = NULL;
}

bool tx_commit(struct tx *tx, struct fault *fault)
{
    enum fault_kind kind = commit_fault;

    commit_fault = FAULT_NONE;
    if (kind == FAULT_NONE || kind == FAULT_UNKNOWN) {
        memcpy(committed, open_tx, sizeof open_tx);
        commits++;
    }
    tx_rollback(tx);
    return kind == FAULT_NONE || fault_set(fault, kind, "08006", "the connection broke");
}

bool pg_call(struct pg *pg, const char *call, struct pg_args *args, struct pg_rows *rows, struct fault *fault)
{
    (void)pg, (void)call, (void)args, (void)rows, (void)fault;
    return true;
}

void outbox_batch_init(struct outbox_batch *batch, struct arena *arena, size_t expected)
{
    (void)expected;
    *batch = (struct outbox_batch){ .arena = arena };
}

void outbox_batch_add(struct outbox_batch *batch, const struct event *event)
{
    (void)event;
    batch->count++;
}

bool outbox_append(struct tx *tx, struct outbox_batch *batch, struct fault *fault)
{
    (void)tx, (void)fault;
    emitted += (int)batch->count;
    return true;
}

void effect_batch_init(struct effect_batch *batch, struct arena *arena)
{
    *batch = (struct effect_batch){ .arena = arena };
}

void effect_batch_add(struct effect_batch *batch, const struct effect_new *effect)
{
    (void)effect;
    batch->count++;
}

bool effect_append(struct tx *tx, struct effect_batch *batch, struct fault *fault)
{
    (void)tx, (void)batch, (void)fault;
    return true;
}

bool effect_lease(struct pg *pg, struct arena *arena, const char *kind, int max, int64_t lease_ms, struct effect_row **rows,
                  size_t *count, struct fault *fault)
{
    (void)pg;
    if (lease_fails) {
        lease_fails = false;
        return fault_set(fault, FAULT_TRANSIENT, "08006", "the connection broke");
    }
    *rows = arena_array(arena, MAX, sizeof **rows);
    *count = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MAX && *count < (size_t)max; i++) {
        struct row *row = &committed[i];

        if (!row->exists || row->gave_up || row->due_ms > clock_mono_ms() || strcmp(row->kind, kind) != 0)
            continue;
        row->lease++;
        row->due_ms = clock_mono_ms() + lease_ms + PATIENCE_MS; /* none runs out here, however slow the machine is */
        (*rows)[*count] = (struct effect_row){ .lease = row->lease, .payload = TEXT("{}"), .attempt = ++row->attempts };
        (*rows)[*count].id.bytes[15] = (uint8_t)i;
        (*rows)[(*count)++].order_id.bytes[15] = (uint8_t)i;
    }
    pthread_mutex_unlock(&lock);
    return true;
}

bool effect_claim(struct tx *tx, struct arena *arena, struct effect_key *keys, size_t count, struct fault *fault)
{
    (void)tx, (void)arena, (void)fault;
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &open_tx[number_of(&keys[i].id)];

        keys[i].held = row->exists && row->lease == keys[i].lease;
    }
    return true;
}

static void note_error(struct row *row, struct text error)
{
    snprintf(row->error, sizeof row->error, "%.*s", TEXT_FMT(error));
}

bool effect_end(struct tx *tx, struct arena *arena, const struct effect_key *keys, size_t count, struct fault *fault)
{
    (void)tx, (void)arena, (void)fault;
    for (size_t i = 0; i < count; i++) {
        struct row *row = &open_tx[number_of(&keys[i].id)];

        if (!keys[i].held)
            continue;
        row->exists = row->gave_up = keys[i].error.ptr != NULL;
        note_error(row, keys[i].error);
    }
    return true;
}

bool effect_postpone(struct pg *pg, struct arena *arena, const struct effect_key *keys, size_t count, struct fault *fault)
{
    (void)pg, (void)arena, (void)fault;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < count; i++) {
        struct row *row = &committed[number_of(&keys[i].id)];

        row->due_ms = clock_mono_ms() + keys[i].postpone_ms;
        note_error(row, keys[i].error);
    }
    pthread_mutex_unlock(&lock);
    return true;
}

bool effect_backlog(struct pg *pg, struct arena *arena, const char *kind, int64_t *waiting, int64_t *gave_up,
                    struct fault *fault)
{
    (void)pg, (void)arena, (void)kind, (void)fault;
    *waiting = *gave_up = 0;
    return true;
}

/* ---- the service ---- */

static int calls[MAX], settled[MAX], failed[MAX]; /* by number, as the transaction that is committed last sees them */
static int fail_first;                            /* so many attempts of each call fail */
static int poison = -1, rejected = -1;            /* the settle fails for it; rejects it */
static bool hangs, fails_for_good;

static void call(struct effect *effect)
{
    calls[number_of(&effect->id)]++;
    if (hangs)
        return;
    if (fails_for_good)
        effect_fail(effect, "no such \x01 account");
    else if (effect->attempt <= fail_first)
        effect_again(effect, 1, "attempt %d", effect->attempt);
    else
        effect_done(effect, TEXT("{\"answer\":\"yes\"}"));
}

static bool settle(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct work *work = &batch->works[i];
        int number = number_of(&work->event_id);

        assert_true(text_is(work->type, work->effect->kind->name));
        if (number == poison)
            return fault_set(&batch->fault, FAULT_PERMANENT, "23514", "a check said no");
        if (number == rejected) {
            work_reject(work, "the answer lacks its id");
            continue;
        }
        if (work->effect->failed.kind != FAULT_NONE) {
            failed[number]++;
            continue;
        }
        settled[number]++;
        if (work->effect->kind->call)
            assert_true(text_is(json_string(json_get(work->doc->root, "answer")), "yes"));
    }
    return true;
}

static size_t allowed = MAX;

static size_t room(size_t wanted)
{
    return wanted < allowed ? wanted : allowed;
}

static const struct effect_kind kinds[] = {
    { .name = "call", .call = call, .settle = settle, .room = room },
    { .name = "delay", .settle = settle },
};

const struct service service = { .name = "test", .schema = "test", .effects = kinds, .effect_count = ARRAY_LEN(kinds) };

/* ---- the cases ---- */

static struct effect_stats counts[ARRAY_LEN(kinds)];
static struct stats stats = { .effects = counts };

static int reset(void **state)
{
    (void)state;
    memset(committed, 0, sizeof committed);
    memset(calls, 0, sizeof calls);
    memset(settled, 0, sizeof settled);
    memset(failed, 0, sizeof failed);
    memset(counts, 0, sizeof counts);
    commits = emitted = fail_first = 0;
    poison = rejected = -1;
    hangs = fails_for_good = lease_fails = false;
    commit_fault = FAULT_NONE;
    allowed = MAX;
    return 0;
}

static void add(int number, const char *kind)
{
    committed[number] = (struct row){ .exists = true, .kind = kind };
}

static struct effect_pump *start(int call_ms)
{
    return effect_pump_start(&(struct effect_pump_options){
        .in_flight = 4,
        .attempts = 3,
        .call_ms = call_ms,
        .retry_first_ms = 2,
        .retry_max_ms = 10,
        .stats = &stats,
    });
}

/* Until no row waits any more. */
static bool at_rest(void)
{
    bool rest = true;

    pthread_mutex_lock(&lock);
    for (int i = 0; i < MAX; i++)
        rest = rest && (!committed[i].exists || committed[i].gave_up);
    pthread_mutex_unlock(&lock);
    return rest;
}

static void pump_to_rest(int call_ms)
{
    struct effect_pump *pump = start(call_ms);

    for (int64_t until = clock_mono_ms() + PATIENCE_MS; !at_rest();) {
        assert_true(clock_left_ms(until) > 0);
        usleep(1000);
    }
    effect_pump_stop(pump, PATIENCE_MS);
}

static void every_call_is_made_and_settled_once(void **state)
{
    (void)state;
    for (int i = 0; i < MAX; i++)
        add(i, i % 2 ? "call" : "delay");
    pump_to_rest(PATIENCE_MS);
    for (int i = 0; i < MAX; i++) {
        assert_int_equal(calls[i], i % 2);
        assert_int_equal(settled[i], 1);
        assert_false(committed[i].exists);
    }
    assert_int_equal(counts[0].done, MAX / 2);
}

static void an_attempt_that_failed_is_repeated(void **state)
{
    (void)state;
    add(1, "call");
    fail_first = 2;
    pump_to_rest(PATIENCE_MS);
    assert_int_equal(calls[1], 3);
    assert_int_equal(settled[1], 1);
    assert_int_equal(counts[0].again, 2);
}

static void the_last_attempt_gives_up_and_the_settle_hears_of_it(void **state)
{
    (void)state;
    add(1, "call");
    fail_first = 3;
    pump_to_rest(PATIENCE_MS);
    assert_int_equal(calls[1], 3);
    assert_int_equal(settled[1], 0);
    assert_int_equal(failed[1], 1);
    assert_true(committed[1].gave_up);
    assert_string_equal(committed[1].error, "attempt 3");
    assert_int_equal(counts[0].gave_up, 1);
}

static void what_fails_for_good_is_not_repeated(void **state)
{
    (void)state;
    add(1, "call");
    fails_for_good = true;
    pump_to_rest(PATIENCE_MS);
    assert_int_equal(calls[1], 1);
    assert_int_equal(failed[1], 1);
    assert_string_equal(committed[1].error, "no such ? account");
}

static void a_call_that_never_ends_is_broken_off(void **state)
{
    (void)state;
    add(1, "call");
    hangs = true;
    pump_to_rest(1);
    assert_int_equal(calls[1], 3);
    assert_true(committed[1].gave_up);
}

static void the_outcome_at_fault_is_given_up_alone(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        add(i, "call");
    poison = 2;
    pump_to_rest(PATIENCE_MS);
    for (int i = 0; i < 4; i++)
        assert_int_equal(committed[i].gave_up, i == 2);
    assert_string_equal(committed[2].error, "a check said no");
    assert_int_equal(settled[2], 0);
}

static void an_outcome_that_the_settle_rejects_is_given_up(void **state)
{
    (void)state;
    add(1, "call");
    add(2, "call");
    rejected = 1;
    pump_to_rest(PATIENCE_MS);
    assert_true(committed[1].gave_up);
    assert_string_equal(committed[1].error, "the answer lacks its id");
    assert_int_equal(settled[2], 1);
}

static void trouble_with_the_database_repeats_the_recording_and_not_the_call(void **state)
{
    (void)state;
    add(1, "call");
    lease_fails = true;
    commit_fault = FAULT_TRANSIENT;
    pump_to_rest(PATIENCE_MS);
    assert_int_equal(calls[1], 1);
    assert_false(committed[1].exists);
}

static void a_commit_without_an_answer_is_looked_up(void **state)
{
    (void)state;
    add(1, "call");
    commit_fault = FAULT_UNKNOWN;
    pump_to_rest(PATIENCE_MS);
    assert_int_equal(calls[1], 1);
    assert_int_equal(settled[1], 1); /* the second try finds the row gone and settles nothing */
    assert_int_equal(commits, 2);
}

static void an_outcome_whose_lease_ran_out_is_anothers(void **state)
{
    ARENA_SCOPE arena = { 0 };
    const struct effect effect = { .kind = &kinds[0], .id.bytes[15] = 1 };
    const struct json_doc none = { 0 };
    const struct outcome outcome = { &effect, &none, 7 };
    struct fault fault = { 0 };
    uint64_t created = 0;

    (void)state;
    add(1, "call");
    committed[1].lease = 8;
    assert_true(effect_settle(NULL, &arena, settle, &outcome, 1, &created, &fault));
    assert_int_equal(settled[1], 0);
    assert_true(committed[1].exists);
}

static void without_room_nothing_is_called(void **state)
{
    struct effect_pump *pump;

    (void)state;
    add(1, "call");
    add(2, "delay");
    allowed = 0;
    pump = start(PATIENCE_MS);
    for (int64_t until = clock_mono_ms() + PATIENCE_MS; counts[1].done == 0;) {
        assert_true(clock_left_ms(until) > 0);
        usleep(1000);
    }
    effect_pump_stop(pump, PATIENCE_MS);
    assert_int_equal(calls[1], 0);
    assert_int_equal(committed[1].attempts, 0);
}

static void a_stop_gives_back_what_is_under_way(void **state)
{
    struct effect_pump *pump;

    (void)state;
    add(1, "call");
    hangs = true;
    pump = start(PATIENCE_MS);
    for (int64_t until = clock_mono_ms() + PATIENCE_MS; counts[0].in_flight == 0;) {
        assert_true(clock_left_ms(until) > 0);
        usleep(1000);
    }
    effect_pump_stop(pump, 1);
    assert_true(committed[1].exists && !committed[1].gave_up);
    assert_true(committed[1].due_ms < clock_mono_ms() + 1000);
    assert_string_equal(committed[1].error, "the worker stopped during the call");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_call_is_made_and_settled_once, reset),
        cmocka_unit_test_setup(an_attempt_that_failed_is_repeated, reset),
        cmocka_unit_test_setup(the_last_attempt_gives_up_and_the_settle_hears_of_it, reset),
        cmocka_unit_test_setup(what_fails_for_good_is_not_repeated, reset),
        cmocka_unit_test_setup(a_call_that_never_ends_is_broken_off, reset),
        cmocka_unit_test_setup(the_outcome_at_fault_is_given_up_alone, reset),
        cmocka_unit_test_setup(an_outcome_that_the_settle_rejects_is_given_up, reset),
        cmocka_unit_test_setup(trouble_with_the_database_repeats_the_recording_and_not_the_call, reset),
        cmocka_unit_test_setup(a_commit_without_an_answer_is_looked_up, reset),
        cmocka_unit_test_setup(an_outcome_whose_lease_ran_out_is_anothers, reset),
        cmocka_unit_test_setup(without_room_nothing_is_called, reset),
        cmocka_unit_test_setup(a_stop_gives_back_what_is_under_way, reset),
    };

    return cmocka_run_group_tests_name("runtime effects", tests, NULL, NULL);
}
