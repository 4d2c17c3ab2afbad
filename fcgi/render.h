/* render.h - orders as JSON: answers to clients and payloads of events. */
#pragma once

#include "store/orders.h"

/* {createdAt, currency, orderId, status, totalAmount}: what a create answers, the same bytes for the same receipt. */
struct text render_receipt(const struct orders_receipt *receipt, struct arena *arena);

/* The whole order. */
void render_order(struct buf *buf, const struct order_view *view);

struct text render_created_event(const struct order *order, struct arena *arena);
struct text render_cancelled_event(const struct order_view *view, enum cancel_reason reason, struct arena *arena);

/* Members used by several answers: VALUE null where ptr is NULL, times in RFC 3339. */
void render_text_or_null(struct buf *buf, struct text value);
void render_uuid(struct buf *buf, const struct uuid *uuid);
void render_time(struct buf *buf, int64_t unix_ms);
