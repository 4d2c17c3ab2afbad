/* smtp_test.c - what replies mean, and what is refused before anything is sent. (Real mails: tests/integration.) */
#include "io/smtp.h"
#include "tests/unit/unit.h"

static enum smtp_verdict verdict(enum fault_kind kind, int status)
{
    return smtp_verdict(&(struct transfer_result){ .fault.kind = kind, .status = status });
}

static void what_the_server_took_is_accepted(void **state)
{
    (void)state;
    assert_int_equal(verdict(FAULT_NONE, 250), SMTP_ACCEPTED);
}

static void a_5xx_is_the_end_of_a_mail(void **state)
{
    (void)state;
    assert_int_equal(verdict(FAULT_UNKNOWN, 550), SMTP_REFUSED);
    assert_int_equal(verdict(FAULT_UNKNOWN, 554), SMTP_REFUSED);
    assert_int_equal(verdict(FAULT_TRANSIENT, 500), SMTP_REFUSED);
}

static void anything_else_is_tried_again(void **state)
{
    (void)state;
    assert_int_equal(verdict(FAULT_UNKNOWN, 451), SMTP_LATER);
    assert_int_equal(verdict(FAULT_TRANSIENT, 421), SMTP_LATER);
    assert_int_equal(verdict(FAULT_TRANSIENT, 0), SMTP_LATER);
    assert_int_equal(verdict(FAULT_TIMEOUT, 0), SMTP_LATER);
    assert_int_equal(verdict(FAULT_UNKNOWN, 354), SMTP_LATER); /* cut before the last reply: perhaps it has it */
}

static void a_wrong_password_is_no_fault_of_the_mail(void **state)
{
    (void)state;
    assert_int_equal(verdict(FAULT_UNKNOWN, 535), SMTP_LATER);
    assert_int_equal(verdict(FAULT_UNKNOWN, 530), SMTP_LATER);
}

static void an_address_with_a_line_break_is_refused(void **state)
{
    static const char *const addresses[] = { "ann@example.com\r\nRCPT TO:<all@example.com>", "ann@example.com>", "\n" };
    struct transfers *transfers = transfers_new(1);
    struct smtp_mail mail = { .url = "smtp://127.0.0.1:1", .from = "orders@shop.example", .timeout_ms = 1000 };
    struct fault fault = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        mail.to = addresses[i];
        assert_false(smtp_start(transfers, &mail, NULL, &fault));
        assert_int_equal(fault.kind, FAULT_INVALID);
    }
    assert_int_equal(transfers_running(transfers), 0);
    transfers_free(transfers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_server_took_is_accepted),
        cmocka_unit_test(a_5xx_is_the_end_of_a_mail),
        cmocka_unit_test(anything_else_is_tried_again),
        cmocka_unit_test(a_wrong_password_is_no_fault_of_the_mail),
        cmocka_unit_test(an_address_with_a_line_break_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
