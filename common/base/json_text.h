/* json_text.h - is this text JSON, to the letter (RFC 8259), and where are its numbers?
 *
 * A stricter gate in front of the tree parser: grammar, UTF-8 (no BOM, no surrogates, no overlong forms), no NUL
 * (raw or \u0000), no lone surrogate escapes, no duplicate member names (compared unescaped), bounded depth. */
#pragma once

#include "base/arena.h"
#include "base/fault.h"

enum { JSON_DEPTH_MAX = 32 };

/* Number tokens as written, in document order; memory of the arena, slices of the input. */
struct json_numbers {
    struct text *tokens;
    size_t count;
};

/* Checks TEXT whole (leading and trailing white space allowed). On failure FAULT is FAULT_INVALID with the byte offset
 * in its detail. NUMBERS may be NULL. Pure apart from ARENA; linear time; no recursion. */
MUST_CHECK bool json_text_check(struct text text, struct arena *arena, struct json_numbers *numbers, struct fault *fault);

/* The same, but for member names: for readers that find by themselves, and name by its place, what an object has twice. */
MUST_CHECK bool json_text_check_grammar(struct text text, struct arena *arena, struct json_numbers *numbers,
                                        struct fault *fault);
