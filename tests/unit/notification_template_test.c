/* notification_template_test.c - the two braces. */
#include "tests/unit/unit.h"
#include "workers/services/notification_template.h"

static const char *const words[] = { "orderId", "total" };
static const struct template_names names = { words, ARRAY_LEN(words) };

static const char *filled(struct arena *arena, const char *source, enum template_escape escape)
{
    const struct text values[] = { TEXT("42"), TEXT("<b>&\"'") };
    struct buf out = BUF_IN(arena);
    struct fault fault = { 0 };
    struct template template;

    if (!template_parse(text_of(source), "x.txt", 1, &names, arena, &template, &fault))
        fail_msg("%s", fault.detail);
    template_fill(&template, values, escape, &out);
    buf_char(&out, '\0');
    return out.ptr;
}

static void names_give_way_to_values(void **state)
{
    ARENA_SCOPE arena = { 0 };

    (void)state;
    assert_string_equal(filled(&arena, "Order {{orderId}}: {{total}}{{orderId}}.", TEMPLATE_PLAIN), "Order 42: <b>&\"'42.");
    assert_string_equal(filled(&arena, "{{orderId}}", TEMPLATE_PLAIN), "42");
}

static void text_without_names_stays_as_it_is(void **state)
{
    ARENA_SCOPE arena = { 0 };

    (void)state;
    assert_string_equal(filled(&arena, "", TEMPLATE_PLAIN), "");
    assert_string_equal(filled(&arena, "a { b } }} c {", TEMPLATE_PLAIN), "a { b } }} c {");
}

static void in_html_values_are_escaped_and_the_template_is_not(void **state)
{
    ARENA_SCOPE arena = { 0 };

    (void)state;
    assert_string_equal(filled(&arena, "<p>&amp;{{total}}</p>", TEMPLATE_HTML), "<p>&amp;&lt;b&gt;&amp;&quot;&#39;</p>");
}

static void a_value_with_braces_is_not_looked_at_again(void **state)
{
    ARENA_SCOPE arena = { 0 };
    const struct text values[] = { TEXT("{{total}}"), TEXT("x") };
    struct buf out = BUF_IN(&arena);
    struct fault fault = { 0 };
    struct template template;

    (void)state;
    assert_true(template_parse(TEXT("{{orderId}}"), "x.txt", 1, &names, &arena, &template, &fault));
    template_fill(&template, values, TEMPLATE_PLAIN, &out);
    assert_true(text_is(buf_view(&out), "{{total}}"));
}

static void refused(const char *source, const char *why)
{
    ARENA_SCOPE arena = { 0 };
    struct fault fault = { 0 };
    struct template template;

    assert_false(template_parse(text_of(source), "mail/x.txt", 3, &names, &arena, &template, &fault));
    assert_int_equal(fault.kind, FAULT_INVALID);
    assert_string_equal(fault.detail, why);
}

static void what_is_wrong_is_named_with_file_and_line(void **state)
{
    (void)state;
    refused("a\nb {{orderID}}", "mail/x.txt:4: {{orderID}} is unknown here; known are orderId, total");
    refused("{{ total }}", "mail/x.txt:3: {{ total }} is unknown here; known are orderId, total");
    refused("{{}}", "mail/x.txt:3: {{}} is unknown here; known are orderId, total");
    refused("\n\n{{total}} {{total", "mail/x.txt:5: {{ is not closed by }}");
    refused("{{", "mail/x.txt:3: {{ is not closed by }}");
    refused("\xff", "mail/x.txt:3: the text is no UTF-8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_give_way_to_values),
        cmocka_unit_test(text_without_names_stays_as_it_is),
        cmocka_unit_test(in_html_values_are_escaped_and_the_template_is_not),
        cmocka_unit_test(a_value_with_braces_is_not_looked_at_again),
        cmocka_unit_test(what_is_wrong_is_named_with_file_and_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
