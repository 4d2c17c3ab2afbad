/* compensation.c - orderctl compensation: charges that need an operator. SQL: sql/payment/functions.sql. */
#include "ctl/ctl.h"
#include "ctl/groups.h"
#include "ctl/table.h"

static struct {
    int64_t limit;
    bool all;
} options;

static const struct setting list_options[] = {
    { "--limit", SETTING_INT, offsetof(__typeof__(options), limit), "100", 1, 100000, "the most that are listed" },
};

static const struct setting retry_options[] = {
    { "--all", SETTING_BOOL, offsetof(__typeof__(options), all), "false", 0, 0, "of every order that list shows" },
};

static const struct column list_columns[] = {
    { "orderId", COLUMN_UUID }, { "state", COLUMN_TEXT }, { "currency", COLUMN_TEXT }, { "amountMinor", COLUMN_INT },
    { "callId", COLUMN_UUID },  { "call", COLUMN_TEXT },  { "error", COLUMN_TEXT },    { "gaveUpAt", COLUMN_TIME },
};

static enum ctl_exit compensation_list(const struct ctl *ctl)
{
    struct table table = TABLE_IN(ctl->arena, list_columns);
    struct pg_args args = PG_ARGS_IN(ctl->arena);
    struct fault fault = { 0 };
    PG_ROWS_SCOPE rows = { 0 };
    PG_SCOPE pg = ctl_database(ctl, "payment", &fault);

    pg_arg_int32(&args, (int32_t)options.limit);
    if (!pg || !pg_call(pg, "SELECT * FROM failed_compensations($1)", &args, &rows, &fault))
        return ctl_fail(&fault);
    table_rows(&table, &rows);
    table_show(&table, ctl->json, "no charge needs an operator");
    return rows.count > 0 ? CTL_NO : CTL_OK;
}

static enum ctl_exit compensation_retry(const struct ctl *ctl)
{
    struct pg_args args = PG_ARGS_IN(ctl->arena);
    struct pg_array *orders = pg_array_new(ctl->arena, PG_UUID, 1);
    struct buf line = BUF_IN(ctl->arena);
    struct fault fault = { 0 };
    struct uuid id;
    int32_t count;
    PG_ROWS_SCOPE rows = { 0 };
    PG_SCOPE pg = ctl_database(ctl, "payment", &fault);

    if (options.all == (ctl->argument_count > 0)) {
        fprintf(stderr, "orderctl: name an order or say --all, one of both\n");
        return CTL_USAGE;
    }
    if (!options.all) {
        if (!ctl_argument_uuid(ctl, 0, "an order id", &id))
            return CTL_USAGE;
        pg_array_uuid(orders, &id);
    }
    pg_arg_array(&args, orders);
    if (!pg || !pg_call(pg, "SELECT retry_compensations($1)", &args, &rows, &fault))
        return ctl_fail(&fault);
    count = pg_int32(&rows, 0, 0);
    buf_printf(&line, ctl->json ? "{\"retried\":%d}" : "calls made again: %d", count);
    print_line(&line);
    return count > 0 ? CTL_OK : CTL_NO;
}

static const struct command commands[] = {
    {
        .name = "list",
        .arguments = "",
        .summary = "charges nobody knows the outcome of, and money that could not be given back",
        .details =
            "state is `stalled` where asking the payment provider for the outcome of a charge was given up, and "
            "`compensation_failed` where a cancelled order's money may still be here. call and error are the last call "
            "that was made. The exit code is 1 where there are any.",
        .examples = "orderctl compensation list\norderctl compensation list --limit 10 --json\n",
        .options = list_options,
        .option_count = ARRAY_LEN(list_options),
        .into = &options,
        .run = compensation_list,
    },
    {
        .name = "retry",
        .arguments = "[ORDER-ID]",
        .arguments_max = 1,
        .summary = "has worker-payment make the calls again that were given up",
        .details =
            "Under the same idempotency key, so that nothing is charged or given back twice. The exit code is 1 where "
            "there was nothing to make again.",
        .examples = "orderctl compensation retry 019d47a1-f4c6-7b01-9d5e-3c1f0a7e6b52\norderctl compensation retry --all\n",
        .options = retry_options,
        .option_count = ARRAY_LEN(retry_options),
        .into = &options,
        .run = compensation_retry,
    },
};

const struct group compensation_group = { "compensation", "charges that need an operator", commands, ARRAY_LEN(commands) };
