/* webhook.c - orderctl webhook: who is told of orders by HTTP. SQL: sql/notification/functions.sql. */
#include "base/random.h"
#include "ctl/ctl.h"
#include "ctl/groups.h"
#include "ctl/table.h"
#include "io/digest.h"
#include "io/http_client.h"

#define EXAMPLE_ID "019d47a1-f4c6-7b01-9d5e-3c1f0a7e6b52"

enum { SECRET_LEN = 32, URL_MAX = 2048 };

static struct {
    const char *types;
} options;

static const struct setting add_options[] = {
    { "--types", SETTING_TEXT, 0, "order.created,order.completed,order.cancelled", 0, 0,
      "the events it wants, separated by commas" },
};

/* The events that worker-notification takes. */
static const char *const known_types[] = { "order.created", "order.completed", "order.cancelled" };

static const struct column webhook_columns[] = {
    { "webhookId", COLUMN_UUID }, { "url", COLUMN_TEXT },    { "types", COLUMN_TEXT },
    { "addedAt", COLUMN_TIME },   { "waiting", COLUMN_INT }, { "gaveUp", COLUMN_INT },
};

static const struct column added_columns[] = { { "webhookId", COLUMN_UUID }, { "secret", COLUMN_TEXT } };

static const struct column delivery_columns[] = {
    { "at", COLUMN_TIME },        { "type", COLUMN_TEXT },    { "orderId", COLUMN_UUID }, { "eventId", COLUMN_UUID },
    { "delivered", COLUMN_BOOL }, { "attempts", COLUMN_INT }, { "detail", COLUMN_TEXT },
};

static enum ctl_exit no_webhook(const struct ctl *ctl)
{
    struct fault fault;

    fault_set(&fault, FAULT_NOT_FOUND, "no_webhook", "there is no webhook %s: see orderctl webhook list", ctl->arguments[0]);
    return ctl_fail(&fault);
}

/* ---- add ---- */

static bool is_known(struct text type)
{
    for (size_t i = 0; i < ARRAY_LEN(known_types); i++)
        if (text_is(type, known_types[i]))
            return true;
    return false;
}

static bool read_types(const struct ctl *ctl, struct pg_array **types, struct fault *fault)
{
    const char *at = options.types;

    *types = pg_array_new(ctl->arena, PG_TEXT, ARRAY_LEN(known_types));
    for (;;) {
        struct text type = { at, strcspn(at, ",") };

        if (!is_known(type))
            return fault_set(fault, FAULT_INVALID, "types",
                             "--types: \"%.*s\" is none of order.created, order.completed, order.cancelled", TEXT_FMT(type));
        pg_array_text(*types, type);
        if (at[type.len] == '\0')
            return true;
        at += type.len + 1;
    }
}

static bool check_url(const char *url, struct fault *fault)
{
    if (strlen(url) > URL_MAX)
        return fault_set(fault, FAULT_INVALID, "url", "a URL has at most %d characters", (int)URL_MAX);
    return http_url_check(url, fault);
}

static enum ctl_exit webhook_add(const struct ctl *ctl)
{
    struct table table = TABLE_IN(ctl->arena, added_columns);
    struct pg_args args = PG_ARGS_IN(ctl->arena);
    struct buf secret = BUF_IN(ctl->arena);
    struct uuid id = uuid_v7();
    struct fault fault = { 0 };
    struct pg_array *types;
    char key[SECRET_LEN];
    PG_SCOPE pg = ctl_database(ctl, "notification", &fault);

    if (!pg)
        return ctl_fail(&fault);
    if (!check_url(ctl->arguments[0], &fault) || !read_types(ctl, &types, &fault)) {
        (void)ctl_fail(&fault);
        return CTL_USAGE;
    }
    random_bytes(key, sizeof key);
    digest_base64(&secret, key, sizeof key);
    pg_arg_uuid(&args, &id);
    pg_arg_text(&args, text_of(ctl->arguments[0]));
    pg_arg_array(&args, types);
    pg_arg_text(&args, buf_view(&secret));
    if (!pg_call(pg, "SELECT add_webhook($1, $2, $3, $4)", &args, NULL, &fault))
        return ctl_fail(&fault);

    table_uuid(&table, &id);
    table_text(&table, arena_printf(ctl->arena, "whsec_%.*s", TEXT_FMT(buf_view(&secret))));
    table_show_fields(&table, ctl->json);
    return CTL_OK;
}

/* ---- the others ---- */

static enum ctl_exit webhook_list(const struct ctl *ctl)
{
    struct table table = TABLE_IN(ctl->arena, webhook_columns);
    struct fault fault = { 0 };
    PG_ROWS_SCOPE rows = { 0 };
    PG_SCOPE pg = ctl_database(ctl, "notification", &fault);

    if (!pg || !pg_call(pg, "SELECT * FROM list_webhooks()", NULL, &rows, &fault))
        return ctl_fail(&fault);
    table_rows(&table, &rows);
    table_show(&table, ctl->json, "there are no webhooks");
    return CTL_OK;
}

static enum ctl_exit webhook_log(const struct ctl *ctl)
{
    struct table table = TABLE_IN(ctl->arena, delivery_columns);
    struct pg_args args = PG_ARGS_IN(ctl->arena);
    struct fault fault = { 0 };
    struct uuid id;
    PG_ROWS_SCOPE rows = { 0 };
    PG_SCOPE pg = ctl_database(ctl, "notification", &fault);

    if (!ctl_argument_uuid(ctl, 0, "a webhook id", &id))
        return CTL_USAGE;
    pg_arg_uuid(&args, &id);
    if (!pg || !pg_call(pg, "SELECT * FROM list_deliveries($1)", &args, &rows, &fault))
        return ctl_fail(&fault);
    table_rows(&table, &rows);
    table_show(&table, ctl->json, "nothing has been delivered to it, or given up, yet");
    return CTL_OK;
}

static enum ctl_exit webhook_remove(const struct ctl *ctl)
{
    struct pg_args args = PG_ARGS_IN(ctl->arena);
    struct fault fault = { 0 };
    struct uuid id;
    PG_ROWS_SCOPE rows = { 0 };
    PG_SCOPE pg = ctl_database(ctl, "notification", &fault);

    if (!ctl_argument_uuid(ctl, 0, "a webhook id", &id))
        return CTL_USAGE;
    pg_arg_uuid(&args, &id);
    if (!pg || !pg_call(pg, "SELECT remove_webhook($1)", &args, &rows, &fault))
        return ctl_fail(&fault);
    return pg_bool(&rows, 0, 0) ? CTL_OK : no_webhook(ctl);
}

static const struct command commands[] = {
    {
        .name = "add",
        .arguments = "URL",
        .arguments_min = 1,
        .arguments_max = 1,
        .summary = "POSTs events of orders to URL from now on, signed",
        .details =
            "Prints the webhook's id and, this once, the secret of its signature (Standard Webhooks: whsec_...). It takes "
            "effect within a second or two. worker-notification connects to public addresses only, unless it runs with "
            "WEBHOOK_PRIVATE_ADDRESSES=allow.",
        .examples = "orderctl webhook add https://shop.example/orders\n"
                    "orderctl webhook add https://shop.example/ends --types order.completed,order.cancelled\n",
        .options = add_options,
        .option_count = ARRAY_LEN(add_options),
        .into = &options,
        .run = webhook_add,
    },
    {
        .name = "list",
        .arguments = "",
        .summary = "webhooks, with the deliveries that wait and those given up",
        .examples = "orderctl webhook list --json\n",
        .run = webhook_list,
    },
    {
        .name = "log",
        .arguments = "WEBHOOK-ID",
        .arguments_min = 1,
        .arguments_max = 1,
        .summary = "what became of a webhook's latest deliveries",
        .details = "A line for each that was delivered or given up, the latest first; the latest 1000 are kept.",
        .examples = "orderctl webhook log " EXAMPLE_ID "\n",
        .run = webhook_log,
    },
    {
        .name = "remove",
        .arguments = "WEBHOOK-ID",
        .arguments_min = 1,
        .arguments_max = 1,
        .summary = "ends a webhook; what still waits for it is dropped",
        .examples = "orderctl webhook remove " EXAMPLE_ID "\n",
        .run = webhook_remove,
    },
};

const struct group webhook_group = { "webhook", "who is told of orders by HTTP", commands, ARRAY_LEN(commands) };
