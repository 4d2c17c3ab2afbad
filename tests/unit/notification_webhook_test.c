/* notification_webhook_test.c - body and signature of Standard Webhooks. */
#include "tests/unit/unit.h"
#include "workers/services/notification_webhook.h"

static void the_body_carries_type_time_and_data(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct uuid id;

    (void)state;
    assert_true(uuid_parse(TEXT("019d47a1-f4c6-7b01-9d5e-3c1f0a7e6b52"), &id));
    assert_true(text_is(webhook_body("order.completed", &id, TEXT("{\"orderId\":\"x\"}"), &arena),
                        "{\"type\":\"order.completed\",\"timestamp\":\"2026-04-01T06:01:29.542Z\","
                        "\"data\":{\"orderId\":\"x\"}}"));
}

/* Key, message and signature of the specification's own example, standard-webhooks/spec/standard-webhooks.md; the key is
 * what base64 makes of MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw. */
static void the_signature_is_that_of_the_specification(void **state)
{
    static const unsigned char key[] = { 0x31, 0xf2, 0x90, 0xf6, 0xbf, 0x06, 0x29, 0x8a, 0xab, 0x4f, 0x08, 0xd4,
                                         0x3c, 0x3f, 0x08, 0x2c, 0xf6, 0x48, 0xa3, 0x62, 0xda, 0x2d, 0xa4, 0xb0 };
    ARENA_SCOPE arena = { 0 };

    (void)state;
    assert_true(text_is(webhook_signature((struct text){ (const char *)key, sizeof key }, "msg_p5jXN8AQM9LWM0D4loKWxJek",
                                          1614265330, TEXT("{\"test\": 2432232314}"), &arena),
                        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_body_carries_type_time_and_data),
        cmocka_unit_test(the_signature_is_that_of_the_specification),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
