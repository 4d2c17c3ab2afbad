/* outbox.c - orderctl outbox: what waits to be sent, and who sends it. SQL: sql/ops/functions.sql. */
#include "ctl/ctl.h"
#include "ctl/groups.h"
#include "ctl/table.h"

static const struct column status_columns[] = {
    { "service", COLUMN_TEXT }, { "waiting", COLUMN_INT },
    { "oldestMs", COLUMN_INT }, { "setAside", COLUMN_INT }, /* own events that could not be sent: dead letters */
    { "relay", COLUMN_TEXT },
};

static enum ctl_exit outbox_status(const struct ctl *ctl)
{
    struct table table = TABLE_IN(ctl->arena, status_columns);
    struct fault fault = { 0 };
    PG_ROWS_SCOPE rows = { 0 };
    PG_SCOPE pg = ctl_database(ctl, "ops", &fault);

    if (!pg || !pg_call(pg, "SELECT * FROM outbox_status()", NULL, &rows, &fault))
        return ctl_fail(&fault);
    table_rows(&table, &rows);
    table_show(&table, ctl->json, "no service has an outbox: was the database migrated?");
    return CTL_OK;
}

static const struct command commands[] = {
    {
        .name = "status",
        .arguments = "",
        .summary = "each service's outbox: events waiting, age of the oldest, dead letters, its relay",
        .details = "An outbox that grows while its relay is shown waits for Kafka; one without a relay waits for the relay. "
                   "setAside "
                   "counts events that Kafka refused for good, and those held behind them: see `orderctl dlq`.",
        .examples = "orderctl outbox status\norderctl outbox status --json\n",
        .run = outbox_status,
    },
};

const struct group outbox_group = { "outbox", "events that wait for their relay", commands, ARRAY_LEN(commands) };
