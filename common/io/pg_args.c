/* pg_args.c - parameters in PostgreSQL's binary form (array_recv, uuid_recv, int8recv, ...): built once, never printed. */
#include "base/buf.h"
#include "io/pg.h"

#include <assert.h>
#include <endian.h>
#include <limits.h>

/* The fixed part in front of the elements; network byte order (array_send in arrayfuncs.c). */
struct array_header {
    int32_t dimensions;
    int32_t has_nulls;
    int32_t element_type;
    int32_t length;
    int32_t lower_bound;
};

enum { EMPTY_HEADER = 3 * sizeof(int32_t) }; /* no dimension, so neither length nor bound */

struct pg_array {
    enum pg_type type;
    size_t count;
    bool has_nulls;
    struct buf bytes;
};

/* What the server calls an array of the type, and the room an element takes, a guess for texts. */
static const struct {
    enum pg_type type;
    unsigned array_type;
    size_t size;
} types[] = {
    { PG_BOOL, 1000, 1 },  { PG_BYTEA, 1001, 64 }, { PG_INT4, 1007, 4 },
    { PG_TEXT, 1009, 48 }, { PG_INT8, 1016, 8 },   { PG_UUID, 2951, 16 },
};

static size_t type_index(enum pg_type type)
{
    size_t at = 0;

    while (types[at].type != type)
        at++;
    return at;
}

struct pg_array *pg_array_new(struct arena *arena, enum pg_type type, size_t expected)
{
    struct pg_array *array = arena_alloc(arena, sizeof *array);
    size_t element = sizeof(int32_t) + types[type_index(type)].size;

    array->type = type;
    array->bytes = BUF_IN(arena);
    buf_reserve(&array->bytes, sizeof(struct array_header) + expected * element);
    array->bytes.len = sizeof(struct array_header);
    return array;
}

static void add_element(struct pg_array *array, const void *bytes, size_t len)
{
    int32_t wire_len = (int32_t)htobe32((uint32_t)len);
    char *at = buf_reserve(&array->bytes, sizeof wire_len + len);

    assert(len <= INT_MAX);
    memcpy(at, &wire_len, sizeof wire_len);
    if (len)
        memcpy(at + sizeof wire_len, bytes, len);
    array->bytes.len += sizeof wire_len + len;
    array->count++;
}

void pg_array_uuid(struct pg_array *array, const struct uuid *value)
{
    assert(array->type == PG_UUID);
    add_element(array, value->bytes, sizeof value->bytes);
}

void pg_array_int64(struct pg_array *array, int64_t value)
{
    uint64_t wire = htobe64((uint64_t)value);

    assert(array->type == PG_INT8);
    add_element(array, &wire, sizeof wire);
}

void pg_array_int32(struct pg_array *array, int32_t value)
{
    uint32_t wire = htobe32((uint32_t)value);

    assert(array->type == PG_INT4);
    add_element(array, &wire, sizeof wire);
}

void pg_array_bool(struct pg_array *array, bool value)
{
    char wire = value;

    assert(array->type == PG_BOOL);
    add_element(array, &wire, sizeof wire);
}

void pg_array_text(struct pg_array *array, struct text value)
{
    assert(array->type == PG_TEXT || array->type == PG_BYTEA);
    if (value.ptr)
        add_element(array, value.ptr, value.len);
    else
        pg_array_null(array);
}

void pg_array_null(struct pg_array *array)
{
    static const int32_t null_len = -1;

    buf_add(&array->bytes, &null_len, sizeof null_len); /* all ones in either byte order */
    array->has_nulls = true;
    array->count++;
}

size_t pg_array_count(const struct pg_array *array)
{
    return array->count;
}

static void add_arg(struct pg_args *args, unsigned type, const void *value, size_t len)
{
    int at = args->count++;

    assert(at < PG_ARGS_MAX && len <= INT_MAX);
    args->types[at] = type;
    args->values[at] = value;
    args->lengths[at] = (int)len;
    args->formats[at] = 1;
}

/* As add_arg, with a copy of VALUE that lives as long as the call's arena. */
static void add_copy(struct pg_args *args, enum pg_type type, const void *value, size_t len)
{
    add_arg(args, type, memcpy(arena_alloc(args->arena, len), value, len), len);
}

void pg_arg_array(struct pg_args *args, struct pg_array *array)
{
    struct array_header header = {
        .dimensions = (int32_t)htobe32(array->count ? 1 : 0),
        .has_nulls = (int32_t)htobe32(array->has_nulls),
        .element_type = (int32_t)htobe32(array->type),
        .length = (int32_t)htobe32((uint32_t)array->count),
        .lower_bound = (int32_t)htobe32(1),
    };

    memcpy(array->bytes.ptr, &header, sizeof header);
    add_arg(args, types[type_index(array->type)].array_type, array->bytes.ptr,
            array->count ? array->bytes.len : EMPTY_HEADER);
}

void pg_arg_uuid(struct pg_args *args, const struct uuid *value)
{
    if (value)
        add_copy(args, PG_UUID, value->bytes, sizeof value->bytes);
    else
        add_arg(args, PG_UUID, NULL, 0);
}

void pg_arg_bool(struct pg_args *args, bool value)
{
    add_copy(args, PG_BOOL, &(char){ value }, 1);
}

void pg_arg_int64(struct pg_args *args, int64_t value)
{
    uint64_t wire = htobe64((uint64_t)value);

    add_copy(args, PG_INT8, &wire, sizeof wire);
}

void pg_arg_int32(struct pg_args *args, int32_t value)
{
    uint32_t wire = htobe32((uint32_t)value);

    add_copy(args, PG_INT4, &wire, sizeof wire);
}

void pg_arg_text(struct pg_args *args, struct text value)
{
    add_arg(args, PG_TEXT, value.ptr, value.len);
}
