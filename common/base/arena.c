#include "base/arena.h"
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h> /* expands to nothing without AddressSanitizer */
#else
#define ASAN_POISON_MEMORY_REGION(at, size)   ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

enum {
    FIRST_BLOCK = 16 * 1024 - 64, /* leaves room for malloc's own header */
    KEPT_MAX = 1024 * 1024,       /* bytes kept over a reset */
    ALIGNMENT = alignof(max_align_t),
};

struct arena_block {
    struct arena_block *next;
    size_t size; /* of data */
    size_t used; /* of data, a multiple of ALIGNMENT */
    alignas(ALIGNMENT) char data[];
};

static _Noreturn void out_of_memory(size_t size)
{
    fprintf(stderr, "out of memory: cannot allocate %zu bytes\n", size);
    abort();
}

static size_t round_up(size_t size)
{
    if (size > PTRDIFF_MAX - 2 * sizeof(struct arena_block))
        out_of_memory(size);
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* A block with room for SIZE becomes the current one: the next of the chain when it is large enough, else a new one
 * between the two, twice as large as the last so that their number stays logarithmic. */
static void next_block(struct arena *arena, size_t size)
{
    struct arena_block **link = arena->current ? &arena->current->next : &arena->first;
    struct arena_block *block = *link;

    if (!block || block->size < size) {
        size_t wanted = arena->current ? 2 * arena->current->size : FIRST_BLOCK;

        if (wanted > KEPT_MAX / 2)
            wanted = KEPT_MAX / 2;
        if (wanted < size)
            wanted = size;
        block = malloc(sizeof *block + wanted);
        if (!block)
            out_of_memory(wanted);
        block->next = *link;
        block->size = wanted;
        block->used = 0;
        ASAN_POISON_MEMORY_REGION(block->data, block->size);
        *link = block;
    }
    arena->current = block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t rounded = round_up(size ? size : 1);
    struct arena_block *block = arena->current;
    void *at;

    if (!block || block->size - block->used < rounded) {
        next_block(arena, rounded);
        block = arena->current;
    }
    at = block->data + block->used;
    block->used += rounded;
    ASAN_UNPOISON_MEMORY_REGION(at, size); /* the rounding stays poisoned */
    return memset(at, 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        out_of_memory(SIZE_MAX);
    return arena_alloc(arena, bytes);
}

void *arena_extend(struct arena *arena, void *at, size_t size, size_t larger)
{
    struct arena_block *block = arena->current;
    size_t start;

    if (!block || (char *)at < block->data || (char *)at >= block->data + block->used)
        return NULL;
    start = (size_t)((char *)at - block->data);
    if (start + round_up(size ? size : 1) != block->used || round_up(larger) > block->size - start)
        return NULL;
    block->used = start + round_up(larger);
    ASAN_UNPOISON_MEMORY_REGION(block->data + start, larger);
    memset(block->data + start + size, 0, larger - size);
    return block->data + start;
}

struct text arena_copy(struct arena *arena, struct text text)
{
    char *copy = arena_alloc(arena, text.len + 1);

    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return (struct text){ copy, text.len };
}

struct text arena_plain(struct arena *arena, struct text text)
{
    char *copy;

    if (!text.ptr)
        return text;
    copy = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = (char)(text.ptr[i] < ' ' || text.ptr[i] > '~' ? '?' : text.ptr[i]);
    return (struct text){ copy, text.len };
}

struct text arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    char *out;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0) /* only a broken format or an unencodable wide character */
        abort();
    out = arena_alloc(arena, (size_t)len + 1);
    vsnprintf(out, (size_t)len + 1, format, again);
    va_end(again);
    return (struct text){ out, (size_t)len };
}

void arena_reset(struct arena *arena)
{
    struct arena_block **link = &arena->first;
    size_t kept = 0;

    while (*link) {
        struct arena_block *block = *link;

        if (kept + block->size > KEPT_MAX) {
            *link = block->next;
            free(block);
            continue;
        }
        kept += block->size;
        block->used = 0;
        ASAN_POISON_MEMORY_REGION(block->data, block->size);
        link = &block->next;
    }
    arena->current = NULL; /* the next allocation starts at the first block again */
}

void arena_free(struct arena *arena)
{
    struct arena_block *block = arena->first;

    while (block) {
        struct arena_block *next = block->next;

        free(block);
        block = next;
    }
    *arena = (struct arena){ 0 };
}
