#include "base/json_names.h"
#include <sys/auxv.h>

struct json_member_name {
    uint64_t hash;
    size_t object;
    struct text text;
};

/* 64 x 64 -> 128 bits folded, as wyhash does. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Seeded with the 16 random bytes the kernel gives each process, so that nobody can choose names that collide. */
static uint64_t hash_name(size_t object, struct text text)
{
    uint64_t seed[2], chunk;

    memcpy(seed, (const void *)getauxval(AT_RANDOM), sizeof seed);
    seed[0] = mix(seed[0] ^ object, seed[1] ^ text.len);
    while (text.len > 0) {
        size_t n = text.len < 8 ? text.len : 8;

        chunk = 0;
        memcpy(&chunk, text.ptr, n);
        seed[0] = mix(seed[0] ^ chunk, seed[1] ^ 0x9E3779B97F4A7C15);
        text.ptr += n;
        text.len -= n;
    }
    return seed[0];
}

/* The slot of NAME, or the empty one where it belongs. */
static uint32_t *find_slot(const struct json_names *names, const struct json_member_name *name)
{
    size_t mask = 2 * names->cap - 1;

    for (size_t i = name->hash & mask;; i = (i + 1) & mask) {
        const struct json_member_name *other = names->slots[i] ? &names->list[names->slots[i] - 1] : NULL;

        if (!other || (other->hash == name->hash && other->object == name->object && text_equal(other->text, name->text)))
            return &names->slots[i];
    }
}

static void grow_names(struct json_names *names, struct arena *arena)
{
    size_t cap = names->cap ? 2 * names->cap : 32;
    struct json_member_name *list = arena_array(arena, cap, sizeof *list);

    if (names->count > 0)
        memcpy(list, names->list, names->count * sizeof *list);
    names->list = list;
    names->cap = cap;
    names->slots = arena_array(arena, 2 * cap, sizeof *names->slots);
    for (size_t i = 0; i < names->count; i++)
        *find_slot(names, &list[i]) = (uint32_t)i + 1;
}

bool json_names_add(struct json_names *names, struct arena *arena, size_t object, struct text name)
{
    struct json_member_name added = { .hash = hash_name(object, name), .object = object, .text = name };
    uint32_t *slot;

    if (names->count == names->cap)
        grow_names(names, arena);
    slot = find_slot(names, &added);
    if (*slot)
        return false;
    names->list[names->count++] = added;
    *slot = (uint32_t)names->count;
    return true;
}
