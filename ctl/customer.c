/* customer.c - orderctl customer: what is kept of a person, and forgetting it. SQL: sql/ops/customers.sql. */
#include "ctl/ctl.h"
#include "ctl/groups.h"
#include "ctl/table.h"

#define EXAMPLE_ID "67993c38-8059-4d8b-8567-1542560584ee"

static struct {
    bool yes;
} options;

static const struct setting erase_options[] = {
    { "--yes", SETTING_BOOL, offsetof(__typeof__(options), yes), "false", 0, 0,
      "do it; without, only the counts are shown" },
};

static const struct column count_columns[] = {
    { "what", COLUMN_TEXT },
    { "count", COLUMN_INT },
};

static enum ctl_exit customer_export(const struct ctl *ctl)
{
    struct pg_args args = PG_ARGS_IN(ctl->arena);
    struct buf out = BUF_IN(ctl->arena);
    struct fault fault = { 0 };
    struct uuid id;
    PG_ROWS_SCOPE rows = { 0 };
    PG_SCOPE pg = ctl_database(ctl, "ops", &fault);

    if (!ctl_argument_uuid(ctl, 0, "a customer id", &id))
        return CTL_USAGE;
    pg_arg_uuid(&args, &id);
    if (!pg || !pg_call(pg, "SELECT customer_export($1)", &args, &rows, &fault))
        return ctl_fail(&fault);
    if (pg_is_null(&rows, 0, 0)) {
        fault_set(&fault, FAULT_NOT_FOUND, "no_customer", "nothing is kept of customer %s", ctl->arguments[0]);
        return ctl_fail(&fault);
    }
    buf_text(&out, pg_text(&rows, 0, 0));
    print_line(&out);
    return CTL_OK;
}

static enum ctl_exit customer_erase(const struct ctl *ctl)
{
    struct table table = TABLE_IN(ctl->arena, count_columns);
    struct pg_args args = PG_ARGS_IN(ctl->arena);
    struct fault fault = { 0 };
    struct uuid id;
    int64_t under_way;
    PG_ROWS_SCOPE rows = { 0 };
    PG_SCOPE pg = ctl_database(ctl, "ops", &fault);

    if (!ctl_argument_uuid(ctl, 0, "a customer id", &id))
        return CTL_USAGE;
    pg_arg_uuid(&args, &id);
    pg_arg_bool(&args, options.yes);
    if (!pg || !pg_call(pg, "SELECT * FROM customer_erase($1, $2)", &args, &rows, &fault))
        return ctl_fail(&fault);
    table_rows(&table, &rows);
    table_show(&table, ctl->json, "");
    under_way = pg_int64(&rows, 0, 1);
    if (under_way > 0) {
        fprintf(stderr, "orderctl: nothing was erased: orders are under way; wait until they end, or cancel them\n");
        return CTL_NO;
    }
    if (!options.yes)
        fprintf(stderr, "orderctl: nothing was erased yet: say --yes\n");
    return CTL_OK;
}

static const struct command commands[] = {
    {
        .name = "export",
        .arguments = "CUSTOMER-ID",
        .arguments_min = 1,
        .arguments_max = 1,
        .summary = "everything that is kept of a customer, as one JSON value",
        .details =
            "Orders with items, address and timeline, what each service holds of them, and the address of mails. Events "
            "in Kafka's topics repeat parts of it for as long as these keep them (TOPIC_RETENTION_HOURS).",
        .examples = "orderctl customer export " EXAMPLE_ID " >customer.json\n",
        .run = customer_export,
    },
    {
        .name = "erase",
        .arguments = "CUSTOMER-ID",
        .arguments_min = 1,
        .arguments_max = 1,
        .summary = "forgets who a customer is; what was ordered and paid stays",
        .details =
            "The address of mails goes, and mails that wait are not sent. In every order, and in events, calls and dead "
            "letters that wait, the customer becomes the order's own id, and of the shipping address the country is "
            "left. Amounts, items and ledgers stay. Nothing is done while one of the orders is under way, for its "
            "address is needed. Kafka's topics keep what they have until their retention ends, and backups as long as "
            "you keep them.",
        .examples = "orderctl customer erase " EXAMPLE_ID "\norderctl customer erase " EXAMPLE_ID " --yes\n",
        .options = erase_options,
        .option_count = ARRAY_LEN(erase_options),
        .into = &options,
        .run = customer_erase,
    },
};

const struct group customer_group = { "customer", "what is kept of a person", commands, ARRAY_LEN(commands) };
