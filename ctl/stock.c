/* stock.c - orderctl stock: what there is of each SKU. SQL: sql/inventory/functions.sql. */
#include "ctl/ctl.h"
#include "ctl/groups.h"
#include "ctl/table.h"
#include "model/decimal.h"

#include <errno.h>
#include <stdlib.h>

enum {
    DECIMALS = 3, /* pieces are counted in thousandths */
    SKU_MAX = 64,
    LINE_LEN_MAX = 256,
    LINES_MAX = 100000,
    SHOW_MAX = 100000,
};
static const int64_t quantity_max = 1000000000000000000; /* of the table: 10^15 pieces */

static const struct column show_columns[] = {
    { "sku", COLUMN_TEXT },
    { "onHand", COLUMN_NUMBER },
    { "reserved", COLUMN_NUMBER },
    { "shipped", COLUMN_NUMBER },
};

static const struct column set_columns[] = {
    { "sku", COLUMN_TEXT },
    { "onHandBefore", COLUMN_NUMBER },
    { "onHand", COLUMN_NUMBER },
};

/* Adds ROWS of a SKU and quantities. */
static void add_rows(struct table *table, const struct pg_rows *rows)
{
    for (int row = 0; row < rows->count; row++) {
        table_text(table, arena_copy(table->arena, pg_text(rows, row, 0)));
        for (size_t column = 1; column < table->width; column++) {
            struct buf number = BUF_IN(table->arena);

            decimal_append_short(&number, pg_int64(rows, row, (int)column), DECIMALS);
            table_text(table, buf_view(&number));
        }
    }
}

static enum ctl_exit stock_show(const struct ctl *ctl)
{
    struct table table = TABLE_IN(ctl->arena, show_columns);
    struct pg_args args = PG_ARGS_IN(ctl->arena);
    struct fault fault = { 0 };
    PG_ROWS_SCOPE rows = { 0 };
    PG_SCOPE pg = ctl_database(ctl, "inventory", &fault);

    pg_arg_text(&args, ctl->argument_count > 0 ? text_of(ctl->arguments[0]) : (struct text){ 0 });
    pg_arg_int32(&args, SHOW_MAX);
    if (!pg || !pg_call(pg, "SELECT * FROM show_stock($1, $2)", &args, &rows, &fault))
        return ctl_fail(&fault);
    add_rows(&table, &rows);
    table_show(&table, ctl->json, "there is no such stock");
    return rows.count > 0 ? CTL_OK : CTL_NO;
}

/* ---- setting ---- */

struct wanted {
    struct text sku;
    int64_t on_hand;
};

/* WHERE is "" or "file:line: ". */
static bool read_wanted(const char *where, struct text sku, struct text quantity, struct wanted *wanted)
{
    wanted->sku = sku;
    for (size_t i = 0; i < sku.len; i++)
        if (sku.ptr[i] < '!' || sku.ptr[i] > '~')
            sku.len = 0;
    if (sku.len == 0 || sku.len > SKU_MAX) {
        fprintf(stderr, "orderctl: %sa SKU has 1 to %d visible ASCII characters\n", where, (int)SKU_MAX);
        return false;
    }
    if (decimal_parse(quantity, DECIMALS, &wanted->on_hand) == DECIMAL_OK && wanted->on_hand >= 0 &&
        wanted->on_hand <= quantity_max)
        return true;
    fprintf(stderr, "orderctl: %s%.*s: a quantity is a number from 0 to 10^15 with up to %d decimals\n", where,
            TEXT_FMT(quantity), (int)DECIMALS);
    return false;
}

static int by_sku(const void *left, const void *right)
{
    const struct wanted *a = left, *b = right;
    size_t shorter = a->sku.len < b->sku.len ? a->sku.len : b->sku.len;
    int order = memcmp(a->sku.ptr, b->sku.ptr, shorter);

    return order ? order : (a->sku.len > b->sku.len) - (a->sku.len < b->sku.len);
}

static bool names_one_twice(struct wanted *wanted, size_t count)
{
    qsort(wanted, count, sizeof *wanted, by_sku);
    for (size_t i = 1; i < count; i++) {
        if (by_sku(&wanted[i - 1], &wanted[i]) == 0) {
            fprintf(stderr, "orderctl: %.*s is there twice\n", TEXT_FMT(wanted[i].sku));
            return true;
        }
    }
    return false;
}

static enum ctl_exit set_stock(const struct ctl *ctl, const struct wanted *wanted, size_t count)
{
    struct table table = TABLE_IN(ctl->arena, set_columns);
    struct pg_args args = PG_ARGS_IN(ctl->arena);
    struct pg_array *skus = pg_array_new(ctl->arena, PG_TEXT, count);
    struct pg_array *quantities = pg_array_new(ctl->arena, PG_INT8, count);
    struct fault fault = { 0 };
    PG_ROWS_SCOPE rows = { 0 };
    PG_SCOPE pg = ctl_database(ctl, "inventory", &fault);

    for (size_t i = 0; i < count; i++) {
        pg_array_text(skus, wanted[i].sku);
        pg_array_int64(quantities, wanted[i].on_hand);
    }
    pg_arg_array(&args, skus);
    pg_arg_array(&args, quantities);
    if (!pg || !pg_call(pg, "SELECT * FROM set_stock($1, $2)", &args, &rows, &fault))
        return ctl_fail(&fault);
    add_rows(&table, &rows);
    table_show(&table, ctl->json, "");
    return CTL_OK;
}

static enum ctl_exit stock_set(const struct ctl *ctl)
{
    struct wanted wanted;

    if (!read_wanted("", text_of(ctl->arguments[0]), text_of(ctl->arguments[1]), &wanted))
        return CTL_USAGE;
    return set_stock(ctl, &wanted, 1);
}

/* Reads "sku,quantity" lines; false after a line on stderr. Nothing is set where one line is wrong. */
static bool read_file(const struct ctl *ctl, FILE *file, struct wanted *wanted, size_t *count)
{
    const char *name = ctl->arguments[0];
    char line[LINE_LEN_MAX + 2];

    for (int number = 1; fgets(line, sizeof line, file); number++) {
        const char *where = arena_printf(ctl->arena, "%s:%d: ", name, number).ptr;
        struct text all = { line, strcspn(line, "\r\n") };
        const char *comma = memchr(line, ',', all.len);

        if (all.len == 0 || line[0] == '#')
            continue;
        if (strlen(line) > LINE_LEN_MAX || !comma || *count == LINES_MAX) {
            fprintf(stderr, "orderctl: %swrite sku,quantity on each line, %d lines at the most\n", where, (int)LINES_MAX);
            return false;
        }
        all = arena_copy(ctl->arena, all);
        comma = memchr(all.ptr, ',', all.len);
        if (!read_wanted(where, (struct text){ all.ptr, (size_t)(comma - all.ptr) },
                         (struct text){ comma + 1, all.len - (size_t)(comma + 1 - all.ptr) }, &wanted[*count]))
            return false;
        (*count)++;
    }
    return true;
}

static enum ctl_exit stock_import(const struct ctl *ctl)
{
    const char *name = ctl->arguments[0];
    FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    struct wanted *wanted = arena_array(ctl->arena, LINES_MAX, sizeof *wanted);
    size_t count = 0;
    bool read;

    if (!file) {
        fprintf(stderr, "orderctl: %s: %s\n", name, strerrordesc_np(errno));
        return CTL_USAGE;
    }
    read = read_file(ctl, file, wanted, &count);
    if (file != stdin)
        (void)fclose(file);
    if (!read || names_one_twice(wanted, count))
        return CTL_USAGE;
    return set_stock(ctl, wanted, count);
}

static const struct command commands[] = {
    {
        .name = "show",
        .arguments = "[SKU]",
        .arguments_max = 1,
        .summary = "what there is of a SKU, or of all",
        .details = "onHand is free to reserve. onHand, reserved and shipped together are what was received.",
        .examples = "orderctl stock show SKU-1\norderctl stock show --json\n",
        .run = stock_show,
    },
    {
        .name = "set",
        .arguments = "SKU QUANTITY",
        .arguments_min = 2,
        .arguments_max = 2,
        .summary = "sets what is free to reserve of a SKU, new or known",
        .details =
            "The difference is booked as received, so that the ledger and the stock agree. What orders have reserved is "
            "not touched.",
        .examples = "orderctl stock set SKU-1 250\norderctl stock set CLOTH-BLUE 12.5\n",
        .run = stock_set,
    },
    {
        .name = "import",
        .arguments = "FILE",
        .arguments_min = 1,
        .arguments_max = 1,
        .summary = "sets many: lines of sku,quantity; - is standard input",
        .details = "All of them in one transaction, or none. Empty lines and those that begin with # are passed over.",
        .examples = "orderctl stock import counted.csv\n",
        .run = stock_import,
    },
};

const struct group stock_group = { "stock", "what there is of each SKU", commands, ARRAY_LEN(commands) };
