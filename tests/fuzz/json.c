/* json.c - JSON texts: what the strict check takes the tree parser takes too, and tree to text to tree changes nothing. */
#include "io/json.h"
#include "base/utf8.h"
#include "tests/fuzz/fuzz.h"

struct print {
    struct buf out;
    const struct json_doc *doc;
    size_t numbers; /* met so far, in document order */
};

static void print_text(struct print *print, struct text text)
{
    PROPERTY(utf8_is_valid(text));
    buf_json_string(&print->out, text);
}

/* Every number is the token that stands at its place in the document. */
static void print_number(struct print *print, const struct json_node *node)
{
    struct text token = json_number(print->doc, node);

    PROPERTY(print->numbers < print->doc->numbers.count);
    PROPERTY(token.ptr == print->doc->numbers.tokens[print->numbers++].ptr);
    buf_text(&print->out, token);
}

static void print_node(struct print *print, const struct json_node *node);

static void print_children(struct print *print, const struct json_node *node, bool named)
{
    buf_char(&print->out, named ? '{' : '[');
    for (const struct json_node *child = json_first(node); child; child = json_next(child)) {
        if (child != json_first(node))
            buf_char(&print->out, ',');
        if (named) {
            print_text(print, json_name(child));
            buf_char(&print->out, ':');
            PROPERTY(json_get(node, json_name(child).ptr) == child); /* names are unique */
        }
        print_node(print, child);
    }
    buf_char(&print->out, named ? '}' : ']');
}

/* As deep as the checked text: JSON_DEPTH_MAX. */
static void print_node(struct print *print, const struct json_node *node)
{
    switch (json_kind(node)) {
    case JSON_NULL:
        buf_str(&print->out, "null");
        break;
    case JSON_BOOL:
        buf_str(&print->out, "true"); /* the tree does not tell which: no document of ours has one */
        break;
    case JSON_NUMBER:
        print_number(print, node);
        break;
    case JSON_STRING:
        print_text(print, json_string(node));
        break;
    case JSON_ARRAY:
        print_children(print, node, false);
        break;
    case JSON_OBJECT:
        print_children(print, node, true);
        break;
    }
}

/* Parses TEXT, which the check has taken, and prints its tree. */
static struct text parse_and_print(struct text text, struct arena *arena)
{
    JSON_SCOPE doc = { 0 };
    struct fault fault = { 0 };
    struct print print = { .out = BUF_IN(arena), .doc = &doc };

    PROPERTY(json_parse(text, arena, &doc, &fault));
    print_node(&print, doc.root);
    PROPERTY(print.numbers == doc.numbers.count);
    return buf_view(&print.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE arena = { 0 };
    struct text text = text_of_input(data, size), printed;
    struct fault fault = { 0 };

    if (!json_text_check(text, &arena, NULL, &fault)) {
        PROPERTY(fault.kind == FAULT_INVALID && fault.detail[0] != '\0');
        return 0;
    }
    PROPERTY(utf8_is_valid(text));
    printed = parse_and_print(text, &arena);
    PROPERTY(json_text_check(printed, &arena, NULL, &fault));
    PROPERTY(text_equal(parse_and_print(printed, &arena), printed));
    return 0;
}
