/* json.h - JSON documents as trees, after the strict check of their text; numbers stay as they were written. */
#pragma once

#include "base/json_text.h"
#include "base/uuid.h"

/* A node of a parsed document; valid until json_free of the document. */
struct json_node;

struct json_doc {
    struct json_node *root;
    struct json_numbers numbers;
};

/* Checks TEXT (json_text_check) and builds its tree. Release with json_free, or declare with JSON_SCOPE. */
MUST_CHECK bool json_parse(struct text text, struct arena *arena, struct json_doc *doc, struct fault *fault);

/* The same, but what an object has twice is twice among its members, the first found by json_get: the caller has to look. */
MUST_CHECK bool json_parse_with_repeats(struct text text, struct arena *arena, struct json_doc *doc, struct fault *fault);

void json_free(struct json_doc *doc);
#define JSON_SCOPE CLEANUP(json_free) struct json_doc

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

enum json_kind json_kind(const struct json_node *node);

/* Members and elements in document order: first child, next sibling; NULL at the end. */
const struct json_node *json_first(const struct json_node *parent);
const struct json_node *json_next(const struct json_node *node);
struct text json_name(const struct json_node *member); /* of a member of an object */

/* The member NAME (exact), or NULL; OBJECT may be NULL or of another kind. */
const struct json_node *json_get(const struct json_node *object, const char *name);

/* A string unescaped; ptr NULL where NODE is NULL or no string. */
struct text json_string(const struct json_node *node);

/* The number as written in the document; ptr NULL where NODE is NULL or no number. */
struct text json_number(const struct json_doc *doc, const struct json_node *node);

/* A string that is a UUID. */
MUST_CHECK bool json_uuid(const struct json_node *node, struct uuid *uuid);
