/* fields.h - an event's payload into a struct, by a table of its fields. */
#pragma once

#include "base/buf.h"
#include "workers/runtime/service.h"

enum field_kind {
    FIELD_UUID,     /* struct uuid */
    FIELD_TEXT,     /* struct text; not blank */
    FIELD_INT64,    /* int64_t, an integer */
    FIELD_CURRENCY, /* char[4] */
    FIELD_LINES,    /* struct lines */
};

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
    bool optional;
};

/* Lines of an order as events carry them. */
struct line {
    struct text sku;
    int64_t quantity_milli;
};

struct lines {
    struct line *at;
    size_t count;
};

/* Fills INTO from the payload of WORK; slices live in ARENA. What is missing or of another kind rejects WORK, naming the
 * field, and returns false. Members that are not in the table are ignored. */
MUST_CHECK bool work_read(struct work *work, struct arena *arena, const struct field *fields, size_t count, void *into);

/* The same for JSON text out of the database (lines of an order, kept as text). */
MUST_CHECK bool lines_read(struct text json, struct arena *arena, struct lines *lines, struct fault *fault);

/* [{"sku":..,"quantity":14.5},..] */
void lines_append(struct buf *buf, const struct lines *lines);
