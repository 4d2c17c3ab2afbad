/* services_payload_test.c - payloads of the services' events, byte for byte. */
#include "tests/unit/unit.h"
#include "workers/services/payload.h"

static void a_payload_begins_with_its_order(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct buf payload = payload_start(&arena, &(struct uuid){ .bytes = { 0xab } });

    (void)state;
    assert_true(text_is(payload_end(&payload), "{\"orderId\":\"ab000000-0000-0000-0000-000000000000\"}"));
}

static void members_follow_in_the_order_they_are_added(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct uuid id = { 0 };
    struct buf payload = payload_start(&arena, &id);

    (void)state;
    payload_text(&payload, "sku", TEXT("A\"1"));
    payload_int64(&payload, "amountMinor", INT64_MIN);
    payload_json(&payload, "lines", TEXT("[{\"sku\":\"x\"}]"));
    payload_uuid(&payload, "shipmentId", &id);
    assert_true(text_is(payload_end(&payload), "{\"orderId\":\"00000000-0000-0000-0000-000000000000\",\"sku\":\"A\\\"1\","
                                               "\"amountMinor\":-9223372036854775808,\"lines\":[{\"sku\":\"x\"}],"
                                               "\"shipmentId\":\"00000000-0000-0000-0000-000000000000\"}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payload_begins_with_its_order),
        cmocka_unit_test(members_follow_in_the_order_they_are_added),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
