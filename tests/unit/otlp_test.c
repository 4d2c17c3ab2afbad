/* The exporter's edges; what it sends is held against a collector in tests/integration/test_traces.py. */
#include "base/clock.h"
#include "io/otlp.h"
#include "tests/unit/unit.h"

static const char nobody[] = "http://127.0.0.1:9"; /* discard: nobody listens */

static struct otlp_options options(const char *endpoint, const char *headers)
{
    return (struct otlp_options){ .endpoint = endpoint, .headers = headers, .service = "test" };
}

static void add(size_t count)
{
    struct traceparent trace = traceparent_new();

    for (size_t i = 0; i < count; i++)
        otlp_add(&(struct otlp_span){ .trace = &trace, .kind = OTLP_SERVER, .name = TEXT("one") });
}

static void without_an_endpoint_nothing_happens(void **state)
{
    struct otlp_options off = options("", "");
    ARENA_SCOPE arena = { 0 };
    struct buf told = BUF_IN(&arena);
    struct fault fault = { 0 };

    (void)state;
    assert_true(otlp_start(&off, &fault));
    assert_false(otlp_is_on());
    add(1);
    otlp_metrics(&told);
    assert_int_equal(told.len, 0);
    otlp_stop(0);
}

static void wrong_options_are_named(void **state)
{
    static const struct {
        const char *endpoint, *headers, *why;
    } cases[] = {
        { "collector:4318", "", "OTEL_EXPORTER_OTLP_ENDPOINT" },
        { "http://a:b@collector", "", "OTEL_EXPORTER_OTLP_ENDPOINT" },
        { nobody, "token", "name=value" },
        { nobody, "a=b,=c", "name=value" },
        { nobody, "a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1", "at most 16" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct otlp_options wrong = options(cases[i].endpoint, cases[i].headers);
        struct fault fault = { 0 };

        assert_false(otlp_start(&wrong, &fault));
        assert_non_null(strstr(fault.detail, cases[i].why));
        assert_false(otlp_is_on());
    }
}

/* More than the ring and the batch at hand hold: what is too much is dropped at once, and all is accounted for at the end.
 */
static void what_nobody_takes_is_dropped_and_waited_for_by_nobody(void **state)
{
    struct otlp_options on = options(nobody, "");
    struct fault fault = { 0 };
    int64_t begun_ms = clock_mono_ms();
    ARENA_SCOPE arena = { 0 };
    struct buf told = BUF_IN(&arena);

    (void)state;
    assert_true(otlp_start(&on, &fault));
    add((size_t)3 * OTLP_WAITING_MAX);
    otlp_metrics(&told);
    assert_null(memmem(told.ptr, told.len, "dropped\"} 0\n", 12));
    assert_non_null(memmem(told.ptr, told.len, "sent\"} 0\n", 9));
    otlp_stop(1000);
    assert_false(otlp_is_on());
    assert_true(clock_mono_ms() - begun_ms < 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_an_endpoint_nothing_happens),
        cmocka_unit_test(wrong_options_are_named),
        cmocka_unit_test(what_nobody_takes_is_dropped_and_waited_for_by_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
