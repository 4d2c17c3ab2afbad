#include "model/idempotency_key.h"
#include "tests/unit/unit.h"

static void headers_give_the_key_or_say_what_is_wrong(void **state)
{
    static const struct {
        const char *header;
        const char *key; /* NULL: refused */
    } cases[] = {
        { "a", "a" },
        { "8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324" },
        { "\"8e03978e-40d5-43e8-bc93-6894a57f9324\"", "8e03978e-40d5-43e8-bc93-6894a57f9324" },
        { "!~", "!~" },
        { "a\"b", "a\"b" },
        { "a\\b", "a\\b" },
        { "\"a\\\"b\\\\c\"", "a\"b\\c" },
        { "", NULL },
        { "\"\"", NULL },
        { "\"", NULL },
        { "\"a", NULL },
        { "\"a\\\"", NULL },
        { "\"a\\", NULL },
        { "\"a\\n\"", NULL },
        { "\"a\"b", NULL },
        { "\"a\";p=1", NULL },
        { "\"a\" ", NULL },
        { "\"a b\"", NULL },
        { "a b", NULL },
        { "a, b", NULL },
        { "\"a\", \"b\"", NULL },
        { " a", NULL },
        { "a\t", NULL },
        { "a\x7f", NULL },
        { "a\x01", NULL },
        { "\xc3\xbc", NULL },
        { "\"\xc3\xbc\"", NULL },
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ARENA_SCOPE arena = { 0 };
        struct fault fault = { 0 };
        struct text key = { NULL, 0 };
        bool taken = idempotency_key_parse(text_of(cases[i].header), &arena, &key, &fault);

        if (taken != (cases[i].key != NULL) || (taken && !text_is(key, cases[i].key)))
            fail_msg("%s", cases[i].header);
        if (!taken) {
            assert_int_equal(fault.kind, FAULT_INVALID);
            assert_string_equal(fault.code, "idempotency_key_invalid");
            assert_memory_equal(fault.detail, "Idempotency-Key ", 16);
        }
    }
}

static void a_key_has_255_characters_at_most_whatever_its_escapes(void **state)
{
    ARENA_SCOPE arena = { 0 };
    char header[2 * IDEMPOTENCY_KEY_MAX + 4];
    struct fault fault;
    struct text key;
    (void)state;

    memset(header, 'k', sizeof header);
    assert_true(idempotency_key_parse((struct text){ header, IDEMPOTENCY_KEY_MAX }, &arena, &key, &fault));
    assert_false(idempotency_key_parse((struct text){ header, IDEMPOTENCY_KEY_MAX + 1 }, &arena, &key, &fault));

    memset(header, '\\', sizeof header);
    header[0] = header[2 * IDEMPOTENCY_KEY_MAX + 1] = '"';
    assert_true(idempotency_key_parse((struct text){ header, 2 * IDEMPOTENCY_KEY_MAX + 2 }, &arena, &key, &fault));
    assert_int_equal(key.len, IDEMPOTENCY_KEY_MAX);
}

static void a_nul_in_the_header_is_refused(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct fault fault;
    struct text key;
    (void)state;

    assert_false(idempotency_key_parse((struct text){ "a\0b", 3 }, &arena, &key, &fault));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_give_the_key_or_say_what_is_wrong),
        cmocka_unit_test(a_key_has_255_characters_at_most_whatever_its_escapes),
        cmocka_unit_test(a_nul_in_the_header_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
