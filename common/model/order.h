/* order.h - a customer's order as accepted: values checked one by one by the reader, totals computed here. */
#pragma once

#include "base/buf.h"
#include "base/uuid.h"

enum {
    ORDER_LINES_MAX = 200,
    ORDER_SKU_MAX = 64,      /* characters, all visible ASCII */
    ORDER_ADDRESS_MAX = 256, /* Unicode characters a member */
    ORDER_BODY_MAX = 65536,  /* bytes of a request */
};

struct order_line {
    struct text sku;
    int64_t quantity_milli; /* > 0 */
    int64_t unit_price_minor;
};

/* Absent optional members have ptr NULL. Text is as the client sent it, unescaped, valid UTF-8. */
struct address {
    struct text country, city, line1;
    struct text line2, postal_code, region; /* optional */
};

/* Slices and lines belong to the arena of the request. */
struct order {
    struct uuid id; /* version 7: createdAt is its millisecond */
    struct uuid customer_id;
    char currency[4];
    int currency_decimals;
    size_t line_count;
    struct order_line *lines;
    struct address address;
    int64_t total_minor;
};

/* Sets total_minor from the lines. False on overflow: *LINE is the index of the line at which it happened. Pure. */
MUST_CHECK bool order_total(struct order *order, size_t *line);

/* The canonical JSON array of lines, [{"sku":..,"quantity":14.5,"unitPrice":25.00},..]: stored and returned as it is. */
void order_append_items(struct buf *buf, const struct order *order);

/* The canonical JSON object of the address, members in fixed order, absent ones left out. */
void order_append_address(struct buf *buf, const struct order *order);

/* Lines for events, [{"sku":..,"quantity":14.5},..]: what the stages behind the API need and no more. */
void order_append_event_lines(struct buf *buf, const struct order *order);
