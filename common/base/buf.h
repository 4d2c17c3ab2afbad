/* buf.h - bytes that grow in an arena: how answers, payloads and parameters are built. */
#pragma once

#include "base/arena.h"
#include <stdint.h>

/* Memory belongs to the arena. One thread at a time. */
struct buf {
    struct arena *arena;
    char *ptr;
    size_t len;
    size_t cap;
};

#define BUF_IN(arena_ptr) ((struct buf){ .arena = (arena_ptr) })

/* Makes room for MORE bytes and returns where they go; the caller then adds to len what it wrote. */
char *buf_reserve(struct buf *buf, size_t more) __attribute__((returns_nonnull));

void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_text(struct buf *buf, struct text text);
void buf_str(struct buf *buf, const char *string);
void buf_char(struct buf *buf, char c);
void buf_int64(struct buf *buf, int64_t value); /* decimal digits */
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/* TEXT as a JSON string, quotes included: escapes '"', '\\' and controls (RFC 8259 section 7); other bytes as they are,
 * so TEXT has to be valid UTF-8. */
void buf_json_string(struct buf *buf, struct text text);

/* The bytes so far; valid until the next addition. */
static inline struct text buf_view(const struct buf *buf)
{
    return (struct text){ buf->ptr, buf->len };
}
