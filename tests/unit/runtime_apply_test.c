/* Groups, dead letters and the search for the event at fault, against a database of a few arrays. */
#include "store/deadletter.h"
#include "store/effects.h"
#include "store/outbox.h"
#include "tests/unit/unit.h"
#include "workers/runtime/apply.h"

#include <stdio.h>

enum { MAX = 64 };

/* ---- the database: what is committed, and what the open transaction adds ---- */

struct world {
    int inbox[MAX], inbox_count;    /* numbers of events */
    int effects[MAX], effect_count; /* numbers of events, in the order applied */
    int letters[MAX], letter_count; /* likewise, 0 for those without an id */
    bool held[MAX];
    int letter_orders[MAX];
    int emitted;
    int effect_rows;
};

static struct world committed, open_tx;
static int transactions, pauses;
static unsigned poison;               /* the handler fails for a batch with one of these events: bits */
static int rejected;                  /* the handler rejects this event */
static struct fault next_fault;       /* of the handler, once */
static enum fault_kind commit_faults; /* of the next commit, once; UNKNOWN commits nevertheless */
static int pauses_allowed;

static int number_of(const struct uuid *id)
{
    return id->bytes[15];
}

static bool in(const int *numbers, int count, int number)
{
    for (int i = 0; i < count; i++)
        if (numbers[i] == number)
            return true;
    return false;
}

bool tx_begin(struct tx *tx, struct pg *pg, struct fault *fault)
{
    (void)fault;
    tx->pg = pg;
    open_tx = committed;
    return true;
}

bool tx_commit(struct tx *tx, struct fault *fault)
{
    enum fault_kind kind = commit_faults;

    commit_faults = FAULT_NONE;
    tx->pg = NULL;
    if (kind == FAULT_NONE || kind == FAULT_UNKNOWN) {
        committed = open_tx;
        transactions++;
    }
    return kind == FAULT_NONE || fault_set(fault, kind, "08006", "the connection broke");
}

void tx_rollback(struct tx *tx)
{
    tx->pg = NULL;
}

bool inbox_claim(struct tx *tx, struct arena *arena, struct inbox_event *events, size_t count, struct fault *fault)
{
    (void)tx, (void)arena, (void)fault;
    for (size_t i = 0; i < count; i++) {
        int number = number_of(&events[i].event_id);

        if (in(open_tx.inbox, open_tx.inbox_count, number)) {
            events[i].verdict = INBOX_DUPLICATE;
        } else if (!events[i].never_held &&
                   in(committed.letter_orders, committed.letter_count, number_of(&events[i].order_id))) {
            events[i].verdict = INBOX_HELD;
        } else {
            events[i].verdict = INBOX_FRESH;
            open_tx.inbox[open_tx.inbox_count++] = number;
        }
    }
    return true;
}

bool deadletter_add(struct tx *tx, struct arena *arena, const struct deadletter *letters, size_t count, struct fault *fault)
{
    (void)tx, (void)arena, (void)fault;
    for (size_t i = 0; i < count; i++) {
        open_tx.letters[open_tx.letter_count] = letters[i].event_id ? number_of(letters[i].event_id) : 0;
        open_tx.letter_orders[open_tx.letter_count] = letters[i].order_id ? number_of(letters[i].order_id) : 0;
        open_tx.held[open_tx.letter_count++] = letters[i].held;
    }
    return true;
}

/* A letter's id is the number of its event. */
static int place_of(int letter)
{
    int place = 0;

    while (place < open_tx.letter_count && open_tx.letters[place] != letter)
        place++;
    return place;
}

bool deadletter_claim(struct tx *tx, struct arena *arena, struct inbox_event *events, size_t count, struct fault *fault)
{
    (void)tx, (void)arena, (void)fault;
    for (size_t i = 0; i < count; i++) {
        int number = number_of(&events[i].event_id), place = place_of((int)events[i].letter);

        assert_int_equal(events[i].letter, number);
        events[i].verdict = INBOX_FRESH;
        if (place == open_tx.letter_count || in(open_tx.inbox, open_tx.inbox_count, number))
            events[i].verdict = INBOX_DUPLICATE;
        for (int earlier = 0; earlier < place && events[i].verdict == INBOX_FRESH && !events[i].never_held; earlier++) {
            bool among = false;

            for (size_t j = 0; j < count; j++)
                among |= events[j].letter == open_tx.letters[earlier];
            if (!among && open_tx.letter_orders[earlier] == number_of(&events[i].order_id))
                events[i].verdict = INBOX_HELD;
        }
        if (events[i].verdict == INBOX_FRESH)
            open_tx.inbox[open_tx.inbox_count++] = number;
    }
    return true;
}

bool deadletter_settle(struct tx *tx, struct arena *arena, const int64_t *done, size_t done_count,
                       const struct deadletter *letters, size_t count, struct fault *fault)
{
    (void)tx, (void)arena, (void)fault;
    for (size_t i = 0; i < count; i++) {
        open_tx.held[place_of((int)letters[i].id)] = letters[i].held;
        for (int at = 0; at < open_tx.inbox_count; at++)
            if (open_tx.inbox[at] == letters[i].id)
                open_tx.inbox[at] = open_tx.inbox[--open_tx.inbox_count];
    }
    for (size_t i = 0; i < done_count; i++) {
        int place = place_of((int)done[i]);

        if (place == open_tx.letter_count)
            continue;
        open_tx.letter_count--;
        for (; place < open_tx.letter_count; place++) {
            open_tx.letters[place] = open_tx.letters[place + 1];
            open_tx.letter_orders[place] = open_tx.letter_orders[place + 1];
            open_tx.held[place] = open_tx.held[place + 1];
        }
    }
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
    open_tx.emitted += (int)batch->count;
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
    (void)tx, (void)fault;
    open_tx.effect_rows += (int)batch->count;
    return true;
}

bool pg_call(struct pg *pg, const char *call, struct pg_args *args, struct pg_rows *rows, struct fault *fault)
{
    (void)pg, (void)call, (void)args, (void)rows, (void)fault;
    return true;
}

/* ---- the service: notes each event it is given ---- */

static bool note(struct batch *batch)
{
    if (next_fault.kind != FAULT_NONE) {
        batch->fault = next_fault;
        next_fault = (struct fault){ 0 };
        return false;
    }
    for (size_t i = 0; i < batch->count; i++) {
        struct work *work = &batch->works[i];
        int number = number_of(&work->event_id);

        if (number == rejected) {
            work_reject(work, "not this one");
            continue;
        }
        open_tx.effects[open_tx.effect_count++] = number;
        if (poison & (1U << number))
            return fault_set(&batch->fault, FAULT_PERMANENT, "23514", "a check said no");
        batch_emit(batch, work, "payment.refunded", TEXT("{}"));
    }
    return true;
}

static bool note_later(struct batch *batch)
{
    return note(batch);
}

static const struct handles handles[] = {
    { "order.created", note },
    { "order.cancelled", note },
    { "payment.authorized", note_later },
};

const struct service service = { .name = "test", .handles = handles, .handle_count = ARRAY_LEN(handles) };

/* ---- the cases ---- */

static struct pg *const some_pg = (struct pg *)&committed;
static _Atomic uint64_t counts[ARRAY_LEN(handles) + 1][EVENT_RESULTS];
static struct metric_histogram ages[ARRAY_LEN(handles) + 1];
static struct stats stats;
static struct kafka_record record = { .topic = "orders", .key = { "key", 3 }, .value = { "{}", 2 } };

static bool pause_counted(void *context, const struct fault *fault, int attempt)
{
    (void)context, (void)fault, (void)attempt;
    return ++pauses <= pauses_allowed;
}

static int reset(void **state)
{
    (void)state;
    committed = open_tx = (struct world){ 0 };
    transactions = pauses = rejected = 0;
    poison = 0;
    pauses_allowed = 10;
    next_fault = (struct fault){ 0 };
    commit_faults = FAULT_NONE;
    memset(counts, 0, sizeof counts);
    memset(ages, 0, sizeof ages);
    stats = (struct stats){ .events = counts, .ages = ages };
    return 0;
}

static struct delivery event(int number, int order, const char *type)
{
    struct delivery delivery = { .record = &record, .has_event_id = true, .has_order_id = true };

    delivery.work.event_id.bytes[15] = (uint8_t)number;
    delivery.work.order_id.bytes[15] = (uint8_t)order;
    delivery.work.type = text_of(type);
    while (!text_is(delivery.work.type, handles[delivery.row].type))
        delivery.row++;
    return delivery;
}

static bool apply(struct delivery *deliveries, size_t count)
{
    struct apply it = { .pg = some_pg, .stats = &stats, .pause = pause_counted };
    bool done = apply_batch(&it, deliveries, count);

    arena_free(&it.arena);
    return done;
}

static void assert_effects(const char *expected)
{
    char seen[256] = "";
    size_t len = 0;

    for (int i = 0; i < committed.effect_count; i++)
        len += (size_t)snprintf(seen + len, sizeof seen - len, i > 0 ? " %d" : "%d", committed.effects[i]);
    assert_string_equal(seen, expected);
}

/* Letters as "number" for those at fault, "(number)" for those held behind them. */
static void assert_letters(const char *expected)
{
    char seen[256] = "";
    size_t len = 0;

    for (int i = 0; i < committed.letter_count; i++)
        len += (size_t)snprintf(seen + len, sizeof seen - len, committed.held[i] ? "%s(%d)" : "%s%d", i > 0 ? " " : "",
                                committed.letters[i]);
    assert_string_equal(seen, expected);
}

static void rows_with_one_handler_share_a_transaction_in_log_order(void **state)
{
    struct delivery batch[] = { event(1, 1, "order.created"), event(2, 2, "order.cancelled"), event(3, 3, "order.created") };

    (void)state;
    assert_true(apply(batch, ARRAY_LEN(batch)));
    assert_effects("1 2 3");
    assert_int_equal(transactions, 1);
    assert_int_equal(committed.emitted, 3);
    assert_int_equal(counts[0][EVENT_APPLIED], 2);
}

static void groups_follow_the_table_and_not_the_log(void **state)
{
    struct delivery batch[] = { event(1, 1, "payment.authorized"), event(2, 1, "order.created") };

    (void)state;
    assert_true(apply(batch, ARRAY_LEN(batch)));
    assert_effects("2 1");
    assert_int_equal(transactions, 2);
}

static void types_of_others_leave_no_trace(void **state)
{
    struct delivery batch[] = { { .record = &record, .kind = DELIVERY_UNHANDLED } };

    (void)state;
    assert_true(apply(batch, ARRAY_LEN(batch)));
    assert_int_equal(transactions, 0);
}

static void an_event_that_comes_twice_is_applied_once(void **state)
{
    struct delivery batch[] = { event(1, 1, "order.created"), event(1, 1, "order.created") };

    (void)state;
    assert_true(apply(batch, ARRAY_LEN(batch)));
    assert_true(apply(batch, 1));
    assert_effects("1");
    assert_int_equal(counts[0][EVENT_DUPLICATE], 2);
}

static void the_event_the_database_refuses_goes_aside_alone(void **state)
{
    struct delivery batch[16];

    (void)state;
    poison = 1U << 11;
    for (int i = 0; i < 16; i++)
        batch[i] = event(i + 1, i + 1, "order.created");
    assert_true(apply(batch, 16));
    assert_effects("1 2 3 4 5 6 7 8 9 10 12 13 14 15 16");
    assert_letters("11");
    assert_int_equal(committed.emitted, 15);
    assert_int_equal(pauses, 0);
    assert_int_equal(counts[0][EVENT_DEAD], 1);
}

static void later_events_of_a_refused_one_wait_behind_it(void **state)
{
    struct delivery batch[] = { event(1, 7, "order.created"), event(2, 7, "order.created"), event(3, 8, "order.created"),
                                event(4, 7, "order.created"), event(5, 7, "payment.authorized") };

    (void)state;
    poison = 1U << 2;
    assert_true(apply(batch, ARRAY_LEN(batch)));
    assert_effects("1 3");
    assert_letters("2 (4) (5)");
}

static void later_events_of_a_rejected_one_wait_behind_it(void **state)
{
    struct delivery batch[] = { event(1, 7, "order.created"), event(2, 7, "order.created"), event(3, 8, "order.created"),
                                event(4, 7, "order.created") };

    (void)state;
    rejected = 2;
    assert_true(apply(batch, ARRAY_LEN(batch)));
    assert_effects("1 3");
    assert_letters("2 (4)");
    assert_int_equal(transactions, 1);
    assert_int_equal(counts[0][EVENT_DEAD], 1);
    assert_int_equal(counts[0][EVENT_HELD], 1);
    assert_int_equal(counts[0][EVENT_APPLIED], 2);
}

static void a_rejected_event_alone_costs_no_second_try(void **state)
{
    struct delivery batch[] = { event(1, 1, "order.created"), event(2, 2, "order.created") };

    (void)state;
    rejected = 1;
    assert_true(apply(batch, ARRAY_LEN(batch)));
    assert_effects("2");
    assert_letters("1");
    assert_int_equal(counts[0][EVENT_DEAD], 1);
    assert_int_equal(counts[0][EVENT_APPLIED], 1);
}

static void a_cancel_is_never_held(void **state)
{
    struct delivery batch[] = { event(1, 7, "order.created"), event(2, 7, "order.cancelled"), event(3, 7, "order.created") };

    (void)state;
    rejected = 1;
    assert_true(apply(batch, ARRAY_LEN(batch)));
    assert_effects("2");
    assert_letters("1 (3)");
}

static void an_unreadable_event_goes_aside_without_a_handler(void **state)
{
    struct delivery batch[] = { event(1, 7, "order.created"),
                                event(2, 7, "order.created"),
                                event(3, 7, "order.created"),
                                { .record = &record, .row = ARRAY_LEN(handles) } };

    (void)state;
    fault_set(&batch[1].condemned, FAULT_INVALID, "undecodable", "no JSON");
    fault_set(&batch[3].condemned, FAULT_INVALID, "undecodable", "no type");
    assert_true(apply(batch, ARRAY_LEN(batch)));
    assert_effects("1");
    assert_letters("2 (3) 0");
    assert_int_equal(counts[ARRAY_LEN(handles)][EVENT_DEAD], 1);
}

static void a_fault_that_may_pass_repeats_all_of_it_and_sets_nothing_aside(void **state)
{
    struct delivery batch[] = { event(1, 1, "order.created"), event(2, 2, "order.created") };

    (void)state;
    fault_set(&next_fault, FAULT_TRANSIENT, "40P01", "deadlock detected");
    assert_true(apply(batch, ARRAY_LEN(batch)));
    assert_effects("1 2");
    assert_letters("");
    assert_int_equal(pauses, 1);
    assert_int_equal(transactions, 1);
}

static void after_a_commit_without_an_answer_the_inbox_tells(void **state)
{
    struct delivery batch[] = { event(1, 1, "order.created"), event(2, 2, "order.created") };

    (void)state;
    commit_faults = FAULT_UNKNOWN;
    assert_true(apply(batch, ARRAY_LEN(batch)));
    assert_effects("1 2");
    assert_int_equal(committed.emitted, 2);
    assert_int_equal(counts[0][EVENT_DUPLICATE], 2);
}

static void a_missing_function_blocks_and_is_no_events_fault(void **state)
{
    struct delivery batch[] = { event(1, 1, "order.created"), event(2, 2, "order.created") };

    (void)state;
    fault_set(&next_fault, FAULT_PERMANENT, "42883", "function save_payments does not exist");
    assert_true(apply(batch, ARRAY_LEN(batch)));
    assert_effects("1 2");
    assert_letters("");
    assert_int_equal(pauses, 1);
}

static void a_batch_can_be_let_go_of_between_tries(void **state)
{
    struct delivery batch[] = { event(1, 1, "order.created"), event(2, 2, "payment.authorized") };

    (void)state;
    pauses_allowed = 0;
    commit_faults = FAULT_TIMEOUT;
    assert_false(apply(batch, ARRAY_LEN(batch)));
    assert_effects("");
}

static void many_at_fault_go_aside_in_log_order(void **state)
{
    struct delivery batch[] = { event(1, 1, "order.created"), event(2, 2, "order.created"), event(3, 3, "order.created"),
                                event(4, 4, "order.created"), event(5, 5, "order.created") };

    (void)state;
    poison = 1U << 1 | 1U << 2 | 1U << 3 | 1U << 5;
    assert_true(apply(batch, ARRAY_LEN(batch)));
    assert_effects("4");
    assert_letters("1 2 3 5");
}

/* ---- replay ---- */

static struct delivery letter(int number, int order, const char *type)
{
    struct delivery delivery = event(number, order, type);

    delivery.letter = number;
    return delivery;
}

/* Letters lie in the table as their first try left them. */
static void set_aside(const struct delivery *letters, int count)
{
    for (int i = 0; i < count; i++) {
        committed.letters[i] = number_of(&letters[i].work.event_id);
        committed.letter_orders[i] = number_of(&letters[i].work.order_id);
        committed.held[i] = i > 0;
    }
    committed.letter_count = count;
}

static void a_replay_applies_and_removes_what_is_mended(void **state)
{
    struct delivery batch[] = { letter(1, 7, "order.created"), letter(2, 7, "order.created") };

    (void)state;
    set_aside(batch, 2);
    assert_true(apply(batch, 2));
    assert_effects("1 2");
    assert_letters("");
    assert_int_equal(transactions, 1);
    assert_int_equal(counts[0][EVENT_APPLIED], 2);
}

static void a_second_replay_changes_nothing(void **state)
{
    struct delivery batch[] = { letter(1, 7, "order.created") };

    (void)state;
    set_aside(batch, 1);
    assert_true(apply(batch, 1));
    assert_true(apply(batch, 1));
    assert_effects("1");
    assert_int_equal(counts[0][EVENT_DUPLICATE], 1);
}

static void what_fails_again_stays_and_the_later_ones_behind_it(void **state)
{
    struct delivery batch[] = { letter(1, 7, "order.created"), letter(2, 8, "order.created"),
                                letter(3, 7, "order.created") };

    (void)state;
    set_aside(batch, 3);
    poison = 1U << 1;
    assert_true(apply(batch, 3));
    assert_effects("2");
    assert_letters("1 (3)");
    assert_int_equal(committed.inbox_count, 1);
}

static void a_later_letter_of_an_earlier_group_waits_for_the_earlier_letter(void **state)
{
    struct delivery batch[] = { letter(1, 7, "payment.authorized"), letter(2, 7, "order.created") };

    (void)state;
    set_aside(batch, 2);
    assert_true(apply(batch, 2));
    assert_effects("1");
    assert_letters("(2)");
}

static void a_replay_that_applies_nothing_leaves_the_letters_as_they_are(void **state)
{
    struct delivery batch[] = { letter(1, 7, "order.created") };

    (void)state;
    set_aside(batch, 1);
    pauses_allowed = 0;
    fault_set(&next_fault, FAULT_TRANSIENT, "57P01", "shutting down");
    assert_false(apply(batch, 1));
    assert_letters("1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(rows_with_one_handler_share_a_transaction_in_log_order, reset),
        cmocka_unit_test_setup(groups_follow_the_table_and_not_the_log, reset),
        cmocka_unit_test_setup(types_of_others_leave_no_trace, reset),
        cmocka_unit_test_setup(an_event_that_comes_twice_is_applied_once, reset),
        cmocka_unit_test_setup(the_event_the_database_refuses_goes_aside_alone, reset),
        cmocka_unit_test_setup(later_events_of_a_refused_one_wait_behind_it, reset),
        cmocka_unit_test_setup(later_events_of_a_rejected_one_wait_behind_it, reset),
        cmocka_unit_test_setup(a_rejected_event_alone_costs_no_second_try, reset),
        cmocka_unit_test_setup(a_cancel_is_never_held, reset),
        cmocka_unit_test_setup(an_unreadable_event_goes_aside_without_a_handler, reset),
        cmocka_unit_test_setup(a_fault_that_may_pass_repeats_all_of_it_and_sets_nothing_aside, reset),
        cmocka_unit_test_setup(after_a_commit_without_an_answer_the_inbox_tells, reset),
        cmocka_unit_test_setup(a_missing_function_blocks_and_is_no_events_fault, reset),
        cmocka_unit_test_setup(a_batch_can_be_let_go_of_between_tries, reset),
        cmocka_unit_test_setup(many_at_fault_go_aside_in_log_order, reset),
        cmocka_unit_test_setup(a_replay_applies_and_removes_what_is_mended, reset),
        cmocka_unit_test_setup(a_second_replay_changes_nothing, reset),
        cmocka_unit_test_setup(what_fails_again_stays_and_the_later_ones_behind_it, reset),
        cmocka_unit_test_setup(a_later_letter_of_an_earlier_group_waits_for_the_earlier_letter, reset),
        cmocka_unit_test_setup(a_replay_that_applies_nothing_leaves_the_letters_as_they_are, reset),
    };

    return cmocka_run_group_tests_name("runtime apply", tests, NULL, NULL);
}
