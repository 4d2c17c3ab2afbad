/* json_test.c - trees of documents, and numbers as they were written. */
#include "io/json.h"
#include "unit.h"

static struct arena arena;

static int forget(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct json_doc parsed(const char *text)
{
    struct fault fault = { 0 };
    struct json_doc doc;

    if (!json_parse(text_of(text), &arena, &doc, &fault))
        fail_msg("%s: %s", text, fault.detail);
    return doc;
}

static void assert_text(struct text text, const char *expected)
{
    assert_non_null(text.ptr);
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.ptr, expected, text.len);
}

static void numbers_keep_every_digit_wherever_they_stand(void **state)
{
    JSON_SCOPE doc = parsed("{\"a\":[1,{\"b\":19.990000000000000001},[]],\"c\":9007199254740993,\"d\":[[-0.0],1E+2]}");
    const struct json_node *a = json_first(json_get(doc.root, "a"));
    const struct json_node *d = json_first(json_get(doc.root, "d"));

    (void)state;
    assert_text(json_number(&doc, a), "1");
    assert_text(json_number(&doc, json_get(json_next(a), "b")), "19.990000000000000001");
    assert_text(json_number(&doc, json_get(doc.root, "c")), "9007199254740993");
    assert_text(json_number(&doc, json_first(d)), "-0.0");
    assert_text(json_number(&doc, json_next(d)), "1E+2");
}

static void a_number_of_any_length_is_read(void **state)
{
    const char *digits = "1.0000000000000000000000000000000000000000000000000000000000000000000000000000001";
    struct text text = arena_printf(&arena, "[%s,\"x\",2]", digits);
    JSON_SCOPE doc = parsed(text.ptr);
    const struct json_node *first = json_first(doc.root);

    (void)state;
    assert_text(json_number(&doc, first), digits);
    assert_text(json_string(json_next(first)), "x");
    assert_text(json_number(&doc, json_next(json_next(first))), "2");
}

static void names_are_exact(void **state)
{
    JSON_SCOPE doc = parsed("{\"Sku\":\"upper\",\"sku\":\"lower\"}");

    (void)state;
    assert_text(json_string(json_get(doc.root, "sku")), "lower");
    assert_null(json_get(doc.root, "SKU"));
}

static void looking_into_what_is_no_object_finds_nothing(void **state)
{
    JSON_SCOPE doc = parsed("[{\"a\":1}]");

    (void)state;
    assert_null(json_get(doc.root, "a"));
    assert_null(json_get(NULL, "a"));
    assert_null(json_string(NULL).ptr);
    assert_null(json_string(doc.root).ptr);
    assert_null(json_number(&doc, NULL).ptr);
    assert_null(json_number(&doc, doc.root).ptr);
}

static void kinds_and_members_come_in_document_order(void **state)
{
    static const enum json_kind kinds[] = { JSON_NULL,   JSON_BOOL,  JSON_BOOL,  JSON_NUMBER,
                                            JSON_STRING, JSON_ARRAY, JSON_OBJECT };
    JSON_SCOPE doc = parsed("{\"a\":null,\"b\":true,\"c\":false,\"d\":0,\"e\":\"\",\"f\":[],\"g\":{}}");
    const struct json_node *member = json_first(doc.root);
    char name[2] = "a";

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++, member = json_next(member), name[0]++) {
        assert_text(json_name(member), name);
        assert_int_equal(json_kind(member), kinds[i]);
    }
    assert_null(member);
}

static void strings_come_unescaped(void **state)
{
    JSON_SCOPE doc = parsed("[\"a\\n\\\"\\u00e9\\ud83d\\ude00\"]");

    (void)state;
    assert_text(json_string(json_first(doc.root)), "a\n\"\xc3\xa9\xf0\x9f\x98\x80");
}

static void what_the_check_refuses_makes_no_tree(void **state)
{
    static const char *const texts[] = { "", "01", "[1]x", "{\"a\":1,\"a\":2}", "\"\\u0000\"", "[1." };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct fault fault = { 0 };
        struct json_doc doc;

        assert_false(json_parse(text_of(texts[i]), &arena, &doc, &fault));
        assert_int_equal(fault.kind, FAULT_INVALID);
        assert_null(doc.root);
    }
}

static void what_an_object_has_twice_is_kept_where_it_is_asked_for(void **state)
{
    JSON_SCOPE doc = { 0 };
    struct fault fault = { 0 };
    const struct json_node *first;
    (void)state;

    assert_true(json_parse_with_repeats(TEXT("{\"a\":1,\"a\":2}"), &arena, &doc, &fault));
    first = json_get(doc.root, "a");
    assert_text(json_number(&doc, first), "1");
    assert_text(json_number(&doc, json_next(first)), "2");
}

static void a_uuid_is_a_string_of_that_form(void **state)
{
    JSON_SCOPE doc = parsed("[\"019A0000-0000-7000-8000-0000000000FF\",\"019a\",7]");
    const struct json_node *node = json_first(doc.root);
    struct uuid uuid;

    (void)state;
    assert_true(json_uuid(node, &uuid));
    assert_int_equal(uuid.bytes[15], 0xff);
    assert_false(json_uuid(json_next(node), &uuid));
    assert_false(json_uuid(json_next(json_next(node)), &uuid));
    assert_false(json_uuid(NULL, &uuid));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_keep_every_digit_wherever_they_stand),
        cmocka_unit_test(a_number_of_any_length_is_read),
        cmocka_unit_test(names_are_exact),
        cmocka_unit_test(looking_into_what_is_no_object_finds_nothing),
        cmocka_unit_test(kinds_and_members_come_in_document_order),
        cmocka_unit_test(strings_come_unescaped),
        cmocka_unit_test(what_the_check_refuses_makes_no_tree),
        cmocka_unit_test(what_an_object_has_twice_is_kept_where_it_is_asked_for),
        cmocka_unit_test(a_uuid_is_a_string_of_that_form),
    };

    return cmocka_run_group_tests(tests, NULL, forget);
}
