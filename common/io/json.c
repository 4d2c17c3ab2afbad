/* json.c - the one file that knows cJSON. A struct json_node is a cJSON item under another name. */
#include "io/json.h"

#include <cjson/cJSON.h>

enum { NUMBER_MAX = 63 }; /* cJSON's parse_number reads no more, and stumbles over the rest */

static const cJSON *item_of(const struct json_node *node)
{
    return (const cJSON *)node;
}

static const struct json_node *node_of(const cJSON *item)
{
    return (const struct json_node *)item;
}

/* TEXT as cJSON can read it: numbers too long for it become 0, since their value is taken from the token anyway. */
static struct text shorten_numbers(struct text text, const struct json_numbers *numbers, struct arena *arena)
{
    char *copy = NULL;

    for (size_t i = 0; i < numbers->count; i++) {
        struct text token = numbers->tokens[i];
        char *at;

        if (token.len <= NUMBER_MAX)
            continue;
        if (!copy)
            copy = memcpy(arena_alloc(arena, text.len), text.ptr, text.len);
        at = copy + (token.ptr - text.ptr);
        memset(at, ' ', token.len);
        *at = '0';
    }
    return copy ? (struct text){ copy, text.len } : text;
}

/* Numbers its numbers in document order, in the field that nobody reads: returns the ordinal after those under ITEM.
 * Recursion is as deep as the checked text, JSON_DEPTH_MAX at most. */
static int number_items(cJSON *item, int ordinal)
{
    for (; item; item = item->next) {
        if (cJSON_IsNumber(item))
            item->valueint = ordinal++;
        ordinal = number_items(item->child, ordinal);
    }
    return ordinal;
}

/* The tree of TEXT, which is JSON and whose numbers are known. */
static bool build_tree(struct text text, struct arena *arena, struct json_doc *doc, struct fault *fault)
{
    struct text readable = shorten_numbers(text, &doc->numbers, arena);
    cJSON *root = cJSON_ParseWithLengthOpts(readable.ptr, readable.len, NULL, false); /* true asks for a NUL within len */

    if (!root)
        return fault_set(fault, FAULT_TRANSIENT, "json_tree", "no memory for a JSON document of %zu bytes", text.len);
    number_items(root, 0);
    doc->root = (struct json_node *)root;
    return true;
}

bool json_parse(struct text text, struct arena *arena, struct json_doc *doc, struct fault *fault)
{
    *doc = (struct json_doc){ 0 };
    return json_text_check(text, arena, &doc->numbers, fault) && build_tree(text, arena, doc, fault);
}

bool json_parse_with_repeats(struct text text, struct arena *arena, struct json_doc *doc, struct fault *fault)
{
    *doc = (struct json_doc){ 0 };
    return json_text_check_grammar(text, arena, &doc->numbers, fault) && build_tree(text, arena, doc, fault);
}

void json_free(struct json_doc *doc)
{
    cJSON_Delete((cJSON *)doc->root);
    doc->root = NULL;
}

enum json_kind json_kind(const struct json_node *node)
{
    switch (item_of(node)->type & 0xFF) {
    case cJSON_True:
    case cJSON_False:
        return JSON_BOOL;
    case cJSON_Number:
        return JSON_NUMBER;
    case cJSON_String:
        return JSON_STRING;
    case cJSON_Array:
        return JSON_ARRAY;
    case cJSON_Object:
        return JSON_OBJECT;
    default:
        return JSON_NULL;
    }
}

const struct json_node *json_first(const struct json_node *parent)
{
    return node_of(item_of(parent)->child);
}

const struct json_node *json_next(const struct json_node *node)
{
    return node_of(item_of(node)->next);
}

struct text json_name(const struct json_node *member)
{
    return text_of(item_of(member)->string);
}

const struct json_node *json_get(const struct json_node *object, const char *name)
{
    if (!cJSON_IsObject(item_of(object)))
        return NULL;
    return node_of(cJSON_GetObjectItemCaseSensitive(item_of(object), name)); /* the other one folds case */
}

struct text json_string(const struct json_node *node)
{
    return text_of(cJSON_GetStringValue((cJSON *)node)); /* no NUL inside: the check refuses it */
}

struct text json_number(const struct json_doc *doc, const struct json_node *node)
{
    if (!cJSON_IsNumber(item_of(node)))
        return (struct text){ 0 };
    return doc->numbers.tokens[item_of(node)->valueint];
}

bool json_uuid(const struct json_node *node, struct uuid *uuid)
{
    return uuid_parse(json_string(node), uuid);
}
