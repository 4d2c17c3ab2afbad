#include "base/buf.h"
#include "base/hex.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CAP = 256 };

/* Doubling in place where the arena can, so that a buffer that is being built alone is never copied. */
static void grow(struct buf *buf, size_t more)
{
    size_t cap = buf->cap ? buf->cap : FIRST_CAP / 2;
    char *at;

    do {
        if (__builtin_mul_overflow(cap, 2, &cap))
            abort();
    } while (cap - buf->len < more);
    at = buf->cap > 0 ? arena_extend(buf->arena, buf->ptr, buf->cap, cap) : NULL;
    if (!at) {
        at = arena_alloc(buf->arena, cap);
        if (buf->ptr)
            memcpy(at, buf->ptr, buf->len);
    }
    buf->ptr = at;
    buf->cap = cap;
}

char *buf_reserve(struct buf *buf, size_t more)
{
    if (!buf->ptr || buf->cap - buf->len < more)
        grow(buf, more);
    return buf->ptr + buf->len;
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
    char *at = buf_reserve(buf, len);

    if (len > 0)
        memcpy(at, bytes, len);
    buf->len += len;
}

void buf_text(struct buf *buf, struct text text)
{
    buf_add(buf, text.ptr, text.len);
}

void buf_str(struct buf *buf, const char *string)
{
    buf_add(buf, string, strlen(string));
}

void buf_char(struct buf *buf, char c)
{
    *buf_reserve(buf, 1) = c;
    buf->len++;
}

void buf_int64(struct buf *buf, int64_t value)
{
    char digits[20]; /* "-9223372036854775808" */
    char *at = digits + sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        *--at = '-';
    buf_add(buf, at, (size_t)(digits + sizeof digits - at));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    size_t room = FIRST_CAP / 2;
    char *at = buf_reserve(buf, room);
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(at, room, format, args);
    va_end(args);
    if (len < 0)
        abort();
    if ((size_t)len >= room) {
        at = buf_reserve(buf, (size_t)len + 1); /* vsnprintf writes a NUL that does not count */
        vsnprintf(at, (size_t)len + 1, format, again);
    }
    va_end(again);
    buf->len += (size_t)len;
}

/* The letter behind the backslash, 'u' for \u00XX, 0 for bytes that stand for themselves. */
static char escape_of(unsigned char c)
{
    static const char controls[32] = { 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'b', 't', 'n', 'u', 'f', 'r', 'u', 'u',
                                       'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u' };

    if (c < sizeof controls)
        return controls[c];
    return c == '"' || c == '\\' ? (char)c : 0;
}

void buf_json_string(struct buf *buf, struct text text)
{
    size_t run = 0; /* start of the bytes not yet copied */

    buf_reserve(buf, text.len + 2);
    buf_char(buf, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        char letter = escape_of(c);

        if (!letter)
            continue;
        buf_add(buf, text.ptr + run, i - run);
        run = i + 1;
        if (letter == 'u') {
            buf_str(buf, "\\u00");
            hex_put(buf_reserve(buf, 2), &c, 1);
            buf->len += 2;
        } else {
            buf_add(buf, (char[]){ '\\', letter }, 2);
        }
    }
    if (text.len > run)
        buf_add(buf, text.ptr + run, text.len - run);
    buf_char(buf, '"');
}
