#include "model/event.h"
#include "tests/unit/unit.h"
#include <stdio.h>

static void every_type_is_found_by_its_name_and_carries_it_in_its_schema(void **state)
{
    char schema[128];
    (void)state;

    assert_int_equal(event_type_count, 14);
    for (size_t i = 0; i < event_type_count; i++) {
        const struct event_type *type = &event_types[i];

        assert_ptr_equal(event_type_find(text_of(type->name)), type);
        snprintf(schema, sizeof schema, "urn:orderline:event:%s:1", type->name);
        assert_string_equal(type->schema, schema);
        assert_memory_equal(type->source, "/orderline/", 11);
    }
}

static void a_topic_has_one_maker(void **state)
{
    (void)state;

    for (size_t i = 0; i < event_type_count; i++) {
        for (size_t j = 0; j < event_type_count; j++) {
            bool same_topic = strcmp(event_types[i].topic, event_types[j].topic) == 0;
            bool same_source = strcmp(event_types[i].source, event_types[j].source) == 0;

            assert_int_equal(same_topic, same_source);
        }
    }
    assert_string_equal(event_type_find(TEXT("payment.declined"))->topic, "payments");
    assert_string_equal(event_type_find(TEXT("notification.sent"))->topic, "notifications");
}

static void an_unknown_name_is_found_nowhere(void **state)
{
    (void)state;

    assert_null(event_type_find(TEXT("order.unknown")));
    assert_null(event_type_find(TEXT("order.create")));
    assert_null(event_type_find(TEXT("order.created ")));
    assert_null(event_type_find(TEXT("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_found_by_its_name_and_carries_it_in_its_schema),
        cmocka_unit_test(a_topic_has_one_maker),
        cmocka_unit_test(an_unknown_name_is_found_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
