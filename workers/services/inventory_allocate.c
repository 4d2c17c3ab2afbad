/* inventory_allocate.c - lines against shelves. */
#include "workers/services/inventory_allocate.h"

#include <stdlib.h>

/* By bytes, as PostgreSQL compares under COLLATE "C". */
static int compare_skus(struct text a, struct text b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_lines(const void *a, const void *b)
{
    return compare_skus(((const struct line *)a)->sku, ((const struct line *)b)->sku);
}

static int compare_shelf(const void *sku, const void *shelf)
{
    return compare_skus(*(const struct text *)sku, ((const struct shelf *)shelf)->sku);
}

static struct shelf *shelf_find(const struct stock *stock, struct text sku)
{
    if (stock->count == 0)
        return NULL;
    return bsearch(&sku, stock->shelves, stock->count, sizeof *stock->shelves, compare_shelf);
}

const char *allocation_reason(enum allocation allocation)
{
    return allocation == ALLOCATION_UNKNOWN_SKU ? "unknown_sku" : "out_of_stock";
}

struct lines lines_fold(const struct lines *lines, struct arena *arena)
{
    struct lines folded = { .at = arena_array(arena, lines->count, sizeof *lines->at) };
    struct line *sorted = arena_array(arena, lines->count, sizeof *sorted);

    memcpy(sorted, lines->at, lines->count * sizeof *sorted);
    qsort(sorted, lines->count, sizeof *sorted, compare_lines);
    for (size_t i = 0; i < lines->count; i++) {
        struct line *last = folded.count > 0 ? &folded.at[folded.count - 1] : NULL;

        if (!last || !text_equal(last->sku, sorted[i].sku))
            folded.at[folded.count++] = sorted[i];
        else if (__builtin_add_overflow(last->quantity_milli, sorted[i].quantity_milli, &last->quantity_milli))
            last->quantity_milli = INT64_MAX;
    }
    return folded;
}

enum allocation stock_take(struct stock *stock, const struct lines *lines, struct text *sku)
{
    for (size_t i = 0; i < lines->count; i++) {
        const struct line *line = &lines->at[i];
        const struct shelf *shelf = shelf_find(stock, line->sku);

        if (!shelf || shelf->on_hand_milli < line->quantity_milli) {
            *sku = line->sku;
            return shelf ? ALLOCATION_OUT_OF_STOCK : ALLOCATION_UNKNOWN_SKU;
        }
    }
    for (size_t i = 0; i < lines->count; i++)
        shelf_find(stock, lines->at[i].sku)->on_hand_milli -= lines->at[i].quantity_milli;
    return ALLOCATION_DONE;
}

void stock_put_back(struct stock *stock, const struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        struct shelf *shelf = shelf_find(stock, lines->at[i].sku);

        if (shelf) /* a row that went away fails the batch when it is saved */
            shelf->on_hand_milli += lines->at[i].quantity_milli;
    }
}
