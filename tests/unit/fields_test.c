/* Payloads by field table. */
#include "tests/unit/unit.h"
#include "workers/runtime/fields.h"

#include <stdio.h>

struct sample {
    struct uuid order_id;
    char currency[4];
    int64_t amount_minor;
    struct text reason;
    struct lines lines;
};

static const struct field fields[] = {
    { "orderId", FIELD_UUID, offsetof(struct sample, order_id), false },
    { "currency", FIELD_CURRENCY, offsetof(struct sample, currency), false },
    { "amountMinor", FIELD_INT64, offsetof(struct sample, amount_minor), false },
    { "reason", FIELD_TEXT, offsetof(struct sample, reason), true },
    { "lines", FIELD_LINES, offsetof(struct sample, lines), true },
};

#define ORDER_ID "019ab000-0000-7000-8000-000000000002"
#define START    "{\"orderId\":\"" ORDER_ID "\",\"currency\":\"USD\",\"amountMinor\":102217"

static bool read_payload(const char *payload, struct arena *arena, struct sample *sample, struct work *work)
{
    struct fault fault = { 0 };
    JSON_SCOPE doc = { 0 };
    bool done;

    assert_true(json_parse(text_of(payload), arena, &doc, &fault));
    *work = (struct work){ .doc = &doc };
    *sample = (struct sample){ 0 };
    done = work_read(work, arena, fields, ARRAY_LEN(fields), sample);
    work->doc = NULL;
    return done;
}

static void every_kind_of_field_is_read(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct sample sample;
    struct work work;
    char id[UUID_TEXT_LEN + 1];

    (void)state;
    assert_true(read_payload(START ",\"reason\":\"caf\\u00e9\",\"more\":[],\"lines\":[{\"sku\":\"A\",\"quantity\":14.5},"
                                   "{\"sku\":\"B\\\"\",\"quantity\":3}]}",
                             &arena, &sample, &work));
    uuid_format(&sample.order_id, id);
    assert_string_equal(id, ORDER_ID);
    assert_string_equal(sample.currency, "USD");
    assert_int_equal(sample.amount_minor, 102217);
    assert_true(text_is(sample.reason, "caf\xc3\xa9"));
    assert_int_equal(sample.lines.count, 2);
    assert_int_equal(sample.lines.at[0].quantity_milli, 14500);
    assert_true(text_is(sample.lines.at[1].sku, "B\""));
}

static void optional_members_may_be_missing(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct sample sample;
    struct work work;

    (void)state;
    assert_true(read_payload(START "}", &arena, &sample, &work));
    assert_null(sample.reason.ptr);
    assert_int_equal(sample.lines.count, 0);
}

static void a_wrong_member_rejects_the_work_and_is_named(void **state)
{
    static const char *const cases[][2] = {
        { "{}", "orderId" },
        { "[]", "orderId" },
        { "{\"orderId\":\"17\"}", "orderId" },
        { "{\"orderId\":\"" ORDER_ID "\",\"currency\":\"usd\"}", "currency" },
        { "{\"orderId\":\"" ORDER_ID "\",\"currency\":\"USDX\"}", "currency" },
        { "{\"orderId\":\"" ORDER_ID "\",\"currency\":null}", "currency" },
        { "{\"orderId\":\"" ORDER_ID "\",\"currency\":\"USD\"}", "amountMinor" },
        { "{\"orderId\":\"" ORDER_ID "\",\"currency\":\"USD\",\"amountMinor\":1.5}", "amountMinor" },
        { "{\"orderId\":\"" ORDER_ID "\",\"currency\":\"USD\",\"amountMinor\":\"1\"}", "amountMinor" },
        { "{\"orderId\":\"" ORDER_ID "\",\"currency\":\"USD\",\"amountMinor\":9223372036854775808}", "amountMinor" },
        { START ",\"reason\":\" \\t\"}", "reason" },
        { START ",\"reason\":null}", "reason" },
        { START ",\"lines\":[]}", "lines" },
        { START ",\"lines\":{}}", "lines" },
        { START ",\"lines\":[17]}", "lines" },
        { START ",\"lines\":[{\"quantity\":1}]}", "lines" },
        { START ",\"lines\":[{\"sku\":\"A\",\"quantity\":0}]}", "lines" },
        { START ",\"lines\":[{\"sku\":\"A\",\"quantity\":-1}]}", "lines" },
        { START ",\"lines\":[{\"sku\":\"A\",\"quantity\":0.0001}]}", "lines" },
    };
    ARENA_SCOPE arena = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sample sample;
        struct work work;
        char expected[64];

        assert_false(read_payload(cases[i][0], &arena, &sample, &work));
        assert_true(work_is_rejected(&work));
        snprintf(expected, sizeof expected, "member %s has to be", cases[i][1]);
        assert_memory_equal(work.rejected.detail, expected, strlen(expected));
    }
}

static void lines_of_an_order_go_out_without_their_prices(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct buf buf = BUF_IN(&arena);
    struct fault fault = { 0 };
    struct lines lines;

    (void)state;
    assert_true(lines_read(TEXT("[{\"sku\":\"SKU-1\",\"quantity\":33,\"unitPrice\":19.99},"
                                "{\"sku\":\"SKU-2\",\"quantity\":14.5,\"unitPrice\":25.00}]"),
                           &arena, &lines, &fault));
    lines_append(&buf, &lines);
    assert_true(text_is(buf_view(&buf), "[{\"sku\":\"SKU-1\",\"quantity\":33},{\"sku\":\"SKU-2\",\"quantity\":14.5}]"));
}

static void lines_that_are_none_are_a_fault(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct fault fault = { 0 };
    struct lines lines;

    (void)state;
    assert_false(lines_read(TEXT("[{\"sku\":\"\",\"quantity\":33}]"), &arena, &lines, &fault));
    assert_int_equal(fault.kind, FAULT_INVALID);
    assert_false(lines_read(TEXT("["), &arena, &lines, &fault));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_field_is_read),
        cmocka_unit_test(optional_members_may_be_missing),
        cmocka_unit_test(a_wrong_member_rejects_the_work_and_is_named),
        cmocka_unit_test(lines_of_an_order_go_out_without_their_prices),
        cmocka_unit_test(lines_that_are_none_are_a_fault),
    };

    return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
