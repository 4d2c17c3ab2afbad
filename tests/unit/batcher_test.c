#include "base/clock.h"
#include "fcgi/batcher.h"
#include "tests/unit/unit.h"
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>

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
    struct metrics metrics;
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
        .metrics = &fake->metrics,
        .queue = METRICS_WRITERS,
    };
    struct batcher *batcher = batcher_new(&options, &fault);

    assert_non_null(batcher);
    return batcher;
}

/* A work on its way, and what came of it. */
struct owner {
    struct job job; /* first: over() finds its owner by it */
    struct work work;
    bool done;
    struct fault fault;
    sem_t over;
};

static void over(struct job *job, const struct fault *fault)
{
    struct owner *owner = (struct owner *)job;

    owner->done = !fault;
    if (fault)
        owner->fault = *fault;
    sem_post(&owner->over);
}

static void owner_put(struct owner *owner, struct batcher *batcher, int input, int64_t wait_ms)
{
    *owner = (struct owner){
        .job = { .work = &owner->work, .deadline_ms = clock_mono_ms() + wait_ms, .over = over },
        .work = { .input = input },
    };
    sem_init(&owner->over, 0, 0);
    batcher_put(batcher, &owner->job, 0);
}

static void await(struct owner *owners, size_t count)
{
    for (size_t i = 0; i < count; i++)
        while (sem_wait(&owners[i].over) != 0)
            ;
}

static bool is_over(struct owner *owner)
{
    int value;

    sem_getvalue(&owner->over, &value);
    return value > 0;
}

/* A work that is waited for. */
static bool do_one(struct batcher *batcher, int input, struct work *work, struct fault *fault)
{
    struct owner owner;

    owner_put(&owner, batcher, input, WAIT_MS);
    await(&owner, 1);
    *work = owner.work;
    *fault = owner.fault;
    return owner.done;
}

/* ---- tests ---- */

static void what_waits_while_a_batch_runs_becomes_the_next_batches(void **state)
{
    struct fake fake = FAKE;
    struct batcher *batcher = batcher_on(&fake, 8, OWNERS);
    struct owner first, owners[OWNERS];

    (void)state;
    fake.shut = true;
    owner_put(&first, batcher, 100, WAIT_MS);
    fake_await_inside(&fake);
    for (int i = 0; i < OWNERS; i++)
        owner_put(&owners[i], batcher, i, WAIT_MS);
    fake_set_shut(&fake, false);
    await(&first, 1);
    await(owners, OWNERS);

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
    struct owner first, second, third;

    (void)state;
    fake.shut = true;
    owner_put(&first, batcher, 1, WAIT_MS);
    fake_await_inside(&fake);
    owner_put(&second, batcher, 2, WAIT_MS);
    owner_put(&third, batcher, 3, WAIT_MS);
    assert_true(is_over(&third));
    assert_int_equal(third.fault.kind, FAULT_BUSY);
    fake_set_shut(&fake, false);
    await(&first, 1);
    await(&second, 1);
    assert_true(first.done && second.done);
    batcher_free(batcher);
}

static void a_work_past_its_deadline_leaves_the_queue_undone(void **state)
{
    struct fake fake = FAKE;
    struct batcher *batcher = batcher_on(&fake, 8, 8);
    struct owner first, late, patient;

    (void)state;
    fake.shut = true;
    owner_put(&first, batcher, 1, WAIT_MS);
    fake_await_inside(&fake);
    owner_put(&late, batcher, 2, 20);
    owner_put(&patient, batcher, 3, WAIT_MS);
    while (!is_over(&late))
        batcher_expire(batcher);
    assert_int_equal(clock_left_ms(late.job.deadline_ms), 0);
    assert_false(late.done);
    assert_int_equal(late.fault.kind, FAULT_TIMEOUT);
    assert_false(is_over(&patient));
    fake_set_shut(&fake, false);
    await(&first, 1);
    await(&patient, 1);
    batcher_free(batcher);
    assert_true(patient.done);
    assert_int_equal(fake.calls, 2);
    assert_int_equal(late.work.output, 0);
}

static void a_work_for_later_is_not_begun_before_and_holds_up_nobody(void **state)
{
    enum { LATER_MS = 50 };
    struct fake fake = FAKE;
    struct batcher *batcher = batcher_on(&fake, 8, 8);
    int64_t begun_ms = clock_mono_ms();
    struct owner later = { .job = { .work = &later.work, .deadline_ms = begun_ms + WAIT_MS, .over = over },
                           .work = { .input = 5 } };
    struct work work;
    struct fault fault;

    (void)state;
    sem_init(&later.over, 0, 0);
    batcher_put(batcher, &later.job, LATER_MS);
    assert_true(do_one(batcher, 4, &work, &fault));
    await(&later, 1);
    assert_true(clock_mono_ms() - begun_ms >= LATER_MS);
    assert_int_equal(later.work.output, 10);
    batcher_free(batcher);
}

/* ---- many threads ---- */

enum { THREADS = 4, PER_THREAD = 200, ROUNDS = 3 };

/* Goes into the batcher ROUNDS times, from its own end. */
struct traveller {
    struct job job; /* first */
    struct work work;
    struct batcher *batcher;
    int rounds;
    sem_t *arrived;
};

static void travel_on(struct job *job, const struct fault *fault)
{
    struct traveller *traveller = (struct traveller *)job;

    assert_null(fault);
    if (++traveller->rounds == ROUNDS)
        sem_post(traveller->arrived);
    else
        batcher_put(traveller->batcher, job, traveller->rounds % 2);
}

struct crowd {
    pthread_t thread;
    struct traveller travellers[PER_THREAD];
};

static void *crowd_main(void *argument)
{
    struct crowd *crowd = argument;

    for (int i = 0; i < PER_THREAD; i++)
        batcher_put(crowd->travellers[i].batcher, &crowd->travellers[i].job, 0);
    return NULL;
}

static void each_work_is_over_once_whoever_hands_it_in(void **state)
{
    static struct crowd crowds[THREADS];
    struct fake fake = FAKE;
    struct batcher *batcher = batcher_on(&fake, 16, THREADS * PER_THREAD);
    sem_t arrived;

    (void)state;
    sem_init(&arrived, 0, 0);
    for (int i = 0; i < THREADS; i++) {
        for (int j = 0; j < PER_THREAD; j++)
            crowds[i].travellers[j] = (struct traveller){
                .job = { .work = &crowds[i].travellers[j].work, .deadline_ms = INT64_MAX, .over = travel_on },
                .batcher = batcher,
                .arrived = &arrived,
            };
        assert_int_equal(pthread_create(&crowds[i].thread, NULL, crowd_main, &crowds[i]), 0);
    }
    for (int i = 0; i < THREADS * PER_THREAD; i++) {
        batcher_expire(batcher);
        while (sem_wait(&arrived) != 0)
            ;
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(crowds[i].thread, NULL);
    batcher_free(batcher);
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < PER_THREAD; j++)
            assert_int_equal(crowds[i].travellers[j].rounds, ROUNDS);
    assert_true(fake.batch_max <= 16);
}

static void a_work_that_has_begun_is_waited_for_past_its_deadline(void **state)
{
    struct fake fake = FAKE;
    struct batcher *batcher = batcher_on(&fake, 8, 8);
    struct owner first;

    (void)state;
    fake.shut = true;
    owner_put(&first, batcher, 4, 300);
    fake_await_inside(&fake);
    while (clock_left_ms(first.job.deadline_ms) > 0)
        poll(NULL, 0, clock_left_ms(first.job.deadline_ms));
    fake_set_shut(&fake, false);
    await(&first, 1);
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
    owner_put(&first, batcher, 1, WAIT_MS);
    fake_await_inside(&fake);
    for (int i = 0; i < 4; i++)
        owner_put(&owners[i], batcher, i == 2 ? POISON : i, WAIT_MS);
    fake_set_shut(&fake, false);
    await(&first, 1);
    await(owners, 4);

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
        assert_true(do_one(batcher, 3, &work, &fault));
        assert_int_equal(work.output, 6);

        fake.fail_next = 2;
        assert_false(do_one(batcher, 3, &work, &fault));
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
    assert_false(do_one(batcher, 3, &work, &fault));
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
    assert_false(do_one(batcher, 21, &work, &fault));
    assert_string_equal(fault.code, "fake");
    do /* a probe gets through now and then, and fails */
        assert_false(do_one(batcher, 21, &work, &fault));
    while (strcmp(fault.code, "database_away") != 0);
    assert_int_equal(fault.kind, FAULT_TRANSIENT);
    assert_int_equal(fake.metrics.refusing[METRICS_WRITERS], 1);
    batcher_expire(batcher);
    assert_int_equal(fake.metrics.refusing[METRICS_WRITERS], 1);

    pthread_mutex_lock(&fake.lock);
    fake.fail_next = 0;
    pthread_mutex_unlock(&fake.lock);
    while (!do_one(batcher, 21, &work, &fault))
        poll(NULL, 0, 1); /* until it is time for a probe, which finds the database back */
    assert_int_equal(work.output, 42);
    assert_int_equal(fake.metrics.refusing[METRICS_WRITERS], 0);
    assert_true(do_one(batcher, 21, &work, &fault));
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
    owner_put(&owners[0], batcher, 1, WAIT_MS);
    fake_await_inside(&fake);
    for (size_t i = 1; i < ARRAY_LEN(owners); i++)
        owner_put(&owners[i], batcher, 1, WAIT_MS);
    fake_set_shut(&fake, false);
    await(owners, ARRAY_LEN(owners));
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
        cmocka_unit_test(a_work_for_later_is_not_begun_before_and_holds_up_nobody),
        cmocka_unit_test(each_work_is_over_once_whoever_hands_it_in),
        cmocka_unit_test(a_work_that_has_begun_is_waited_for_past_its_deadline),
        cmocka_unit_test(a_bad_work_harms_only_itself),
        cmocka_unit_test(what_may_pass_is_tried_once_more),
        cmocka_unit_test(a_missed_deadline_of_the_database_is_not_tried_again),
        cmocka_unit_test(while_the_database_is_away_work_is_refused_at_once),
        cmocka_unit_test(whoever_waits_when_the_database_is_found_away_is_sent_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
