/* kafka_security_test.c - what a file of security properties may say, and that a refused one does not show its secrets. */
#include "io/kafka.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

/* Reads TEXT as such a file. */
static bool read_text(const char *text, struct fault *fault)
{
    FILE *file = fopen("kafka_security_test.tmp", "we");
    bool taken;

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    taken = kafka_security_read("kafka_security_test.tmp", fault);
    remove("kafka_security_test.tmp");
    return taken;
}

static void properties_comments_and_spaces_are_read(void **state)
{
    static const char *const texts[] = {
        "",
        "\n# a comment\n   # another\n",
        "sasl.mechanisms = SCRAM-SHA-512\r\n\tsasl.username =  orderline \nsasl.password==p = w#=\n",
        "security.protocol=SASL_SSL",
        "ssl.ca.location=/nowhere/ca.pem",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct fault fault = { 0 };

        if (!read_text(texts[i], &fault))
            fail_msg("%s: %s", texts[i], fault.detail);
    }
}

static void a_wrong_line_is_named_and_its_value_is_not(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        { "hidden", "line 1: takes name = value" },
        { "security.protocol=hidden", "line 1: not a value of security.protocol" },
        { "# fine\n\nsasl.pass=hidden", "line 3: librdkafka has no property sasl.pass" },
        { "bootstrap.servers=hidden", "line 1: takes security.*, sasl.* and ssl.* only" },
        { "enable.idempotence=false", "line 1: takes security.*, sasl.* and ssl.* only" },
        { "enable.ssl.certificate.verification=false", "line 1: takes security.*, sasl.* and ssl.* only" },
        { "=hidden", "line 1: takes security.*, sasl.* and ssl.* only" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fault fault = { 0 };

        assert_false(read_text(cases[i].text, &fault));
        assert_int_equal(fault.kind, FAULT_INVALID);
        if (!strstr(fault.detail, cases[i].said) || strstr(fault.detail, "hidden"))
            fail_msg("%s: %s", cases[i].text, fault.detail);
    }
}

static void a_line_that_is_too_long_is_refused(void **state)
{
    static char text[8192];
    struct fault fault = { 0 };

    (void)state;
    memset(text, 'x', sizeof text - 1);
    assert_false(read_text(text, &fault));
    assert_non_null(strstr(fault.detail, "longer than"));
}

static void no_file_is_plain_text_and_a_missing_one_a_fault(void **state)
{
    struct fault fault = { 0 };

    (void)state;
    assert_true(kafka_security_read("", &fault));
    assert_false(kafka_security_read("/nowhere/kafka.properties", &fault));
    assert_non_null(strstr(fault.detail, "/nowhere/kafka.properties"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(properties_comments_and_spaces_are_read),
        cmocka_unit_test(a_wrong_line_is_named_and_its_value_is_not),
        cmocka_unit_test(a_line_that_is_too_long_is_refused),
        cmocka_unit_test(no_file_is_plain_text_and_a_missing_one_a_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
