/* What the runtime makes of messages, readable or not. */
#include "tests/unit/unit.h"
#include "workers/runtime/delivery.h"

static const struct handles handles[] = { { "order.created", NULL }, { "order.cancelled", NULL } };

const struct service service = { .name = "test", .handles = handles, .handle_count = ARRAY_LEN(handles) };

#define EVENT_ID "019ab000-0000-7000-8000-000000000001"
#define ORDER_ID "019ab000-0000-7000-8000-000000000002"
#define TRACE    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static struct kafka_record good(void)
{
    return (struct kafka_record){
        .topic = "orders",
        .key = TEXT(ORDER_ID),
        .value = TEXT("{\"orderId\":\"" ORDER_ID "\"}"),
        .ce_id = TEXT(EVENT_ID),
        .ce_type = TEXT("order.cancelled"),
        .ce_dataschema = TEXT("urn:orderline:event:order.cancelled:1"),
        .traceparent = TEXT(TRACE),
    };
}

static void a_good_message_becomes_work_of_its_row(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct kafka_record record = good();
    struct delivery delivery;
    char id[UUID_TEXT_LEN + 1];

    (void)state;
    delivery_decode(&record, &arena, &delivery);
    assert_int_equal(delivery.kind, DELIVERY_WORK);
    assert_int_equal(delivery.condemned.kind, FAULT_NONE);
    assert_int_equal(delivery.row, 1);
    uuid_format(&delivery.work.order_id, id);
    assert_string_equal(id, ORDER_ID);
    assert_string_equal(delivery.work.trace.text, TRACE);
    assert_true(text_is(json_string(json_get(delivery.work.doc->root, "orderId")), ORDER_ID));
    delivery_free(&delivery, 1);
}

static void a_type_for_others_is_passed_over_whatever_else_it_holds(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct kafka_record record = good();
    struct delivery delivery;

    (void)state;
    record.ce_type = TEXT("order.completed");
    record.value = TEXT("not JSON");
    delivery_decode(&record, &arena, &delivery);
    assert_int_equal(delivery.kind, DELIVERY_UNHANDLED);
    delivery_free(&delivery, 1);
}

static void a_type_nobody_knows_goes_aside_and_holds_nobody_back(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct kafka_record record = good();
    struct delivery delivery;

    (void)state;
    record.ce_type = TEXT("order.archived");
    delivery_decode(&record, &arena, &delivery);
    assert_int_equal(delivery.kind, DELIVERY_WORK);
    assert_string_equal(delivery.condemned.detail, "no event type known here: order.archived");
    assert_int_equal(delivery.row, ARRAY_LEN(handles));
    assert_true(delivery.has_event_id);
    assert_false(delivery.has_order_id);
    delivery_free(&delivery, 1);
}

static void a_letter_is_decoded_as_the_message_was(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct uuid event_id;
    struct deadletter letter = {
        .event_id = &event_id,
        .type = TEXT("order.cancelled"),
        .topic = "orders",
        .partition = 3,
        .offset = 17,
        .key = TEXT(ORDER_ID),
        .payload = TEXT("{}"),
        .dataschema = TEXT("urn:orderline:event:order.cancelled:1"),
        .traceparent = TEXT(TRACE),
    };
    struct kafka_record record;
    struct delivery delivery;
    char order_id[UUID_TEXT_LEN + 1];

    (void)state;
    assert_true(uuid_parse(TEXT(EVENT_ID), &event_id));
    delivery_record(&letter, &arena, &record);
    assert_int_equal(record.partition, 3);
    assert_int_equal(record.offset, 17);
    delivery_decode(&record, &arena, &delivery);
    assert_int_equal(delivery.condemned.kind, FAULT_NONE);
    assert_true(uuid_equal(&delivery.work.event_id, &event_id));
    uuid_format(&delivery.work.order_id, order_id);
    assert_string_equal(order_id, ORDER_ID);
    assert_string_equal(delivery.work.trace.text, TRACE);
    delivery_free(&delivery, 1);

    letter.dataschema = TEXT(""); /* the header was missing */
    letter.event_id = NULL;
    delivery_record(&letter, &arena, &record);
    assert_null(record.ce_dataschema.ptr);
    assert_null(record.ce_id.ptr);

    letter.dataschema = (struct text){ 0 }; /* nobody kept it */
    delivery_record(&letter, &arena, &record);
    assert_true(text_is(record.ce_dataschema, "urn:orderline:event:order.cancelled:1"));
}

static void what_cannot_be_read_is_condemned_with_the_reason(void **state)
{
    const struct {
        struct text id, type, key, value;
        const char *reason;
    } cases[] = {
        { TEXT(EVENT_ID), { 0 }, TEXT(ORDER_ID), TEXT("{}"), "the header ce_type is missing or empty" },
        { { 0 }, TEXT("order.created"), TEXT(ORDER_ID), TEXT("{}"), "the header ce_id is missing or no UUID" },
        { TEXT("17"), TEXT("order.created"), TEXT(ORDER_ID), TEXT("{}"), "the header ce_id is missing or no UUID" },
        { TEXT(EVENT_ID), TEXT("order.created"), { 0 }, TEXT("{}"), "the key is missing or no UUID" },
        { TEXT(EVENT_ID), TEXT("order.created"), TEXT("k\0ey"), TEXT("{}"), "the key is missing or no UUID" },
        { TEXT(EVENT_ID), TEXT("order.created"), TEXT(ORDER_ID), { 0 }, "the message has no value" },
        { TEXT(EVENT_ID), TEXT("order.created"), TEXT(ORDER_ID), TEXT("[]"), "the payload is no JSON object" },
        { TEXT(EVENT_ID), TEXT("order.created"), TEXT(ORDER_ID), TEXT("{\"a\":"), NULL }, /* the parser's words */
        { TEXT(EVENT_ID), TEXT("order.created"), TEXT(ORDER_ID), TEXT("\xff"), NULL },
        { TEXT(EVENT_ID), TEXT("order.created"), TEXT(ORDER_ID), TEXT(""), NULL },
    };
    ARENA_SCOPE arena = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kafka_record record = good();
        struct delivery delivery;

        record.ce_id = cases[i].id;
        record.ce_type = cases[i].type;
        record.ce_dataschema = TEXT("urn:orderline:event:order.created:1");
        record.key = cases[i].key;
        record.value = cases[i].value;
        delivery_decode(&record, &arena, &delivery);
        assert_int_equal(delivery.kind, DELIVERY_WORK);
        assert_int_equal(delivery.condemned.kind, FAULT_INVALID);
        if (cases[i].reason)
            assert_string_equal(delivery.condemned.detail, cases[i].reason);
        delivery_free(&delivery, 1);
    }
}

static void another_version_of_the_payload_is_condemned_by_name(void **state)
{
    const struct {
        struct text schema;
        const char *reason;
    } cases[] = {
        { { 0 }, "the header ce_dataschema is missing" },
        { TEXT(""), "no schema known here: " },
        { TEXT("urn:orderline:event:order.cancelled:2"), "no schema known here: urn:orderline:event:order.cancelled:2" },
        { TEXT("urn:orderline:event:order.created:1"), "no schema known here: urn:orderline:event:order.created:1" },
    };
    ARENA_SCOPE arena = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kafka_record record = good();
        struct delivery delivery;

        record.ce_dataschema = cases[i].schema;
        delivery_decode(&record, &arena, &delivery);
        assert_int_equal(delivery.kind, DELIVERY_WORK);
        assert_int_equal(delivery.condemned.kind, FAULT_INVALID);
        assert_string_equal(delivery.condemned.detail, cases[i].reason);
        assert_true(delivery.has_order_id); /* later events of the order wait */
        delivery_free(&delivery, 1);
    }
}

static void an_unreadable_payload_keeps_the_ids_that_hold_its_order(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct kafka_record record = good();
    struct delivery delivery;

    (void)state;
    record.value = TEXT("{");
    delivery_decode(&record, &arena, &delivery);
    assert_true(delivery.has_event_id);
    assert_true(delivery.has_order_id);
    delivery_free(&delivery, 1);

    record.ce_type = TEXT("");
    delivery_decode(&record, &arena, &delivery);
    assert_false(delivery.has_order_id); /* nobody's event holds nobody's order */
    delivery_free(&delivery, 1);
}

static void a_broken_trace_is_replaced_by_a_new_one(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct kafka_record record = good();
    struct traceparent trace;
    struct delivery delivery;

    (void)state;
    record.traceparent = TEXT("00-zz");
    delivery_decode(&record, &arena, &delivery);
    assert_int_equal(delivery.condemned.kind, FAULT_NONE);
    assert_true(traceparent_parse(text_of(delivery.work.trace.text), &trace));
    delivery_free(&delivery, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_message_becomes_work_of_its_row),
        cmocka_unit_test(a_type_for_others_is_passed_over_whatever_else_it_holds),
        cmocka_unit_test(a_type_nobody_knows_goes_aside_and_holds_nobody_back),
        cmocka_unit_test(a_letter_is_decoded_as_the_message_was),
        cmocka_unit_test(what_cannot_be_read_is_condemned_with_the_reason),
        cmocka_unit_test(another_version_of_the_payload_is_condemned_by_name),
        cmocka_unit_test(an_unreadable_payload_keeps_the_ids_that_hold_its_order),
        cmocka_unit_test(a_broken_trace_is_replaced_by_a_new_one),
    };

    return cmocka_run_group_tests_name("runtime delivery", tests, NULL, NULL);
}
