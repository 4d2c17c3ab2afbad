#include "ctl/table.h"
#include "base/clock.h"
#include <inttypes.h>

static void add(struct table *table, struct text cell)
{
    if (table->count == table->cap) {
        size_t cap = table->cap ? table->cap * 2 : 64;
        struct text *cells = arena_array(table->arena, cap, sizeof *cells);

        if (table->count)
            memcpy(cells, table->cells, table->count * sizeof *cells);
        table->cells = cells;
        table->cap = cap;
    }
    table->cells[table->count++] = cell;
}

void table_text(struct table *table, struct text value)
{
    add(table, value);
}

void table_int(struct table *table, int64_t value)
{
    add(table, arena_printf(table->arena, "%" PRId64, value));
}

void table_time(struct table *table, int64_t unix_ms)
{
    char text[CLOCK_RFC3339_LEN + 1];

    clock_rfc3339(unix_ms, text);
    add(table, arena_copy(table->arena, text_of(text)));
}

void table_uuid(struct table *table, const struct uuid *value)
{
    char text[UUID_TEXT_LEN + 1];

    uuid_format(value, text);
    add(table, arena_copy(table->arena, text_of(text)));
}

void table_bool(struct table *table, bool value)
{
    add(table, value ? TEXT("true") : TEXT("false"));
}

void table_null(struct table *table)
{
    add(table, (struct text){ 0 });
}

static void add_value(struct table *table, enum column_kind kind, const struct pg_rows *rows, int row, int column)
{
    struct uuid id;

    switch (kind) {
    case COLUMN_TEXT:
    case COLUMN_NUMBER:
    case COLUMN_JSON:
        table_text(table, arena_copy(table->arena, pg_text(rows, row, column)));
        return;
    case COLUMN_INT:
        table_int(table, pg_int64(rows, row, column));
        return;
    case COLUMN_TIME:
        table_time(table, pg_int64(rows, row, column));
        return;
    case COLUMN_UUID:
        id = pg_uuid(rows, row, column);
        table_uuid(table, &id);
        return;
    case COLUMN_BOOL:
        table_bool(table, pg_bool(rows, row, column));
        return;
    }
}

void table_rows(struct table *table, const struct pg_rows *rows)
{
    for (int row = 0; row < rows->count; row++) {
        for (size_t i = 0; i < table->width; i++) {
            if (pg_is_null(rows, row, (int)i))
                table_null(table);
            else
                add_value(table, table->columns[i].kind, rows, row, (int)i);
        }
    }
}

/* ---- for people ---- */

/* Characters of UTF-8: bytes that do not continue one. */
static size_t characters(struct text text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
    return count;
}

static struct text shown(const struct table *table, size_t cell)
{
    return table->cells[cell].ptr ? table->cells[cell] : TEXT("-");
}

static void put(struct text text, FILE *out)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        fputc(c < 0x20 || c == 0x7F ? '?' : c, out);
    }
}

static void put_padded(struct text text, size_t width, bool right, FILE *out)
{
    size_t used = characters(text);
    int pad = width > used ? (int)(width - used) : 0;

    if (right)
        fprintf(out, "%*s", pad, "");
    put(text, out);
    if (!right)
        fprintf(out, "%*s", pad, "");
}

static bool is_right(enum column_kind kind)
{
    return kind == COLUMN_INT || kind == COLUMN_NUMBER;
}

void table_print(const struct table *table, const char *empty, FILE *out)
{
    size_t *widths = arena_array(table->arena, table->width, sizeof *widths);

    if (table->count == 0) {
        fprintf(out, "%s\n", empty);
        return;
    }
    for (size_t i = 0; i < table->width; i++)
        widths[i] = strlen(table->columns[i].name);
    for (size_t cell = 0; cell < table->count; cell += table->width) {
        for (size_t i = 0; i < table->width; i++) {
            size_t needs = characters(shown(table, cell + i));

            if (needs > widths[i])
                widths[i] = needs;
        }
    }
    if (!is_right(table->columns[table->width - 1].kind))
        widths[table->width - 1] = 0; /* nothing stands behind it */
    for (size_t i = 0; i < table->width; i++) {
        put_padded(text_of(table->columns[i].name), widths[i], is_right(table->columns[i].kind), out);
        fputs(i + 1 < table->width ? "  " : "\n", out);
    }
    for (size_t cell = 0; cell < table->count; cell += table->width) {
        for (size_t i = 0; i < table->width; i++) {
            put_padded(shown(table, cell + i), widths[i], is_right(table->columns[i].kind), out);
            fputs(i + 1 < table->width ? "  " : "\n", out);
        }
    }
}

void table_print_fields(const struct table *table, FILE *out)
{
    size_t width = 0;

    for (size_t i = 0; i < table->width; i++)
        if (strlen(table->columns[i].name) > width)
            width = strlen(table->columns[i].name);
    for (size_t i = 0; i < table->width; i++) {
        fprintf(out, "%-*s  ", (int)width, table->columns[i].name);
        put(shown(table, i), out);
        fputc('\n', out);
    }
}

/* ---- for programs ---- */

static void json_cell(struct text value, enum column_kind kind, struct buf *out)
{
    if (!value.ptr) {
        buf_str(out, "null");
        return;
    }
    switch (kind) {
    case COLUMN_TEXT:
    case COLUMN_TIME:
    case COLUMN_UUID:
        buf_json_string(out, value);
        return;
    case COLUMN_INT:
    case COLUMN_NUMBER:
    case COLUMN_BOOL:
    case COLUMN_JSON:
        buf_text(out, value);
        return;
    }
}

void table_json_row(const struct table *table, size_t row, struct buf *out)
{
    for (size_t i = 0; i < table->width; i++) {
        buf_char(out, i == 0 ? '{' : ',');
        buf_json_string(out, text_of(table->columns[i].name));
        buf_char(out, ':');
        json_cell(table->cells[row * table->width + i], table->columns[i].kind, out);
    }
    buf_char(out, '}');
}

void table_json(const struct table *table, struct buf *out)
{
    buf_char(out, '[');
    for (size_t row = 0; row * table->width < table->count; row++) {
        if (row > 0)
            buf_char(out, ',');
        table_json_row(table, row, out);
    }
    buf_char(out, ']');
}

void print_line(const struct buf *line)
{
    fwrite(line->ptr, 1, line->len, stdout);
    fputc('\n', stdout);
}

void table_show(const struct table *table, bool json, const char *empty)
{
    struct buf out = BUF_IN(table->arena);

    if (!json) {
        table_print(table, empty, stdout);
        return;
    }
    table_json(table, &out);
    print_line(&out);
}

void table_show_fields(const struct table *table, bool json)
{
    struct buf out = BUF_IN(table->arena);

    if (!json) {
        table_print_fields(table, stdout);
        return;
    }
    table_json_row(table, 0, &out);
    print_line(&out);
}
