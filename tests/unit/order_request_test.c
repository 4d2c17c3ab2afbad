#include "fcgi/order_request.h"
#include "tests/unit/unit.h"

/* ---- bodies: a valid one, of which a case replaces one part ---- */

enum part { CUSTOMER, CURRENCY, ITEMS, ADDRESS, SKU, QUANTITY, PRICE, CITY, MORE, ITEM_MORE, WHOLE };

#define SKU_64     "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKL"
#define LETTERS_64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define EMOJIS_16                                                                                                           \
    "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"      \
    "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"      \
    "\xf0\x9f\x98\x80\xf0\x9f\x98\x80"
#define EMOJIS_64 EMOJIS_16 EMOJIS_16 EMOJIS_16 EMOJIS_16

/* EXPECTED: the pointers of the violations in their order, a space behind each; empty: the body is fine. */
struct example {
    enum part part;
    const char *json;
    const char *expected;
};

static struct text body_of(struct arena *arena, const struct example *example)
{
    const char *parts[] = {
        [CUSTOMER] = "\"67993C38-8059-4d8b-8567-1542560584ee\"",
        [CURRENCY] = "\"USD\"",
        [ITEMS] = NULL,
        [ADDRESS] = NULL,
        [SKU] = "\"SKU-1\"",
        [QUANTITY] = "33",
        [PRICE] = "19.99",
        [CITY] = "\"Austin\"",
        [MORE] = "",
        [ITEM_MORE] = "",
    };

    if (example->part == WHOLE)
        return text_of(example->json);
    parts[example->part] = example->json;
    if (!parts[ITEMS])
        parts[ITEMS] = arena_printf(arena, "[{\"sku\":%s,\"quantity\":%s,\"unitPrice\":%s%s}]", parts[SKU], parts[QUANTITY],
                                    parts[PRICE], parts[ITEM_MORE])
                           .ptr;
    if (!parts[ADDRESS])
        parts[ADDRESS] =
            arena_printf(arena, "{\"country\":\"USA\",\"city\":%s,\"addressLine1\":\"Lincoln, 65\"}", parts[CITY]).ptr;
    return arena_printf(arena, "{\"customerId\":%s,\"items\":%s,\"currency\":%s,\"shippingAddress\":%s%s}", parts[CUSTOMER],
                        parts[ITEMS], parts[CURRENCY], parts[ADDRESS], parts[MORE]);
}

static const struct example bad[] = {
    /* the body as such */
    { WHOLE, "", " " },
    { WHOLE, "{", " " },
    { WHOLE, "[]", " " },
    { WHOLE, "null", " " },
    { WHOLE, "\"order\"", " " },
    { WHOLE, "{} {}", " " },
    { WHOLE, "\xef\xbb\xbf{}", " " },
    { WHOLE, "{'a':1}", " " },
    { WHOLE, "{}", "/customerId /currency /items /shippingAddress " },
    { MORE, ",\"currency\":\"USD\"", "/currency " },
    { MORE, ",\"curr\\u0065ncy\":7,\"note\":1,\"note\":2,\"currency\":null", "/currency /note /note /currency " },
    { MORE, ",\"note\":1", "/note " },
    { MORE, ",\"Currency\":\"USD\"", "/Currency " },
    { MORE, ",\"a/b~c\":1", "/a~1b~0c " },
    { MORE, ",\"\":1", "/ " },
    { MORE, ",\"note\":null,\"memo\":[]", "/note /memo " },
    /* customerId */
    { CUSTOMER, "null", "/customerId " },
    { CUSTOMER, "1", "/customerId " },
    { CUSTOMER, "\"\"", "/customerId " },
    { CUSTOMER, "\"67993c38-8059-4d8b-8567-1542560584e\"", "/customerId " },
    { CUSTOMER, "\"67993c3880594d8b85671542560584ee\"", "/customerId " },
    { CUSTOMER, "\" 67993c38-8059-4d8b-8567-1542560584ee\"", "/customerId " },
    /* currency */
    { CURRENCY, "null", "/currency " },
    { CURRENCY, "\"usd\"", "/currency " },
    { CURRENCY, "\"XXX\"", "/currency " },
    { CURRENCY, "\"USDD\"", "/currency " },
    { CURRENCY, "\"\"", "/currency " },
    { CURRENCY, "840", "/currency " },
    { CURRENCY, "\"JPY\"", "/items/0/unitPrice " },
    /* items */
    { ITEMS, "null", "/items " },
    { ITEMS, "{}", "/items " },
    { ITEMS, "[]", "/items " },
    { ITEMS, "[1]", "/items/0 " },
    { ITEMS, "[null]", "/items/0 " },
    { ITEMS, "[{}]", "/items/0/sku /items/0/quantity /items/0/unitPrice " },
    { ITEMS, "[{\"sku\":\"a\",\"quantity\":1,\"unitPrice\":1},{\"sku\":\"a\",\"quantity\":0,\"unitPrice\":1}]",
      "/items/1/quantity " },
    { ITEM_MORE, ",\"price\":1", "/items/0/price " },
    { ITEM_MORE, ",\"sku\":\"a\"", "/items/0/sku " },
    /* sku */
    { SKU, "null", "/items/0/sku " },
    { SKU, "\"\"", "/items/0/sku " },
    { SKU, "\"a b\"", "/items/0/sku " },
    { SKU, "\"\\u00e9\"", "/items/0/sku " },
    { SKU, "\"a\\u0000\"", " " },
    { SKU, "\"a\\u007f\"", "/items/0/sku " },
    { SKU, "\"" SKU_64 "M\"", "/items/0/sku " },
    { SKU, "7", "/items/0/sku " },
    /* quantity */
    { QUANTITY, "null", "/items/0/quantity " },
    { QUANTITY, "0", "/items/0/quantity " },
    { QUANTITY, "-0.0", "/items/0/quantity " },
    { QUANTITY, "-1", "/items/0/quantity " },
    { QUANTITY, "-1e400", "/items/0/quantity " },
    { QUANTITY, "0.0001", "/items/0/quantity " },
    { QUANTITY, "1.0005", "/items/0/quantity " },
    { QUANTITY, "1e16", "/items/0/quantity " },
    { QUANTITY, "1e999999999", "/items/0/quantity " },
    { QUANTITY, "\"1\"", "/items/0/quantity " },
    { QUANTITY, "true", "/items/0/quantity " },
    { QUANTITY, "01", " " },
    { QUANTITY, "1.", " " },
    { QUANTITY, "NaN", " " },
    /* unitPrice */
    { PRICE, "null", "/items/0/unitPrice " },
    { PRICE, "-0.01", "/items/0/unitPrice " },
    { PRICE, "19.999", "/items/0/unitPrice " },
    { PRICE, "19.990000000000000001", "/items/0/unitPrice " },
    { PRICE, "1e-3", "/items/0/unitPrice " },
    { PRICE, "1e17", "/items/0/unitPrice " },
    { PRICE, "\"19.99\"", "/items/0/unitPrice " },
    { PRICE, "92233720368547758", "/items/0 " }, /* fits alone, 33 of them don't */
    /* shippingAddress */
    { ADDRESS, "null", "/shippingAddress " },
    { ADDRESS, "[]", "/shippingAddress " },
    { ADDRESS, "{}", "/shippingAddress/country /shippingAddress/city /shippingAddress/addressLine1 " },
    { ADDRESS, "{\"country\":\"a\",\"city\":\"b\",\"addressLine1\":\"c\",\"addressLine2\":null}",
      "/shippingAddress/addressLine2 " },
    { ADDRESS, "{\"country\":\"a\",\"city\":\"b\",\"addressLine1\":\"c\",\"zip\":\"1\"}", "/shippingAddress/zip " },
    { CITY, "1", "/shippingAddress/city " },
    { CITY, "\"\"", "/shippingAddress/city " },
    { CITY, "\"  \"", "/shippingAddress/city " },
    { CITY, "\"\\u3000\\u00a0\"", "/shippingAddress/city " },
    { CITY, "\"a\\nb\"", "/shippingAddress/city " },
    { CITY, "\"a\\u0085b\"", "/shippingAddress/city " },
    { CITY, "\"\\ud800\"", " " },
    { CITY, "\"\xff\"", " " },
    { CITY, "\"" LETTERS_64 LETTERS_64 LETTERS_64 LETTERS_64 "a\"", "/shippingAddress/city " },
    /* several at once */
    { WHOLE, "{\"customerId\":1,\"currency\":\"usd\",\"items\":[{\"sku\":\"\",\"quantity\":-1,\"unitPrice\":-1}],\"x\":0}",
      "/customerId /currency /items/0/sku /items/0/quantity /items/0/unitPrice /shippingAddress /x " },
};

static const struct example good[] = {
    { WHOLE,
      " {\"shippingAddress\":{\"addressLine1\":\"c\",\"city\":\"b\",\"country\":\"a\",\"region\":\"r\",\"postalCode\":\"p\","
      "\"addressLine2\":\"l\"},\"items\":[{\"unitPrice\":0,\"quantity\":0.001,\"sku\":\"a\"}],\"currency\":\"USD\","
      "\"customerId\":\"67993c38-8059-4d8b-8567-1542560584ee\"}\n",
      "" },
    { SKU, "\"" SKU_64 "\"", "" },
    { SKU, "\"!~\"", "" },
    { QUANTITY, "14.50", "" },
    { QUANTITY, "1e2", "" },
    { QUANTITY, "14.5000000", "" },
    { PRICE, "0", "" },
    { PRICE, "-0", "" },
    { PRICE, "19.990", "" },
    { PRICE, "1999e-2", "" },
    { CITY, "\" K\\u00f6ln \"", "" },
    { CITY, "\"" EMOJIS_64 EMOJIS_64 EMOJIS_64 EMOJIS_64 "\"", "" }, /* 256 characters, 1024 bytes */
};

/* ---- tests ---- */

static struct text pointers_of(const struct violations *violations, struct arena *arena)
{
    struct buf pointers = BUF_IN(arena);

    buf_str(&pointers, "");
    for (size_t i = 0; i < violations->count; i++) {
        buf_text(&pointers, violations->list[i].pointer);
        buf_char(&pointers, ' ');
    }
    return arena_copy(arena, buf_view(&pointers));
}

static void check(const struct example *example)
{
    ARENA_SCOPE arena = { 0 };
    struct violations violations = VIOLATIONS_IN(&arena);
    struct text body = body_of(&arena, example);
    struct order order;
    bool read = order_request_read(body, &arena, &order, &violations);
    struct text pointers = pointers_of(&violations, &arena);

    if (!text_is(pointers, example->expected))
        fail_msg("%.*s: expected \"%s\", got \"%.*s\"", TEXT_FMT(body), example->expected, TEXT_FMT(pointers));
    assert_int_equal(read, violations.count == 0);
    for (size_t i = 0; i < violations.count; i++)
        assert_true(violations.list[i].detail.len > 0);
}

static void every_violation_is_named_by_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        check(&bad[i]);
}

static void what_the_contract_allows_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        check(&good[i]);
}

static void lines_are_multiplied_and_summed_exactly(void **state)
{
    static const struct example seed = {
        ITEMS,
        "[{\"sku\":\"SKU-1\",\"quantity\":33,\"unitPrice\":19.99},{\"sku\":\"SKU-2\",\"quantity\":14.50,\"unitPrice\":25}]",
        ""
    };
    ARENA_SCOPE arena = { 0 };
    struct violations violations = VIOLATIONS_IN(&arena);
    struct order order;

    (void)state;
    assert_true(order_request_read(body_of(&arena, &seed), &arena, &order, &violations));
    assert_int_equal(order.total_minor, 102217);
    assert_string_equal(order.currency, "USD");
    assert_int_equal(order.line_count, 2);
    assert_int_equal(order.lines[1].quantity_milli, 14500);
    assert_int_equal(order.lines[1].unit_price_minor, 2500);
    assert_null(order.address.line2.ptr);
}

static bool read_items(struct arena *arena, size_t count, struct violations *violations)
{
    struct buf items = BUF_IN(arena);
    struct order order;

    for (size_t i = 0; i < count; i++)
        buf_str(&items, i == 0 ? "[{\"sku\":\"a\",\"quantity\":1,\"unitPrice\":1}"
                               : ",{\"sku\":\"a\",\"quantity\":1,\"unitPrice\":1}");
    buf_char(&items, ']');
    return order_request_read(body_of(arena, &(struct example){ ITEMS, arena_copy(arena, buf_view(&items)).ptr, NULL }),
                              arena, &order, violations);
}

static void two_hundred_items_are_accepted_and_one_more_is_not(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct violations violations = VIOLATIONS_IN(&arena);

    (void)state;
    assert_true(read_items(&arena, 200, &violations));
    assert_false(read_items(&arena, 201, &violations));
    assert_true(text_is(violations.list[0].pointer, "/items"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_violation_is_named_by_its_place),
        cmocka_unit_test(what_the_contract_allows_is_accepted),
        cmocka_unit_test(lines_are_multiplied_and_summed_exactly),
        cmocka_unit_test(two_hundred_items_are_accepted_and_one_more_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
