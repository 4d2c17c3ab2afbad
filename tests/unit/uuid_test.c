#include "base/clock.h"
#include "base/uuid.h"
#include "tests/unit/unit.h"
#include <pthread.h>
#include <stdlib.h>

enum { THREADS = 4, PER_THREAD = 20000 };

/* Takes the place of the real clock, so that tests can stop it and set it back. */
static int64_t now_ms = 1795367877123;

int64_t clock_unix_ms(void)
{
    return now_ms;
}

static void an_id_has_version_variant_and_the_time_of_its_making(void **state)
{
    char text[UUID_TEXT_LEN + 1];
    struct uuid uuid;
    (void)state;

    now_ms += 1000;
    uuid = uuid_v7();
    uuid_format(&uuid, text);
    assert_int_equal(strlen(text), UUID_TEXT_LEN);
    assert_int_equal(text[14], '7');
    assert_non_null(strchr("89ab", text[19]));
    assert_int_equal(uuid_unix_ms(&uuid), now_ms);
}

static void assert_rising(struct uuid *last, int count)
{
    for (int i = 0; i < count; i++) {
        struct uuid next = uuid_v7();

        assert_true(uuid_compare(last, &next) < 0);
        *last = next;
    }
}

static void ids_of_a_thread_rise_whatever_the_clock_does(void **state)
{
    struct uuid last = uuid_v7();
    (void)state;

    assert_rising(&last, 10000); /* stands still: more than the counter holds */
    assert_in_range(uuid_unix_ms(&last), now_ms, now_ms + 5);
    now_ms -= 60000;
    assert_rising(&last, 10000);
    now_ms += 60001;
    assert_rising(&last, 10);
    now_ms += 60000;
    assert_rising(&last, 10);
    assert_int_equal(uuid_unix_ms(&last), now_ms);
}

static void *make_ids(void *arg)
{
    struct uuid *ids = arg;

    for (int i = 0; i < PER_THREAD; i++)
        ids[i] = uuid_v7();
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return uuid_compare(a, b);
}

static void ids_of_several_threads_are_all_different(void **state)
{
    static struct uuid ids[THREADS * PER_THREAD];
    pthread_t threads[THREADS];
    (void)state;

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_ids, ids + (ptrdiff_t)i * PER_THREAD), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    qsort(ids, ARRAY_LEN(ids), sizeof ids[0], compare);
    for (int i = 1; i < THREADS * PER_THREAD; i++)
        assert_false(uuid_equal(&ids[i - 1], &ids[i]));
}

static void the_floor_is_below_every_id_of_its_millisecond_and_above_the_one_before(void **state)
{
    struct uuid uuid = uuid_v7();
    struct uuid floor = uuid_v7_floor(uuid_unix_ms(&uuid)), next = uuid_v7_floor(uuid_unix_ms(&uuid) + 1);
    char text[UUID_TEXT_LEN + 1];
    (void)state;

    assert_true(uuid_compare(&floor, &uuid) <= 0);
    assert_true(uuid_compare(&uuid, &next) < 0);
    assert_int_equal(uuid_unix_ms(&floor), uuid_unix_ms(&uuid));
    floor = uuid_v7_floor(0x0123456789AB);
    uuid_format(&floor, text);
    assert_string_equal(text, "01234567-89ab-7000-8000-000000000000");
    floor = uuid_v7_floor(-1);
    assert_int_equal(uuid_unix_ms(&floor), 0);
    floor = uuid_v7_floor(INT64_MAX);
    assert_int_equal(uuid_unix_ms(&floor), 0xFFFFFFFFFFFF);
}

static void text_is_read_in_any_case_and_written_in_lower_case(void **state)
{
    struct uuid uuid;
    char text[UUID_TEXT_LEN + 1];
    (void)state;

    assert_true(uuid_parse(TEXT("0189ABCD-ef01-4234-A567-89abcdefABCD"), &uuid));
    uuid_format(&uuid, text);
    assert_string_equal(text, "0189abcd-ef01-4234-a567-89abcdefabcd");
    assert_int_equal(uuid.bytes[0], 0x01);
    assert_int_equal(uuid.bytes[15], 0xCD);
}

static void what_is_not_8_4_4_4_12_digits_is_no_uuid(void **state)
{
    static const char *const texts[] = {
        "",
        "0189abcd-ef01-4234-a567-89abcdefabc",
        "0189abcd-ef01-4234-a567-89abcdefabcde",
        "0189abcdef014234a56789abcdefabcd",
        "{189abcd-ef01-4234-a567-89abcdefabc}",
        "0189abcd-ef01-4234-a567-89abcdefabcg",
        "0189abcd_ef01-4234-a567-89abcdefabcd",
        "0189abcde-f01-4234-a567-89abcdefabcd",
        "0189abcd-ef01-4234-a567--9abcdefabcd",
        " 189abcd-ef01-4234-a567-89abcdefabcd",
        "0189abcd-ef01-4234-a567-89abcdefab@d",
        "0189abcd-ef01-4234-a567-89abcdefab`d",
        "0189abcd-ef01-4234-a567-89abcdefab\020d",
    };
    struct uuid uuid = uuid_v7_floor(1), before = uuid;
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_false(uuid_parse(text_of(texts[i]), &uuid));
    assert_true(uuid_equal(&uuid, &before));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_has_version_variant_and_the_time_of_its_making),
        cmocka_unit_test(ids_of_a_thread_rise_whatever_the_clock_does),
        cmocka_unit_test(ids_of_several_threads_are_all_different),
        cmocka_unit_test(the_floor_is_below_every_id_of_its_millisecond_and_above_the_one_before),
        cmocka_unit_test(text_is_read_in_any_case_and_written_in_lower_case),
        cmocka_unit_test(what_is_not_8_4_4_4_12_digits_is_no_uuid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
