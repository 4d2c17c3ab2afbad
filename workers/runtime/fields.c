/* fields.c - payloads by field table. */
#include "workers/runtime/fields.h"
#include "model/decimal.h"
#include "model/money.h"
#include "model/order.h"

#include <ctype.h>

static bool is_blank(struct text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!isspace((unsigned char)text.ptr[i]))
            return false;
    return true;
}

static bool read_int64(const struct json_doc *doc, const struct json_node *node, int decimals, int64_t *value)
{
    struct text token = json_number(doc, node);

    return token.ptr && decimal_parse(token, decimals, value) == DECIMAL_OK;
}

static bool read_text(const struct json_node *node, struct arena *arena, struct text *value)
{
    struct text text = json_string(node);

    if (!text.ptr || is_blank(text))
        return false;
    *value = arena_copy(arena, text);
    return true;
}

static bool read_currency(const struct json_node *node, char value[static 4])
{
    struct text code = json_string(node);

    if (currency_decimals(code) < 0)
        return false;
    memcpy(value, code.ptr, 3);
    value[3] = '\0';
    return true;
}

static bool read_line(const struct json_doc *doc, const struct json_node *node, struct arena *arena, struct line *line)
{
    return read_text(json_get(node, "sku"), arena, &line->sku) &&
           read_int64(doc, json_get(node, "quantity"), QUANTITY_DECIMALS, &line->quantity_milli) && line->quantity_milli > 0;
}

static bool read_lines(const struct json_doc *doc, const struct json_node *array, struct arena *arena, struct lines *lines)
{
    size_t count = 0;

    if (!array || json_kind(array) != JSON_ARRAY)
        return false;
    for (const struct json_node *node = json_first(array); node; node = json_next(node))
        count++;
    if (count == 0 || count > ORDER_LINES_MAX)
        return false;

    *lines = (struct lines){ .at = arena_array(arena, count, sizeof *lines->at) };
    for (const struct json_node *node = json_first(array); node; node = json_next(node))
        if (!read_line(doc, node, arena, &lines->at[lines->count++]))
            return false;
    return true;
}

static const char lines_expected[] = "1 to 200 lines of a sku and a quantity above 0";

/* NULL, or what NODE should have been. */
static const char *read_field(const struct json_doc *doc, const struct json_node *node, struct arena *arena,
                              enum field_kind kind, void *value)
{
    switch (kind) {
    case FIELD_UUID:
        return json_uuid(node, value) ? NULL : "a UUID";
    case FIELD_TEXT:
        return read_text(node, arena, value) ? NULL : "text that is not blank";
    case FIELD_INT64:
        return read_int64(doc, node, 0, value) ? NULL : "a 64-bit integer";
    case FIELD_CURRENCY:
        return read_currency(node, value) ? NULL : "an ISO 4217 code";
    case FIELD_LINES:
        return read_lines(doc, node, arena, value) ? NULL : lines_expected;
    }
    return "of a known kind";
}

bool work_read(struct work *work, struct arena *arena, const struct field *fields, size_t count, void *into)
{
    for (size_t i = 0; i < count; i++) {
        const struct field *field = &fields[i];
        const struct json_node *node = json_get(work->doc->root, field->name);
        const char *expected;

        if (!node && field->optional)
            continue;
        expected = read_field(work->doc, node, arena, field->kind, (char *)into + field->offset);
        if (expected) {
            work_reject(work, "member %s has to be %s", field->name, expected);
            return false;
        }
    }
    return true;
}

bool lines_read(struct text json, struct arena *arena, struct lines *lines, struct fault *fault)
{
    JSON_SCOPE doc = { 0 };

    if (!json_parse(json, arena, &doc, fault))
        return false;
    if (!read_lines(&doc, doc.root, arena, lines))
        return fault_set(fault, FAULT_INVALID, "lines", "the order's lines have to be %s", lines_expected);
    return true;
}

void lines_append(struct buf *buf, const struct lines *lines)
{
    buf_char(buf, '[');
    for (size_t i = 0; i < lines->count; i++) {
        buf_str(buf, i > 0 ? ",{\"sku\":" : "{\"sku\":");
        buf_json_string(buf, lines->at[i].sku);
        buf_str(buf, ",\"quantity\":");
        decimal_append_short(buf, lines->at[i].quantity_milli, QUANTITY_DECIMALS);
        buf_char(buf, '}');
    }
    buf_char(buf, ']');
}
