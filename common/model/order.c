#include "model/order.h"
#include "model/decimal.h"
#include "model/money.h"

bool order_total(struct order *order, size_t *line)
{
    int64_t total = 0, of_line;

    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *at = &order->lines[i];

        if (!money_line_total(at->quantity_milli, at->unit_price_minor, &of_line) || !money_add(&total, of_line)) {
            *line = i;
            return false;
        }
    }
    order->total_minor = total;
    return true;
}

static void append_sku_and_quantity(struct buf *buf, const struct order_line *line)
{
    buf_str(buf, "{\"sku\":");
    buf_json_string(buf, line->sku);
    buf_str(buf, ",\"quantity\":");
    decimal_append_short(buf, line->quantity_milli, QUANTITY_DECIMALS);
}

void order_append_items(struct buf *buf, const struct order *order)
{
    buf_char(buf, '[');
    for (size_t i = 0; i < order->line_count; i++) {
        if (i > 0)
            buf_char(buf, ',');
        append_sku_and_quantity(buf, &order->lines[i]);
        buf_str(buf, ",\"unitPrice\":");
        decimal_append(buf, order->lines[i].unit_price_minor, order->currency_decimals);
        buf_char(buf, '}');
    }
    buf_char(buf, ']');
}

void order_append_event_lines(struct buf *buf, const struct order *order)
{
    buf_char(buf, '[');
    for (size_t i = 0; i < order->line_count; i++) {
        if (i > 0)
            buf_char(buf, ',');
        append_sku_and_quantity(buf, &order->lines[i]);
        buf_char(buf, '}');
    }
    buf_char(buf, ']');
}

void order_append_address(struct buf *buf, const struct order *order)
{
    const struct address *address = &order->address;
    const struct {
        const char *name;
        struct text value;
    } members[] = {
        { "country", address->country },        { "city", address->city },
        { "addressLine1", address->line1 },     { "addressLine2", address->line2 },
        { "postalCode", address->postal_code }, { "region", address->region },
    };
    char separator = '{';

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (!members[i].value.ptr)
            continue;
        buf_char(buf, separator);
        buf_char(buf, '"');
        buf_str(buf, members[i].name);
        buf_str(buf, "\":");
        buf_json_string(buf, members[i].value);
        separator = ',';
    }
    buf_char(buf, '}'); /* country, city and addressLine1 are always there */
}
