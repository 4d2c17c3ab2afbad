#include "base/metric.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static const char *told(struct buf *out)
{
    buf_char(out, '\0');
    return out->ptr;
}

static void a_value_on_a_bound_counts_below_it(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct buf out = BUF_IN(&arena);
    struct metric_histogram sizes = { 0 };
    const char *text;
    (void)state;

    metric_observe(&sizes, &metric_sizes, 1);
    metric_observe(&sizes, &metric_sizes, 2);
    metric_observe(&sizes, &metric_sizes, 3);
    metric_observe(&sizes, &metric_sizes, 5001);
    metric_histogram(&out, "size", "service=\"order\"", &metric_sizes, &sizes);
    text = told(&out);
    assert_non_null(strstr(text, "size_bucket{service=\"order\",le=\"1\"} 1\n"));
    assert_non_null(strstr(text, "size_bucket{service=\"order\",le=\"2\"} 2\n"));
    assert_non_null(strstr(text, "size_bucket{service=\"order\",le=\"5\"} 3\n"));
    assert_non_null(strstr(text, "size_bucket{service=\"order\",le=\"5000\"} 3\n"));
    assert_non_null(strstr(text, "size_bucket{service=\"order\",le=\"+Inf\"} 4\n"));
    assert_non_null(strstr(text, "size_sum{service=\"order\"} 5007\n"));
    assert_non_null(strstr(text, "size_count{service=\"order\"} 4\n"));
}

static void times_are_told_in_seconds(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct buf out = BUF_IN(&arena);
    struct metric_histogram ages = { 0 };
    const char *text;
    (void)state;

    metric_observe(&ages, &metric_age_ms, 75);
    metric_observe(&ages, &metric_age_ms, -3); /* the clocks of two machines */
    metric_histogram(&out, "age", "a=\"b\"", &metric_age_ms, &ages);
    text = told(&out);
    assert_non_null(strstr(text, "age_bucket{a=\"b\",le=\"0.05\"} 1\n"));
    assert_non_null(strstr(text, "age_bucket{a=\"b\",le=\"0.1\"} 2\n"));
    assert_non_null(strstr(text, "age_sum{a=\"b\"} 0.072\n"));
}

static void bounds_rise(void **state)
{
    const struct metric_scale *const scales[] = { &metric_sizes, &metric_work_us, &metric_age_ms };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(scales); i++)
        for (int at = 1; at < METRIC_BOUNDS; at++)
            assert_true(scales[i]->bounds[at] > scales[i]->bounds[at - 1]);
}

static void a_program_tells_what_it_is_and_takes(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct buf out = BUF_IN(&arena);
    const char *text, *memory;
    (void)state;

    metric_build(&out, "outbox-relay", "payment");
    metric_process(&out, "payment");
    text = told(&out);
    assert_non_null(
        strstr(text, "build_info{service=\"payment\",program=\"outbox-relay\",version=\"" ORDERLINE_VERSION "\"} 1\n"));
    assert_non_null(strstr(text, "process_cpu_seconds_total{service=\"payment\"} "));
    memory = strstr(text, "process_resident_memory_bytes{service=\"payment\"} ");
    assert_non_null(memory);
    assert_true(strtoll(strchr(memory, ' '), NULL, 10) > 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_on_a_bound_counts_below_it),
        cmocka_unit_test(times_are_told_in_seconds),
        cmocka_unit_test(bounds_rise),
        cmocka_unit_test(a_program_tells_what_it_is_and_takes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
