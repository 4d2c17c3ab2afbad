/* arena.h - memory that ends all at once: with the request, or with the batch. */
#pragma once

#include "base/cleanup.h"
#include "base/text.h"

struct arena_block;

/* Zero-initialise. One thread at a time. Blocks are kept over a reset, so a warmed-up arena allocates nothing. */
struct arena {
    struct arena_block *first;   /* owned chain */
    struct arena_block *current; /* block being filled */
};

/* SIZE bytes, zeroed, aligned for any type; live until reset or free. Never NULL: out of memory ends the process with
 * one line on stderr, since nothing sensible is left to do and every unfinished unit of work is repeated safely. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((returns_nonnull, malloc, alloc_size(2)));

/* COUNT elements of SIZE; overflow ends the process like want of memory. */
void *arena_array(struct arena *arena, size_t count, size_t size) __attribute__((returns_nonnull, malloc, alloc_size(2, 3)));

/* Grows the arena's latest allocation AT from SIZE to LARGER bytes in place, zeroed, and returns where it is: use
 * that pointer from then on, since compilers take AT for SIZE bytes long. NULL, and nothing has changed, when it is not the
 * latest or its block is full. */
MUST_CHECK void *arena_extend(struct arena *arena, void *at, size_t size, size_t larger);

/* A copy with a NUL behind it, which the length does not count. */
struct text arena_copy(struct arena *arena, struct text text);

/* A copy with a NUL behind it, in which '?' stands for whatever is not printable ASCII: headers are any bytes, reasons may
 * quote them, and a database refuses some. ptr NULL stays so. */
struct text arena_plain(struct arena *arena, struct text text);

/* printf into the arena; NUL-terminated. */
struct text arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

/* Forgets every allocation; memory stays for reuse, except blocks past 1 MiB in sum, which go back to the system. */
void arena_reset(struct arena *arena);

/* Gives everything back; ARENA is as zero-initialised. */
void arena_free(struct arena *arena);

#define ARENA_SCOPE CLEANUP(arena_free) struct arena
