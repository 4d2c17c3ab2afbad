/* render.c - JSON is written by hand here: the bytes of an answer are part of the contract. */
#include "fcgi/render.h"
#include "base/clock.h"
#include "model/decimal.h"
#include "model/money.h"

void render_text_or_null(struct buf *buf, struct text value)
{
    if (value.ptr)
        buf_json_string(buf, value);
    else
        buf_str(buf, "null");
}

void render_uuid(struct buf *buf, const struct uuid *uuid)
{
    char text[UUID_TEXT_LEN + 1];

    uuid_format(uuid, text);
    buf_char(buf, '"');
    buf_add(buf, text, UUID_TEXT_LEN);
    buf_char(buf, '"');
}

void render_time(struct buf *buf, int64_t unix_ms)
{
    char text[CLOCK_RFC3339_LEN + 1];

    clock_rfc3339(unix_ms, text);
    buf_char(buf, '"');
    buf_add(buf, text, CLOCK_RFC3339_LEN);
    buf_char(buf, '"');
}

/* Stored codes were checked when their orders came in. */
static void render_amount(struct buf *buf, const char *currency, int64_t minor)
{
    decimal_append(buf, minor, currency_decimals(text_of(currency)));
}

struct text render_receipt(const struct orders_receipt *receipt, struct arena *arena)
{
    struct buf buf = BUF_IN(arena);

    buf_str(&buf, "{\"createdAt\":");
    render_time(&buf, uuid_unix_ms(&receipt->order_id));
    buf_printf(&buf, ",\"currency\":\"%s\",\"orderId\":", receipt->currency);
    render_uuid(&buf, &receipt->order_id);
    buf_printf(&buf, ",\"status\":\"%s\",\"totalAmount\":", order_state_name(ORDER_PENDING));
    render_amount(&buf, receipt->currency, receipt->total_minor);
    buf_char(&buf, '}');
    return buf_view(&buf);
}

void render_order(struct buf *buf, const struct order_view *view)
{
    buf_str(buf, "{\"orderId\":");
    render_uuid(buf, &view->id);
    buf_str(buf, ",\"customerId\":");
    render_uuid(buf, &view->customer_id);
    buf_printf(buf, ",\"status\":\"%s\",\"currency\":\"%s\",\"totalAmount\":", order_state_name(view->state),
               view->currency);
    render_amount(buf, view->currency, view->total_minor);
    buf_str(buf, ",\"items\":");
    buf_text(buf, view->items);
    buf_str(buf, ",\"shippingAddress\":");
    buf_text(buf, view->address);
    buf_str(buf, ",\"createdAt\":");
    render_time(buf, uuid_unix_ms(&view->id));
    buf_str(buf, ",\"updatedAt\":");
    render_time(buf, view->updated_ms);
    buf_str(buf, ",\"failureReason\":");
    render_text_or_null(buf, view->failure_reason);
    buf_str(buf, ",\"failedSku\":");
    render_text_or_null(buf, view->failed_sku);
    buf_char(buf, '}');
}

/* The members that both events begin with. */
static void render_event_head(struct buf *buf, const struct uuid *order_id, const struct uuid *customer_id,
                              const char *currency, int64_t total_minor)
{
    buf_str(buf, "{\"orderId\":");
    render_uuid(buf, order_id);
    buf_str(buf, ",\"customerId\":");
    render_uuid(buf, customer_id);
    buf_printf(buf, ",\"currency\":\"%s\",\"totalMinor\":", currency);
    buf_int64(buf, total_minor);
}

struct text render_created_event(const struct order *order, struct arena *arena)
{
    struct buf buf = BUF_IN(arena);

    render_event_head(&buf, &order->id, &order->customer_id, order->currency, order->total_minor);
    buf_str(&buf, ",\"lines\":");
    order_append_event_lines(&buf, order);
    buf_char(&buf, '}');
    return buf_view(&buf);
}

struct text render_cancelled_event(const struct order_view *view, enum cancel_reason reason, struct arena *arena)
{
    struct buf buf = BUF_IN(arena);

    render_event_head(&buf, &view->id, &view->customer_id, view->currency, view->total_minor);
    buf_printf(&buf, ",\"reason\":\"%s\"}", cancel_reason_name(reason));
    return buf_view(&buf);
}
