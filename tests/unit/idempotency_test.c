#include "fcgi/idempotency.h"
#include "tests/unit/unit.h"

static const struct uuid mine = { { 1 } }, other = { { 2 } };

static enum idempotency_step decide(enum orders_outcome outcome, struct uuid holder_id, struct uuid holder_body,
                                    bool time_left)
{
    const struct order order = { .id = mine };
    const struct orders_new asked = {
        .order = &order,
        .body_digest = mine,
        .outcome = outcome,
        .holder = { .order_id = holder_id, .body_digest = holder_body },
    };

    return idempotency_decide(&asked, time_left);
}

static void a_new_key_creates(void **state)
{
    (void)state;
    assert_int_equal(decide(ORDERS_CREATED, mine, mine, true), IDEMPOTENCY_CREATED);
}

static void the_same_order_under_the_same_key_is_a_replay(void **state)
{
    (void)state;
    assert_int_equal(decide(ORDERS_EXISTS, other, mine, true), IDEMPOTENCY_REPLAY);
}

static void another_order_under_the_same_key_is_a_mismatch(void **state)
{
    (void)state;
    assert_int_equal(decide(ORDERS_EXISTS, other, other, true), IDEMPOTENCY_MISMATCH);
}

static void an_order_found_under_its_own_id_was_created_by_this_request(void **state)
{
    (void)state;
    assert_int_equal(decide(ORDERS_EXISTS, mine, mine, false), IDEMPOTENCY_CREATED);
}

static void a_key_in_other_hands_is_waited_for_while_there_is_time(void **state)
{
    (void)state;
    assert_int_equal(decide(ORDERS_BUSY, mine, mine, true), IDEMPOTENCY_ASK_AGAIN);
    assert_int_equal(decide(ORDERS_BUSY, mine, mine, false), IDEMPOTENCY_IN_PROGRESS);
}

static void keys_are_told_apart_by_every_byte(void **state)
{
    struct uuid a = idempotency_key_digest(TEXT("key-1")), b = idempotency_key_digest(TEXT("key-2"));
    struct uuid again = idempotency_key_digest(TEXT("key-1"));

    (void)state;
    assert_false(uuid_equal(&a, &b));
    assert_true(uuid_equal(&a, &again));
}

/* ---- sealed values ---- */

static const struct text secret = TEXT("a secret of thirty-two bytes ...");

static struct text sealed(struct arena *arena)
{
    const struct idempotency_answer answer = { .body_digest = other, .order_id = mine, .bytes = TEXT("{\"orderId\":1}") };

    return idempotency_seal(&answer, &mine, secret, arena);
}

static void a_sealed_answer_opens_as_it_was(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct idempotency_answer answer;

    (void)state;
    assert_true(idempotency_open(sealed(&arena), &mine, secret, &answer));
    assert_true(uuid_equal(&answer.body_digest, &other));
    assert_true(uuid_equal(&answer.order_id, &mine));
    assert_true(text_is(answer.bytes, "{\"orderId\":1}"));
}

static void a_value_changed_in_any_byte_or_length_is_no_answer(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct text value = sealed(&arena);
    struct idempotency_answer answer;

    (void)state;
    for (size_t i = 0; i < value.len; i++) {
        struct text changed = arena_copy(&arena, value);

        ((char *)(uintptr_t)changed.ptr)[i] ^= 1;
        assert_false(idempotency_open(changed, &mine, secret, &answer));
        assert_false(idempotency_open((struct text){ value.ptr, i }, &mine, secret, &answer));
    }
}

static void a_value_of_another_key_or_secret_is_no_answer(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct text value = sealed(&arena);
    struct idempotency_answer answer;

    (void)state;
    assert_false(idempotency_open(value, &other, secret, &answer));
    assert_false(idempotency_open(value, &mine, TEXT("another"), &answer));
    assert_false(idempotency_open(TEXT(""), &mine, secret, &answer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_key_creates),
        cmocka_unit_test(the_same_order_under_the_same_key_is_a_replay),
        cmocka_unit_test(another_order_under_the_same_key_is_a_mismatch),
        cmocka_unit_test(an_order_found_under_its_own_id_was_created_by_this_request),
        cmocka_unit_test(a_key_in_other_hands_is_waited_for_while_there_is_time),
        cmocka_unit_test(keys_are_told_apart_by_every_byte),
        cmocka_unit_test(a_sealed_answer_opens_as_it_was),
        cmocka_unit_test(a_value_changed_in_any_byte_or_length_is_no_answer),
        cmocka_unit_test(a_value_of_another_key_or_secret_is_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
