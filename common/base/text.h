/* text.h - a slice of bytes that someone else owns. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Not NUL-terminated, may hold any byte; ptr may be NULL only where len is 0. */
struct text {
    const char *ptr;
    size_t len;
};

#define TEXT(literal) ((struct text){ (literal), sizeof(literal) - 1 })
#define TEXT_FMT(t)   (int)(t).len, (t).ptr /* for "%.*s" */

static inline struct text text_of(const char *string)
{
    return (struct text){ string, string ? strlen(string) : 0 };
}

static inline bool text_equal(struct text a, struct text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool text_is(struct text a, const char *string)
{
    return text_equal(a, text_of(string));
}
