/* list.c - GET /orders: filters, pages, and a cursor that leads on at constant cost. */
#include "base/clock.h"
#include "fcgi/handlers.h"
#include "fcgi/query.h"
#include "fcgi/render.h"
#include "model/query.h"

enum { SIZE_DEFAULT = 20, SIZE_MAX_LISTED = 100 };

/* What was asked for, and what was found. */
struct list {
    struct uuid customer_id, from, before, after;
    enum order_state state;
    struct orders_filter filter; /* points to the members above that were given */
    int64_t created_from_ms, created_to_ms;
    int page, size;

    struct order_view *views; /* one more than SIZE where there is a next page */
    size_t count;
    int64_t total;
};

/* ---- reading the query ---- */

struct list_reader {
    struct list *list;
    struct violations violations;
};

static void violated(struct list_reader *reader, const char *name, const char *detail)
{
    violation_add(&reader->violations, text_of(name), text_of(detail));
}

/* A decimal number from 1 to MAX without sign, or 0. */
static int parse_number(struct text text, int max)
{
    int64_t number = 0;

    if (text.len == 0 || text.len > 9)
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return 0;
        number = number * 10 + (text.ptr[i] - '0');
    }
    return number <= max ? (int)number : 0;
}

static void read_customer_id(struct list_reader *reader, struct text value)
{
    if (uuid_parse(value, &reader->list->customer_id))
        reader->list->filter.customer_id = &reader->list->customer_id;
    else
        violated(reader, "customerId", "must be a UUID");
}

static void read_status(struct list_reader *reader, struct text value)
{
    if (order_state_parse(value, &reader->list->state))
        reader->list->filter.state = &reader->list->state;
    else
        violated(reader, "status", "must be PENDING, PAYMENT, INVENTORY, FULFILLMENT, COMPLETED or CANCELLED");
}

/* Ids begin with their millisecond, so a time is a bound over ids. */
static bool read_bound(struct list_reader *reader, const char *name, struct text value, int64_t *unix_ms, struct uuid *bound)
{
    if (!clock_parse_rfc3339(value, unix_ms)) {
        violated(reader, name, "must be an RFC 3339 time, such as 2026-04-01T00:00:00Z; write + as %2B");
        return false;
    }
    *bound = uuid_v7_floor(*unix_ms < 0 ? 0 : *unix_ms);
    return true;
}

static void read_created_from(struct list_reader *reader, struct text value)
{
    if (read_bound(reader, "createdFrom", value, &reader->list->created_from_ms, &reader->list->from))
        reader->list->filter.from = &reader->list->from;
}

static void read_created_to(struct list_reader *reader, struct text value)
{
    if (read_bound(reader, "createdTo", value, &reader->list->created_to_ms, &reader->list->before))
        reader->list->filter.before = &reader->list->before;
}

static void read_page(struct list_reader *reader, struct text value)
{
    reader->list->page = parse_number(value, 999999999);
    if (reader->list->page == 0)
        violated(reader, "page", "must be a whole number from 1");
}

static void read_size(struct list_reader *reader, struct text value)
{
    reader->list->size = parse_number(value, SIZE_MAX_LISTED);
    if (reader->list->size == 0)
        violated(reader, "size", "must be a whole number from 1 to 100");
}

static void read_cursor(struct list_reader *reader, struct text value)
{
    if (uuid_parse(value, &reader->list->after))
        reader->list->filter.after = &reader->list->after;
    else
        violated(reader, "cursor", "must be a cursor as found in next");
}

static const struct {
    const char *name;
    void (*read)(struct list_reader *reader, struct text value);
} parameters[] = {
    { "customerId", read_customer_id }, { "status", read_status }, { "createdFrom", read_created_from },
    { "createdTo", read_created_to },   { "page", read_page },     { "size", read_size },
    { "cursor", read_cursor },
};

static void read_parameter(struct list_reader *reader, const struct query_param *param)
{
    if (param->wrong) {
        violation_add(&reader->violations, param->name, text_of(param->wrong));
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(parameters); i++)
        if (text_is(param->name, parameters[i].name)) {
            parameters[i].read(reader, param->value);
            return;
        }
    violation_add(&reader->violations, param->name, TEXT("is not a parameter of this list"));
}

/* What no parameter says alone. */
static void check_together(struct list_reader *reader, const struct query *query)
{
    struct list *list = reader->list;

    if (list->filter.after && query_get(query, "page").ptr)
        violated(reader, "cursor", "cannot be combined with page");
    else if ((int64_t)list->page * list->size > ORDERS_COUNT_MAX)
        violated(reader, "page", "page x size is past 10000; follow next instead");
}

/* False: CALL is answered with 400. */
static bool read_query(struct call *call, struct list *list)
{
    struct list_reader reader = { .list = list, .violations = VIOLATIONS_IN(call->arena) };
    struct query query;

    *list = (struct list){ .page = 1, .size = SIZE_DEFAULT };
    query_parse(call->request->query, call->arena, &query);
    for (size_t i = 0; i < query.count; i++)
        read_parameter(&reader, &query.params[i]);
    check_together(&reader, &query);
    if (reader.violations.count == 0)
        return true;
    call_refuse(call, PROBLEM_VALIDATION_FAILED,
                reader.violations.count == 1
                    ? TEXT("1 parameter is not valid.")
                    : arena_printf(call->arena, "%zu parameters are not valid.", reader.violations.count),
                &reader.violations);
    return false;
}

/* ---- asking the database ---- */

static bool list_run(struct pg *pg, struct call *call, void *into, struct fault *fault)
{
    struct list *list = into;

    return orders_list(pg, call->arena, &list->filter, (list->page - 1) * list->size, list->size + 1, &list->views,
                       &list->count, fault) &&
           orders_count(pg, call->arena, &list->filter, &list->total, fault);
}

/* ---- the answer ---- */

static void append_time(struct buf *buf, const char *name, int64_t unix_ms)
{
    char text[CLOCK_RFC3339_LEN + 1];

    clock_rfc3339(unix_ms, text);
    buf_printf(buf, "&%s=%s", name, text);
}

static void append_uuid(struct buf *buf, const char *name, const struct uuid *uuid)
{
    char text[UUID_TEXT_LEN + 1];

    uuid_format(uuid, text);
    buf_printf(buf, "&%s=%s", name, text);
}

/* Path and query of the page behind LAST: the same filters, none of which needs percent-encoding as written here. */
static struct text next_page(const struct call *call, const struct list *list, const struct order_view *last)
{
    struct buf buf = BUF_IN(call->arena);

    buf_printf(&buf, "%.*s/orders?size=%d", TEXT_FMT(call->base), list->size);
    if (list->filter.customer_id)
        append_uuid(&buf, "customerId", list->filter.customer_id);
    if (list->filter.state)
        buf_printf(&buf, "&status=%s", order_state_name(*list->filter.state));
    if (list->filter.from)
        append_time(&buf, "createdFrom", list->created_from_ms);
    if (list->filter.before)
        append_time(&buf, "createdTo", list->created_to_ms);
    append_uuid(&buf, "cursor", &last->id);
    return buf_view(&buf);
}

static void append_meta(struct buf *buf, const struct list *list)
{
    bool more = list->total > ORDERS_COUNT_MAX;
    int64_t total = more ? ORDERS_COUNT_MAX : list->total;

    buf_printf(buf, "\"meta\":{\"page\":%d,\"size\":%d,\"total\":%ld,\"totalPages\":%ld%s}", list->page, list->size, total,
               (total + list->size - 1) / list->size, more ? ",\"totalIsLowerBound\":true" : "");
}

static enum call_state answer(struct call *call, const struct fault *fault)
{
    const struct list *list = call->own;
    struct buf body = BUF_IN(call->arena);
    struct text next = { 0 };
    size_t shown;

    if (fault)
        return call_fail(call, fault);
    shown = list->count > (size_t)list->size ? (size_t)list->size : list->count;
    if (shown < list->count)
        next = next_page(call, list, &list->views[shown - 1]);

    buf_str(&body, "{\"data\":[");
    for (size_t i = 0; i < shown; i++) {
        if (i > 0)
            buf_char(&body, ',');
        render_order(&body, &list->views[i]);
    }
    buf_str(&body, "],");
    append_meta(&body, list);
    buf_str(&body, ",\"next\":");
    render_text_or_null(&body, next);
    buf_char(&body, '}');
    call_answer(call, buf_view(&body));
    if (next.ptr)
        response_header(call->response, "Link", arena_printf(call->arena, "<%.*s>; rel=\"next\"", TEXT_FMT(next)));
    return CALL_ANSWERED;
}

enum call_state handle_list(struct call *call)
{
    struct list *list = arena_alloc(call->arena, sizeof *list);

    if (!read_query(call, list))
        return CALL_ANSWERED;
    return query_wait(call, list_run, list, answer);
}
