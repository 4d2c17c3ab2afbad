/* order.c - orderctl order: an order, what every service holds of it, and its way. SQL: sql/ops and sql/orders. */
#include "ctl/ctl.h"
#include "ctl/groups.h"
#include "ctl/table.h"
#include "model/decimal.h"
#include "model/money.h"
#include "store/orders.h"

static const struct column order_columns[] = {
    { "orderId", COLUMN_UUID },       { "customerId", COLUMN_UUID }, { "status", COLUMN_TEXT },
    { "failureReason", COLUMN_TEXT }, { "failedSku", COLUMN_TEXT },  { "totalAmount", COLUMN_NUMBER },
    { "currency", COLUMN_TEXT },      { "createdAt", COLUMN_TIME },  { "updatedAt", COLUMN_TIME },
    { "version", COLUMN_INT },        { "items", COLUMN_JSON },      { "shippingAddress", COLUMN_JSON },
};

static const struct column service_columns[] = {
    { "service", COLUMN_TEXT },
    { "state", COLUMN_TEXT },
    { "since", COLUMN_TIME },
    { "detail", COLUMN_TEXT },
};

static const struct column timeline_columns[] = {
    { "at", COLUMN_TIME },     { "from", COLUMN_TEXT },    { "to", COLUMN_TEXT },
    { "reason", COLUMN_TEXT }, { "eventId", COLUMN_UUID }, { "traceId", COLUMN_TEXT },
};

static enum ctl_exit no_such_order(const struct ctl *ctl)
{
    struct fault fault;

    fault_set(&fault, FAULT_NOT_FOUND, "no_order", "there is no order %s", ctl->arguments[0]);
    return ctl_fail(&fault);
}

static void describe(struct table *table, const struct order_view *order)
{
    struct buf total = BUF_IN(table->arena);

    decimal_append(&total, order->total_minor, currency_decimals(text_of(order->currency)));
    table_uuid(table, &order->id);
    table_uuid(table, &order->customer_id);
    table_text(table, text_of(order_state_name(order->state)));
    table_text(table, order->failure_reason);
    table_text(table, order->failed_sku);
    table_text(table, buf_view(&total));
    table_text(table, text_of(order->currency));
    table_time(table, uuid_unix_ms(&order->id));
    table_time(table, order->updated_ms);
    table_int(table, order->version);
    table_text(table, order->items);
    table_text(table, order->address);
}

/* What the services' own tables hold, dead letters included. */
static bool read_services(const struct ctl *ctl, const struct uuid *id, struct table *services, struct fault *fault)
{
    struct pg_args args = PG_ARGS_IN(ctl->arena);
    PG_ROWS_SCOPE rows = { 0 };
    PG_SCOPE pg = ctl_database(ctl, "ops", fault);

    pg_arg_uuid(&args, id);
    if (!pg || !pg_call(pg, "SELECT * FROM order_services($1)", &args, &rows, fault))
        return false;
    table_rows(services, &rows);
    return true;
}

static enum ctl_exit order_show(const struct ctl *ctl)
{
    struct table table = TABLE_IN(ctl->arena, order_columns), services = TABLE_IN(ctl->arena, service_columns);
    struct fault fault = { 0 };
    struct order_view order;
    struct uuid id;
    struct buf out = BUF_IN(ctl->arena);
    PG_SCOPE pg = ctl_database(ctl, "orders", &fault);

    if (!ctl_argument_uuid(ctl, 0, "an order id", &id))
        return CTL_USAGE;
    if (!pg || !orders_read(pg, ctl->arena, &id, 1, &order, &fault) || !read_services(ctl, &id, &services, &fault))
        return ctl_fail(&fault);
    if (!order.found)
        return no_such_order(ctl);
    describe(&table, &order);
    if (ctl->json) {
        buf_str(&out, "{\"order\":");
        table_json_row(&table, 0, &out);
        buf_str(&out, ",\"services\":");
        table_json(&services, &out);
        buf_char(&out, '}');
        print_line(&out);
        return CTL_OK;
    }
    table_print_fields(&table, stdout);
    putchar('\n');
    table_print(&services, "no service has heard of it yet", stdout);
    return CTL_OK;
}

static enum ctl_exit order_timeline(const struct ctl *ctl)
{
    struct table table = TABLE_IN(ctl->arena, timeline_columns);
    struct order_transition *moves;
    struct fault fault = { 0 };
    struct uuid id;
    size_t count;
    PG_SCOPE pg = ctl_database(ctl, "orders", &fault);

    if (!ctl_argument_uuid(ctl, 0, "an order id", &id))
        return CTL_USAGE;
    if (!pg || !orders_timeline(pg, ctl->arena, &id, &moves, &count, &fault))
        return ctl_fail(&fault);
    if (count == 0)
        return no_such_order(ctl);
    for (size_t i = 0; i < count; i++) {
        table_time(&table, moves[i].at_ms);
        table_text(&table, moves[i].has_from ? text_of(order_state_name(moves[i].from)) : (struct text){ 0 });
        table_text(&table, text_of(order_state_name(moves[i].to)));
        table_text(&table, moves[i].reason);
        table_uuid(&table, &moves[i].event_id);
        table_text(&table, moves[i].trace_id);
    }
    table_show(&table, ctl->json, "");
    return CTL_OK;
}

static const struct command commands[] = {
    {
        .name = "show",
        .arguments = "ORDER-ID",
        .arguments_min = 1,
        .arguments_max = 1,
        .summary = "an order, and what each service holds of it",
        .details = "Reads the databases, so it also works while the API does not. Below the order stands a line for each "
                   "service that "
                   "knows it, and one for each of its events that was set aside.",
        .examples = "orderctl order show 019d47a1-f4c6-7b01-9d5e-3c1f0a7e6b52\n"
                    "orderctl order show 019d47a1-f4c6-7b01-9d5e-3c1f0a7e6b52 --json | jq .services\n",
        .run = order_show,
    },
    {
        .name = "timeline",
        .arguments = "ORDER-ID",
        .arguments_min = 1,
        .arguments_max = 1,
        .summary = "every state an order has passed, with the event that moved it",
        .details = NULL,
        .examples = "orderctl order timeline 019d47a1-f4c6-7b01-9d5e-3c1f0a7e6b52\n",
        .run = order_timeline,
    },
};

const struct group order_group = { "order", "look at one order", commands, ARRAY_LEN(commands) };
