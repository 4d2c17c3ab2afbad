/* inventory_allocate.h - orders' lines against the stock of one batch: all lines of an order or none, no more than there is.
 */
#pragma once

#include "workers/runtime/fields.h"

/* What is free to reserve of one SKU. */
struct shelf {
    struct text sku;
    int64_t on_hand_milli;
};

/* The batch's SKUs in ascending byte order, as its orders so far have left them. */
struct stock {
    struct shelf *shelves;
    size_t count;
};

enum allocation {
    ALLOCATION_DONE,
    ALLOCATION_UNKNOWN_SKU,
    ALLOCATION_OUT_OF_STOCK,
};

/* The word in events: "unknown_sku", "out_of_stock". Pure. */
const char *allocation_reason(enum allocation allocation);

/* LINES with one line a SKU, in ascending byte order: those that repeat a SKU add up, at most to INT64_MAX, which is more
 * than any shelf holds. */
struct lines lines_fold(const struct lines *lines, struct arena *arena);

/* Takes folded LINES off the shelves; where one can't be had, takes nothing and names it in *SKU. */
enum allocation stock_take(struct stock *stock, const struct lines *lines, struct text *sku);

/* Puts back what stock_take took, in this batch or an earlier one. */
void stock_put_back(struct stock *stock, const struct lines *lines);
