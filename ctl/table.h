/* table.h - what commands print: rows and columns for people, or the same as JSON. */
#pragma once

#include "base/buf.h"
#include "io/pg.h"
#include <stdio.h>

enum column_kind {
    COLUMN_TEXT,
    COLUMN_INT,    /* int64_t */
    COLUMN_NUMBER, /* digits as they are: a decimal */
    COLUMN_TIME,   /* unix milliseconds */
    COLUMN_UUID,
    COLUMN_BOOL,
    COLUMN_JSON, /* text that is JSON already */
};

struct column {
    const char *name; /* the member's name in JSON, and the heading */
    enum column_kind kind;
};

/* Cells row by row; a cell with ptr NULL is empty, in JSON null. Memory of the arena. */
struct table {
    struct arena *arena;
    const struct column *columns;
    size_t width, count, cap; /* columns; cells, used and allocated */
    struct text *cells;
};

#define TABLE_IN(arena_ptr, columns_array)                                                                                  \
    ((struct table){ .arena = (arena_ptr), .columns = (columns_array), .width = ARRAY_LEN(columns_array) })

/* The next cell, left to right and top down; of the kind of its column, which nobody checks but the reader. */
void table_text(struct table *table, struct text value); /* also NUMBER and JSON; not copied */
void table_int(struct table *table, int64_t value);
void table_time(struct table *table, int64_t unix_ms);
void table_uuid(struct table *table, const struct uuid *value);
void table_bool(struct table *table, bool value);
void table_null(struct table *table);

/* Adds ROWS, whose columns are those of the table: text, bigint (INT, TIME), uuid, boolean. Copies. */
void table_rows(struct table *table, const struct pg_rows *rows);

/* For people: aligned, with a heading; control characters, which could steer a terminal, are shown as "?". EMPTY is the line
 * for no rows. */
void table_print(const struct table *table, const char *empty, FILE *out);

/* For people: one line a cell of the first row, "name  value". */
void table_print_fields(const struct table *table, FILE *out);

/* [{"name": value, ...}, ...] and the first row alone as an object. */
void table_json(const struct table *table, struct buf *out);
void table_json_row(const struct table *table, size_t row, struct buf *out);

/* The table, and its first row alone, on stdout: as JSON or for people. */
void table_show(const struct table *table, bool json, const char *empty);
void table_show_fields(const struct table *table, bool json);

/* One line of bytes on stdout. */
void print_line(const struct buf *line);
