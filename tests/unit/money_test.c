#include "model/money.h"
#include "tests/unit/unit.h"

/* ISO 4217 list one by its decimals; what is not named here has none. */
static const struct {
    int decimals;
    const char *codes;
} currencies[] = {
    { 0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF" },
    { 2, "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY "
         "COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS "
         "INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR "
         "MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP "
         "STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG" },
    { 3, "BHD IQD JOD KWD LYD OMR TND" },
    { 4, "CLF UYW" },
};

static int expected_decimals(const char *code)
{
    for (size_t i = 0; i < ARRAY_LEN(currencies); i++) {
        if (strstr(currencies[i].codes, code))
            return currencies[i].decimals;
    }
    return -1;
}

/* All 26^3 codes: those of the list, and no other. */
static void every_code_of_three_letters_has_the_decimals_of_iso_4217(void **state)
{
    char code[4] = "AAA";
    int known = 0;
    (void)state;

    for (code[0] = 'A'; code[0] <= 'Z'; code[0]++) {
        for (code[1] = 'A'; code[1] <= 'Z'; code[1]++) {
            for (code[2] = 'A'; code[2] <= 'Z'; code[2]++) {
                int decimals = currency_decimals(text_of(code));

                if (decimals != expected_decimals(code))
                    fail_msg("%s has %d decimals", code, decimals);
                known += decimals >= 0;
            }
        }
    }
    assert_int_equal(known, 165);
}

static void what_is_no_code_has_no_decimals(void **state)
{
    static const char *const codes[] = { "", "US", "USDX", "usd", "Usd", "XAU", "XXX", "XTS", "XDR", "HRK", "BGN", "12A" };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        assert_int_equal(currency_decimals(text_of(codes[i])), -1);
    assert_int_equal(currency_decimals((struct text){ NULL, 0 }), -1);
    assert_int_equal(currency_decimals((struct text){ "US\0", 3 }), -1);
}

static void lines_round_half_up_to_a_minor_unit(void **state)
{
    static const struct {
        int64_t quantity, price, total;
    } cases[] = {
        { 33000, 1999, 65967 },
        { 14500, 2500, 36250 },
        { 1, 499, 0 },
        { 1, 500, 1 },
        { 1, 501, 1 },
        { 1, 1499, 1 },
        { 1, 1500, 2 },
        { 1500, 1, 2 },
        { 1499, 1, 1 },
        { 2500, 1, 3 },
        { 1000, 0, 0 },
        { 1000, INT64_MAX, INT64_MAX },
        { INT64_MAX, 1000, INT64_MAX },
        { INT64_MAX, 1, 9223372036854776 },
        { 1, -500, 0 },
        { 1, -501, -1 },
        { 1, -499, 0 },
        { 1, -1500, -1 },
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t total = -7;

        assert_true(money_line_total(cases[i].quantity, cases[i].price, &total));
        assert_int_equal(total, cases[i].total);
    }
}

static void what_int64_cannot_hold_is_refused(void **state)
{
    int64_t total = 7;
    (void)state;

    assert_false(money_line_total(1001, INT64_MAX, &total));
    assert_false(money_line_total(INT64_MAX, INT64_MAX, &total));
    assert_false(money_line_total(INT64_MAX, 1001, &total));
    assert_int_equal(total, 7);
}

static void a_sum_that_overflows_stays_as_it_was(void **state)
{
    int64_t sum = INT64_MAX - 1;
    (void)state;

    assert_true(money_add(&sum, 1));
    assert_false(money_add(&sum, 1));
    assert_true(sum == INT64_MAX);
    assert_true(money_add(&sum, INT64_MIN));
    assert_int_equal(sum, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_of_three_letters_has_the_decimals_of_iso_4217),
        cmocka_unit_test(what_is_no_code_has_no_decimals),
        cmocka_unit_test(lines_round_half_up_to_a_minor_unit),
        cmocka_unit_test(what_int64_cannot_hold_is_refused),
        cmocka_unit_test(a_sum_that_overflows_stays_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
