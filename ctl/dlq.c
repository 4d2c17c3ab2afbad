/* dlq.c - orderctl dlq: events that were set aside, and what is to become of them. SQL: sql/ops/functions.sql. */
#include "ctl/ctl.h"
#include "ctl/groups.h"
#include "ctl/table.h"

#include <errno.h>
#include <stdlib.h>

enum { LETTERS_MAX = 1000, SERVICE_MAX = 63 };

static struct {
    const char *service;
    int64_t limit;
    bool all;
} options;

#define SERVICE_OPTION                                                                                                      \
    {                                                                                                                       \
        "--service", SETTING_TEXT, offsetof(__typeof__(options), service), "", 0, 0,                                        \
            "of this service alone: orders, payment, ..."                                                                   \
    }

static const struct setting list_options[] = {
    SERVICE_OPTION,
    { "--limit", SETTING_INT, offsetof(__typeof__(options), limit), "100", 1, 100000, "the most of each service" },
};

static const struct setting act_options[] = {
    SERVICE_OPTION,
    { "--all", SETTING_BOOL, offsetof(__typeof__(options), all), "false", 0, 0, "all that are at fault themselves" },
};

/* What a list tells; show goes on with the rest. */
static const struct column letter_columns[] = {
    { "letter", COLUMN_TEXT },      { "addedAt", COLUMN_TIME }, { "direction", COLUMN_TEXT }, { "held", COLUMN_BOOL },
    { "replaying", COLUMN_BOOL },   { "attempts", COLUMN_INT }, { "type", COLUMN_TEXT },      { "orderId", COLUMN_UUID },
    { "eventId", COLUMN_UUID },     { "reason", COLUMN_TEXT },  { "topic", COLUMN_TEXT },     { "place", COLUMN_TEXT },
    { "traceparent", COLUMN_TEXT }, { "payload", COLUMN_TEXT },
};

enum { LIST_COLUMNS = 10 };

static void arg_service(struct pg_args *args)
{
    pg_arg_text(args, *options.service ? text_of(options.service) : (struct text){ 0 });
}

/* Reads argument AT, "payment/12". */
static bool read_letter(const struct ctl *ctl, int at, struct text *service, int64_t *id)
{
    const char *argument = ctl->arguments[at];
    const char *slash = strchr(argument, '/');
    char *end = NULL;

    errno = 0;
    *id = slash ? strtoll(slash + 1, &end, 10) : 0;
    *service = (struct text){ argument, slash ? (size_t)(slash - argument) : 0 };
    if (slash && service->len > 0 && service->len <= SERVICE_MAX && end != slash + 1 && *end == '\0' && errno == 0 &&
        *id > 0)
        return true;
    fprintf(stderr, "orderctl: %s names no dead letter: write it as `orderctl dlq list` does, such as payment/12\n",
            argument);
    return false;
}

static enum ctl_exit dlq_list(const struct ctl *ctl)
{
    struct table table = TABLE_IN(ctl->arena, letter_columns);
    struct pg_args args = PG_ARGS_IN(ctl->arena);
    struct fault fault = { 0 };
    PG_ROWS_SCOPE rows = { 0 };
    PG_SCOPE pg = ctl_database(ctl, "ops", &fault);

    table.width = LIST_COLUMNS;
    arg_service(&args);
    pg_arg_int32(&args, (int32_t)options.limit);
    if (!pg || !pg_call(pg, "SELECT * FROM dead_letters($1, $2)", &args, &rows, &fault))
        return ctl_fail(&fault);
    table_rows(&table, &rows);
    table_show(&table, ctl->json, "there are no dead letters");
    return rows.count > 0 ? CTL_NO : CTL_OK;
}

static enum ctl_exit no_letter(const struct ctl *ctl)
{
    struct fault fault;

    fault_set(&fault, FAULT_NOT_FOUND, "no_letter", "there is no dead letter %s", ctl->arguments[0]);
    return ctl_fail(&fault);
}

static enum ctl_exit dlq_show(const struct ctl *ctl)
{
    struct table table = TABLE_IN(ctl->arena, letter_columns);
    struct pg_args args = PG_ARGS_IN(ctl->arena);
    struct fault fault = { 0 };
    struct text service;
    int64_t id;
    PG_ROWS_SCOPE rows = { 0 };
    PG_SCOPE pg = ctl_database(ctl, "ops", &fault);

    if (!read_letter(ctl, 0, &service, &id))
        return CTL_USAGE;
    pg_arg_text(&args, service);
    pg_arg_int64(&args, id);
    if (!pg || !pg_call(pg, "SELECT * FROM dead_letter($1, $2)", &args, &rows, &fault))
        return ctl_fail(&fault);
    if (rows.count == 0)
        return no_letter(ctl);
    table_rows(&table, &rows);
    table_show_fields(&table, ctl->json);
    return CTL_OK;
}

/* The letters named on the command line, or all; false after a line on stderr. */
static bool arg_letters(const struct ctl *ctl, struct pg_args *args)
{
    size_t count = (size_t)ctl->argument_count;
    struct pg_array *services = pg_array_new(ctl->arena, PG_TEXT, count);
    struct pg_array *ids = pg_array_new(ctl->arena, PG_INT8, count);

    if (options.all == (count > 0) || (count > 0 && *options.service)) {
        fprintf(stderr, "orderctl: name dead letters, or say --all (perhaps with --service)\n");
        return false;
    }
    for (int i = 0; i < ctl->argument_count; i++) {
        struct text service;
        int64_t id;

        if (!read_letter(ctl, i, &service, &id))
            return false;
        pg_array_text(services, service);
        pg_array_int64(ids, id);
    }
    pg_arg_array(args, services);
    pg_arg_array(args, ids);
    arg_service(args);
    return true;
}

static enum ctl_exit act(const struct ctl *ctl, const char *action, const char *done)
{
    struct pg_args args = PG_ARGS_IN(ctl->arena);
    struct buf line = BUF_IN(ctl->arena);
    struct fault fault = { 0 };
    int32_t count;
    PG_ROWS_SCOPE rows = { 0 };
    PG_SCOPE pg = ctl_database(ctl, "ops", &fault);

    pg_arg_text(&args, text_of(action));
    if (!arg_letters(ctl, &args))
        return CTL_USAGE;
    if (!pg || !pg_call(pg, "SELECT dead_letters_do($1, $2, $3, $4)", &args, &rows, &fault))
        return ctl_fail(&fault);
    count = pg_int32(&rows, 0, 0);
    buf_printf(&line, ctl->json ? "{\"%s\":%d}" : "%s: %d", done, count);
    print_line(&line);
    return count > 0 ? CTL_OK : CTL_NO;
}

static enum ctl_exit dlq_replay(const struct ctl *ctl)
{
    return act(ctl, "replay", "replayed");
}

static enum ctl_exit dlq_discard(const struct ctl *ctl)
{
    return act(ctl, "discard", "discarded");
}

static const struct command commands[] = {
    {
        .name = "list",
        .arguments = "",
        .summary = "events that were set aside, of all services",
        .details =
            "direction is `received` for an event that the service could not apply and `sent` for one of its own that "
            "Kafka refused; held ones are not at fault, but wait behind one of their order that is. The exit code is 1 "
            "where there are any.",
        .examples = "orderctl dlq list\norderctl dlq list --service payment --json\n",
        .options = list_options,
        .option_count = ARRAY_LEN(list_options),
        .into = &options,
        .run = dlq_list,
    },
    {
        .name = "show",
        .arguments = "LETTER",
        .arguments_min = 1,
        .arguments_max = 1,
        .summary = "one of them with its reason, its place in Kafka and its payload",
        .examples = "orderctl dlq show payment/12\n",
        .run = dlq_show,
    },
    {
        .name = "replay",
        .arguments = "[LETTER...]",
        .arguments_max = LETTERS_MAX,
        .summary = "has them tried again, and what is held behind them after them",
        .details =
            "A received one is applied by its service's worker within seconds; one that fails again comes back with its "
            "new reason. An own one goes back to the outbox. Replaying twice changes nothing: each event is applied once.",
        .examples = "orderctl dlq replay payment/12 payment/13\norderctl dlq replay --all --service payment\n",
        .options = act_options,
        .option_count = ARRAY_LEN(act_options),
        .into = &options,
        .run = dlq_replay,
    },
    {
        .name = "discard",
        .arguments = "[LETTER...]",
        .arguments_max = LETTERS_MAX,
        .summary = "gives them up for good; what is held behind them goes on",
        .details =
            "A received one counts as applied from then on, without having had any effect: `orderctl audit` tells what its "
            "order lacks. It cannot be undone.",
        .examples = "orderctl dlq discard payment/12\n",
        .options = act_options,
        .option_count = ARRAY_LEN(act_options),
        .into = &options,
        .run = dlq_discard,
    },
};

const struct group dlq_group = { "dlq", "dead letters: events that were set aside", commands, ARRAY_LEN(commands) };
