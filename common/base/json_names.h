/* json_names.h - the member names of a document, to find the one that an object has twice. */
#pragma once

#include "base/arena.h"
#include <stdint.h>

struct json_member_name;

/* All names so far, of all objects: a list, and a hash table of 1-based indices into it. Zero-initialise. */
struct json_names {
    struct json_member_name *list;
    size_t count, cap; /* cap is a power of two; there are twice as many slots */
    uint32_t *slots;
};

/* Adds NAME (unescaped; its bytes have to live as long as NAMES) of OBJECT, any number of the caller's. False when that
 * object has it already. Memory of ARENA; constant time on average, whatever names a client chooses. */
MUST_CHECK bool json_names_add(struct json_names *names, struct arena *arena, size_t object, struct text name);
