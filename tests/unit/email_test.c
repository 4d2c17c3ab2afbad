/* email_test.c - which addresses mail can be sent to. */
#include "model/email.h"
#include "tests/unit/unit.h"

#define LABEL_63 "a23456789012345678901234567890123456789012345678901234567890123"
#define LOCAL_64 LABEL_63 "4"

static void usual_addresses_pass(void **state)
{
    static const char *const addresses[] = {
        "ann@example.com", "a@b",           "first.last@mail.example.co.uk", "o'brien+orders@example.com",
        "x@1.2.example",   "A_B=c~d@x-y.z", LOCAL_64 "@example.com",         "a@" LABEL_63 ".com",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        struct fault fault = { 0 };

        if (!email_check(text_of(addresses[i]), &fault))
            fail_msg("%s: %s", addresses[i], fault.detail);
    }
}

static void everything_else_is_refused(void **state)
{
    static const char *const addresses[] = {
        "",
        "@",
        "ann",
        "@example.com",
        "ann@",
        ".ann@example.com",
        "ann.@example.com",
        "a..b@example.com",
        "ann@example..com",
        "ann@example.com.",
        "ann@.example.com",
        "ann@-example.com",
        "ann@example-.com",
        "ann@exa_mple.com",
        "ann@[192.0.2.1]",
        "\"an n\"@example.com",
        "an n@example.com",
        "ann@example.com ",
        "ann@example.com\r\nBcc: all@example.com",
        "ann\n@example.com",
        "ann@@example.com",
        "ann@b@example.com",
        "<ann@example.com>",
        "ann@example.com,bob@example.com",
        "\xc3\xa4nn@example.com",
        "ann@ex\xc3\xa4mple.com",
        LOCAL_64 "5@example.com",
        "a@" LABEL_63 "4.com",
        "a@" LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63 ".com",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        struct fault fault = { 0 };

        if (email_check(text_of(addresses[i]), &fault))
            fail_msg("%s passes", addresses[i]);
        assert_int_equal(fault.kind, FAULT_INVALID);
    }
}

static void a_nul_byte_is_no_character(void **state)
{
    struct fault fault;

    (void)state;
    assert_false(email_check(TEXT("an\0n@example.com"), &fault));
    assert_false(email_check(TEXT("ann@example.com\0"), &fault));
}

static void the_domain_is_what_follows(void **state)
{
    (void)state;
    assert_true(text_is(email_domain(TEXT("ann@mail.example")), "mail.example"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_addresses_pass),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(a_nul_byte_is_no_character),
        cmocka_unit_test(the_domain_is_what_follows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
