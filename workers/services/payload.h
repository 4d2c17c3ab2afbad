/* payload.h - an event's payload, member by member: every one begins with its order's id. */
#pragma once

#include "base/buf.h"
#include "base/uuid.h"

/* {"orderId":"..." */
struct buf payload_start(struct arena *arena, const struct uuid *order_id);

void payload_text(struct buf *payload, const char *name, struct text value);
void payload_int64(struct buf *payload, const char *name, int64_t value);
void payload_uuid(struct buf *payload, const char *name, const struct uuid *value);
void payload_json(struct buf *payload, const char *name, struct text json); /* JSON as it is */

/* Closes the object and returns it. */
struct text payload_end(struct buf *payload);
