#include "base/clock.h"
#include "fcgi/batcher.h"
#include "tests/unit/unit.h"
#include <limits.h>
#include <poll.h>
#include <pthread.h>

enum { WAIT_MS = 10000, OWNERS = 32 };

/* A database of our own: counts its calls, may be held shut, fails as told. */
struct fake {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool shut;     /* calls wait until it is opened */
    int inside;    /* calls that wait */
    int calls;     /* begun */
    int batch_max; /* works of the largest call */
    int fail_next; /* so many calls fail, each whole */
    enum fault_kind fail_kind;
};

struct work {
    int input;
    int output;
};

enum { POISON = -1 }; /* input of a work that spoils its batch */

static bool fake_run(void *context, struct pg *pg, struct arena *arena, void *const *works, size_t count,
                     struct fault *fault)
{
    struct fake *fake = context;
    bool fails;

    (void)pg;
    (void)arena;
    pthread_mutex_lock(&fake->lock);
    fake->calls++;
    fake->inside++;
    if ((int)count > fake->batch_max)
        fake->batch_max = (int)count;
    pthread_cond_broadcast(&fake->changed);
    while (fake->shut)
        pthread_cond_wait(&fake->changed, &fake->lock);
    fake->inside--;
    fails = fake->fail_next > 0;
    if (fails)
        fake->fail_next--;
    pthread_mutex_unlock(&fake->lock);

    if (fails)
        return fault_set(fault, fake->fail_kind, "fake", "told to fail");
    for (size_t i = 0; i < count; i++)
        if (((const struct work *)works[i])->input == POISON)
            return fault_set(fault, FAULT_PERMANENT, "poison", "a bad work");
    for (size_t i = 0; i < count; i++)
        ((struct work *)works[i])->output = ((struct work *)works[i])->input * 2;
    return true;
}

static void fake_set_shut(struct fake *fake, bool shut)
{
    pthread_mutex_lock(&fake->lock);
    fake->shut = shut;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

static void fake_await_inside(struct fake *fake)
{
    pthread_mutex_lock(&fake->lock);
    while (fake->inside == 0)
        pthread_cond_wait(&fake->changed, &fake->lock);
    pthread_mutex_unlock(&fake->lock);
}

#define FAKE ((struct fake){ .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER })

static struct batcher *batcher_on(struct fake *fake, int batch_max, int queue_max)
{
    struct fault fault = { 0 };
    const struct batcher_options options = {
        .name = "fake",
        .threads = 1,
        .batch_max = batch_max,
        .queue_max = queue_max,
        .pg = { .url = "postgresql://nowhere/none", .application = "test", .schema = "none", .call_timeout_ms = 100 },
        .run = fake_run,
        .context = fake,
    };
    struct batcher *batcher = batcher_new(&options, &fault);

    assert_non_null(batcher);
    return batcher;
}

/* A thread with one work of its own. */
struct owner {
    pthread_t thread;
    struct batcher *batcher;
    struct work work;
    int64_t deadline_ms;
    bool done;
    struct fault fault;
};

static void *owner_main(void *argument)
{
    struct owner *owner = argument;

    do /* a probe of await_full may sit in its place for a moment */
        owner->done = batcher_do(owner->batcher, &owner->work, owner->deadline_ms, &owner->fault);
    while (!owner->done && owner->fault.kind == FAULT_BUSY);
    return NULL;
}

static void owner_start(struct owner *owner, struct batcher *batcher, int input, int64_t wait_ms)
{
    *owner = (struct owner){ .batcher = batcher, .work = { .input = input }, .deadline_ms = clock_mono_ms() + wait_ms };
    assert_int_equal(pthread_create(&owner->thread, NULL, owner_main, owner), 0);
}

static void join_all(struct owner *owners, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pthread_join(owners[i].thread, NULL);
}

/* A work of this thread. */
static bool do_one(struct batcher *batcher, int input, int64_t wait_ms, struct work *work, struct fault *fault)
{
    *work = (struct work){ .input = input };
    *fault = (struct fault){ 0 };
    return batcher_do(batcher, work, clock_mono_ms() + wait_ms, fault);
}

/* Returns once the queue is full: works that cannot wait are refused then, and time out before. */
static void await_full(struct batcher *batcher)
{
    struct fault fault;
    struct work work;

    do
        assert_false(do_one(batcher, 0, 0, &work, &fault));
    while (fault.kind != FAULT_BUSY);
}

/* ---- tests ---- */

static void what_waits_while_a_batch_runs_becomes_the_next_batches(void **state)
{
    struct fake fake = FAKE;
    struct batcher *batcher = batcher_on(&fake, 8, OWNERS);
    struct owner first, owners[OWNERS];

    (void)state;
    fake.shut = true;
    owner_start(&first, batcher, 100, WAIT_MS);
    fake_await_inside(&fake);
    for (int i = 0; i < OWNERS; i++)
        owner_start(&owners[i], batcher, i, WAIT_MS);
    await_full(batcher);
    fake_set_shut(&fake, false);
    join_all(&first, 1);
    join_all(owners, OWNERS);

    for (int i = 0; i < OWNERS; i++) {
        assert_true(owners[i].done);
        assert_int_equal(owners[i].work.output, i * 2);
    }
    assert_int_equal(fake.batch_max, 8);
    assert_int_equal(fake.calls, 1 + OWNERS / 8);
    batcher_free(batcher);
}

static void past_its_bound_the_queue_refuses_at_once(void **state)
{
    struct fake fake = FAKE;
    struct batcher *batcher = batcher_on(&fake, 8, 1);
    struct owner first, second;

    (void)state;
    fake.shut = true;
    owner_start(&first, batcher, 1, WAIT_MS);
    fake_await_inside(&fake);
    owner_start(&second, batcher, 2, WAIT_MS);
    await_full(batcher);
    fake_set_shut(&fake, false);
    join_all(&first, 1);
    join_all(&second, 1);
    assert_true(first.done && second.done);
    batcher_free(batcher);
}

static void a_work_past_its_deadline_leaves_the_queue_undone(void **state)
{
    struct fake fake = FAKE;
    struct batcher *batcher = batcher_on(&fake, 8, 8);
    struct owner first;
    struct fault fault;
    struct work work;

    (void)state;
    fake.shut = true;
    owner_start(&first, batcher, 1, WAIT_MS);
    fake_await_inside(&fake);
    assert_false(do_one(batcher, 2, 20, &work, &fault));
    assert_int_equal(fault.kind, FAULT_TIMEOUT);
    fake_set_shut(&fake, false);
    join_all(&first, 1);
    batcher_free(batcher);
    assert_int_equal(fake.calls, 1);
    assert_int_equal(work.output, 0);
}

static void a_work_that_has_begun_is_waited_for_past_its_deadline(void **state)
{
    struct fake fake = FAKE;
    struct batcher *batcher = batcher_on(&fake, 8, 8);
    struct owner first;

    (void)state;
    fake.shut = true;
    owner_start(&first, batcher, 4, 300);
    fake_await_inside(&fake);
    while (clock_left_ms(first.deadline_ms) > 0)
        poll(NULL, 0, clock_left_ms(first.deadline_ms));
    fake_set_shut(&fake, false);
    join_all(&first, 1);
    assert_true(first.done);
    assert_int_equal(first.work.output, 8);
    batcher_free(batcher);
}

static void a_bad_work_harms_only_itself(void **state)
{
    struct fake fake = FAKE;
    struct batcher *batcher = batcher_on(&fake, 8, 4);
    struct owner first, owners[4];

    (void)state;
    fake.shut = true;
    owner_start(&first, batcher, 1, WAIT_MS);
    fake_await_inside(&fake);
    for (int i = 0; i < 4; i++)
        owner_start(&owners[i], batcher, i == 2 ? POISON : i, WAIT_MS);
    await_full(batcher);
    fake_set_shut(&fake, false);
    join_all(&first, 1);
    join_all(owners, 4);

    for (int i = 0; i < 4; i++)
        assert_int_equal(owners[i].done, i != 2);
    assert_int_equal(owners[2].fault.kind, FAULT_PERMANENT);
    assert_int_equal(fake.calls, 1 + 1 + 4); /* the first, the batch, each of it alone */
    batcher_free(batcher);
}

static void what_may_pass_is_tried_once_more(void **state)
{
    static const enum fault_kind kinds[] = { FAULT_TRANSIENT, FAULT_UNKNOWN };
    struct fault fault;
    struct work work;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct fake fake = FAKE;
        struct batcher *batcher = batcher_on(&fake, 8, 8);

        fake.fail_kind = kinds[i];
        fake.fail_next = 1;
        assert_true(do_one(batcher, 3, WAIT_MS, &work, &fault));
        assert_int_equal(work.output, 6);

        fake.fail_next = 2;
        assert_false(do_one(batcher, 3, WAIT_MS, &work, &fault));
        assert_int_equal(fault.kind, kinds[i]);
        assert_int_equal(fake.calls, 4);
        batcher_free(batcher);
    }
}

static void a_missed_deadline_of_the_database_is_not_tried_again(void **state)
{
    struct fake fake = FAKE;
    struct batcher *batcher = batcher_on(&fake, 8, 8);
    struct fault fault;
    struct work work;

    (void)state;
    fake.fail_kind = FAULT_TIMEOUT;
    fake.fail_next = 1;
    assert_false(do_one(batcher, 3, WAIT_MS, &work, &fault));
    assert_int_equal(fault.kind, FAULT_TIMEOUT);
    assert_int_equal(fake.calls, 1);
    batcher_free(batcher);
}

/* The fake is never connected, so a failure that may pass looks like a database that is away. */
static void while_the_database_is_away_work_is_refused_at_once(void **state)
{
    struct fake fake = FAKE;
    struct batcher *batcher = batcher_on(&fake, 1, 8);
    struct fault fault;
    struct work work;

    (void)state;
    fake.fail_next = INT_MAX;
    fake.fail_kind = FAULT_TRANSIENT;
    assert_false(do_one(batcher, 21, WAIT_MS, &work, &fault));
    assert_string_equal(fault.code, "fake");
    do /* a probe gets through now and then, and fails */
        assert_false(do_one(batcher, 21, WAIT_MS, &work, &fault));
    while (strcmp(fault.code, "database_away") != 0);
    assert_int_equal(fault.kind, FAULT_TRANSIENT);

    pthread_mutex_lock(&fake.lock);
    fake.fail_next = 0;
    pthread_mutex_unlock(&fake.lock);
    while (!do_one(batcher, 21, WAIT_MS, &work, &fault))
        poll(NULL, 0, 1); /* until it is time for a probe, which finds the database back */
    assert_int_equal(work.output, 42);
    assert_true(do_one(batcher, 21, WAIT_MS, &work, &fault));
    batcher_free(batcher);
}

static void whoever_waits_when_the_database_is_found_away_is_sent_off(void **state)
{
    struct fake fake = FAKE;
    struct batcher *batcher = batcher_on(&fake, 1, 2);
    struct owner owners[3];

    (void)state;
    fake.shut = true;
    fake.fail_next = 1;
    fake.fail_kind = FAULT_TIMEOUT;
    owner_start(&owners[0], batcher, 1, WAIT_MS);
    fake_await_inside(&fake);
    for (size_t i = 1; i < ARRAY_LEN(owners); i++)
        owner_start(&owners[i], batcher, 1, WAIT_MS);
    await_full(batcher);
    fake_set_shut(&fake, false);
    join_all(owners, ARRAY_LEN(owners));
    for (size_t i = 0; i < ARRAY_LEN(owners); i++)
        assert_int_equal(owners[i].fault.kind, FAULT_TIMEOUT);
    assert_int_equal(fake.calls, 1);
    batcher_free(batcher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_while_a_batch_runs_becomes_the_next_batches),
        cmocka_unit_test(past_its_bound_the_queue_refuses_at_once),
        cmocka_unit_test(a_work_past_its_deadline_leaves_the_queue_undone),
        cmocka_unit_test(a_work_that_has_begun_is_waited_for_past_its_deadline),
        cmocka_unit_test(a_bad_work_harms_only_itself),
        cmocka_unit_test(what_may_pass_is_tried_once_more),
        cmocka_unit_test(a_missed_deadline_of_the_database_is_not_tried_again),
        cmocka_unit_test(while_the_database_is_away_work_is_refused_at_once),
        cmocka_unit_test(whoever_waits_when_the_database_is_found_away_is_sent_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
