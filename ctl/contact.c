/* contact.c - orderctl contact: where customers get their mails. SQL: sql/notification/functions.sql. */
#include "ctl/ctl.h"
#include "ctl/groups.h"
#include "ctl/table.h"
#include "model/email.h"

#define EXAMPLE_ID "67993c38-8059-4d8b-8567-1542560584ee"

static const struct column contact_columns[] = {
    { "customerId", COLUMN_UUID },
    { "email", COLUMN_TEXT },
    { "setAt", COLUMN_TIME },
};

static enum ctl_exit no_contact(const struct ctl *ctl)
{
    struct fault fault;

    fault_set(&fault, FAULT_NOT_FOUND, "no_contact", "no address is known of customer %s", ctl->arguments[0]);
    return ctl_fail(&fault);
}

static enum ctl_exit contact_set(const struct ctl *ctl)
{
    struct pg_args args = PG_ARGS_IN(ctl->arena);
    struct text email = text_of(ctl->arguments[1]);
    struct fault fault = { 0 };
    struct uuid id;
    PG_SCOPE pg = ctl_database(ctl, "notification", &fault);

    if (!ctl_argument_uuid(ctl, 0, "a customer id", &id))
        return CTL_USAGE;
    if (!email_check(email, &fault)) {
        (void)ctl_fail(&fault);
        return CTL_USAGE;
    }
    pg_arg_uuid(&args, &id);
    pg_arg_text(&args, email);
    if (!pg || !pg_call(pg, "SELECT set_contact($1, $2)", &args, NULL, &fault))
        return ctl_fail(&fault);
    return CTL_OK;
}

static enum ctl_exit contact_show(const struct ctl *ctl)
{
    struct table table = TABLE_IN(ctl->arena, contact_columns);
    struct pg_args args = PG_ARGS_IN(ctl->arena);
    struct fault fault = { 0 };
    struct uuid id;
    PG_ROWS_SCOPE rows = { 0 };
    PG_SCOPE pg = ctl_database(ctl, "notification", &fault);

    if (!ctl_argument_uuid(ctl, 0, "a customer id", &id))
        return CTL_USAGE;
    pg_arg_uuid(&args, &id);
    if (!pg || !pg_call(pg, "SELECT * FROM show_contact($1)", &args, &rows, &fault))
        return ctl_fail(&fault);
    if (rows.count == 0)
        return no_contact(ctl);
    table_rows(&table, &rows);
    table_show_fields(&table, ctl->json);
    return CTL_OK;
}

static enum ctl_exit contact_remove(const struct ctl *ctl)
{
    struct pg_args args = PG_ARGS_IN(ctl->arena);
    struct fault fault = { 0 };
    struct uuid id;
    PG_ROWS_SCOPE rows = { 0 };
    PG_SCOPE pg = ctl_database(ctl, "notification", &fault);

    if (!ctl_argument_uuid(ctl, 0, "a customer id", &id))
        return CTL_USAGE;
    pg_arg_uuid(&args, &id);
    if (!pg || !pg_call(pg, "SELECT remove_contact($1)", &args, &rows, &fault))
        return ctl_fail(&fault);
    return pg_bool(&rows, 0, 0) ? CTL_OK : no_contact(ctl);
}

static const struct command commands[] = {
    {
        .name = "set",
        .arguments = "CUSTOMER-ID EMAIL",
        .arguments_min = 2,
        .arguments_max = 2,
        .summary = "mails to this customer go to this address from now on",
        .details =
            "Those that still wait, or were given up, go there too. The address is plain ASCII, name@domain. Addresses "
            "count only where worker-notification runs with NOTIFY=smtp.",
        .examples = "orderctl contact set " EXAMPLE_ID " ann@example.com\n",
        .run = contact_set,
    },
    {
        .name = "show",
        .arguments = "CUSTOMER-ID",
        .arguments_min = 1,
        .arguments_max = 1,
        .summary = "the address of a customer",
        .examples = "orderctl contact show " EXAMPLE_ID " --json\n",
        .run = contact_show,
    },
    {
        .name = "remove",
        .arguments = "CUSTOMER-ID",
        .arguments_min = 1,
        .arguments_max = 1,
        .summary = "forgets the address of a customer",
        .details = "Mails to this customer that still wait, or were given up, are not sent any more and count as skipped.",
        .examples = "orderctl contact remove " EXAMPLE_ID "\n",
        .run = contact_remove,
    },
};

const struct group contact_group = { "contact", "addresses of customers", commands, ARRAY_LEN(commands) };
