#include "base/traceparent.h"
#include "tests/unit/unit.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN  "b7ad6b7169203331"

static void headers_are_taken_or_refused_as_the_specification_says(void **state)
{
    static const struct {
        const char *header;
        const char *taken; /* NULL: refused */
    } cases[] = {
        { "00-" TRACE "-" SPAN "-01", "00-" TRACE "-" SPAN "-01" },
        { "00-" TRACE "-" SPAN "-00", "00-" TRACE "-" SPAN "-00" },
        { "00-" TRACE "-" SPAN "-ff", "00-" TRACE "-" SPAN "-01" },
        { "00-" TRACE "-" SPAN "-fe", "00-" TRACE "-" SPAN "-00" },
        { "cc-" TRACE "-" SPAN "-01", "00-" TRACE "-" SPAN "-01" },
        { "cc-" TRACE "-" SPAN "-01-what-comes", "00-" TRACE "-" SPAN "-01" },
        { "cc-" TRACE "-" SPAN "-01.what-comes", NULL },
        { "00-" TRACE "-" SPAN "-01-", NULL },
        { "00-" TRACE "-" SPAN "-01 ", NULL },
        { "ff-" TRACE "-" SPAN "-01", NULL },
        { "0-" TRACE "-" SPAN "-01", NULL },
        { "0x-" TRACE "-" SPAN "-01", NULL },
        { "00-00000000000000000000000000000000-" SPAN "-01", NULL },
        { "00-" TRACE "-0000000000000000-01", NULL },
        { "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01", NULL },
        { "00-" TRACE "-B7AD6B7169203331-01", NULL },
        { "00-" TRACE "-" SPAN "-0g", NULL },
        { "00-" TRACE "-" SPAN "-0", NULL },
        { "00-" TRACE "-" SPAN "-", NULL },
        { "00-" TRACE "_" SPAN "-01", NULL },
        { "00_" TRACE "-" SPAN "-01", NULL },
        { "00-" TRACE "-" SPAN "_01", NULL },
        { "00-" TRACE "-g7ad6b7169203331-01", NULL },
        { " 00-" TRACE "-" SPAN "-01", NULL },
        { "", NULL },
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct traceparent trace = { "untouched" };
        bool taken = traceparent_parse(text_of(cases[i].header), &trace);

        assert_int_equal(taken, cases[i].taken != NULL);
        assert_string_equal(trace.text, taken ? cases[i].taken : "untouched");
    }
}

static void a_new_trace_is_valid_sampled_and_unlike_the_last(void **state)
{
    struct traceparent first = traceparent_new(), second = traceparent_new(), read;
    (void)state;

    assert_int_equal(strlen(first.text), TRACEPARENT_LEN);
    assert_true(traceparent_parse(text_of(first.text), &read));
    assert_string_equal(read.text, first.text);
    assert_string_equal(first.text + 52, "-01");
    assert_string_not_equal(first.text, second.text);
    assert_false(text_equal(traceparent_trace_id(&first), traceparent_trace_id(&second)));
}

static void a_child_keeps_the_trace_and_the_flags_and_has_a_span_of_its_own(void **state)
{
    struct traceparent parent = { "00-" TRACE "-" SPAN "-00" };
    struct traceparent child = traceparent_child(&parent), read;
    (void)state;

    assert_true(traceparent_parse(text_of(child.text), &read));
    assert_true(text_is(traceparent_trace_id(&child), TRACE));
    assert_string_equal(child.text + 52, "-00");
    assert_memory_not_equal(child.text + 36, SPAN, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_taken_or_refused_as_the_specification_says),
        cmocka_unit_test(a_new_trace_is_valid_sampled_and_unlike_the_last),
        cmocka_unit_test(a_child_keeps_the_trace_and_the_flags_and_has_a_span_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
