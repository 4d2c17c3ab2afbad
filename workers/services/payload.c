/* payload.c - small JSON objects. */
#include "workers/services/payload.h"

static void name_append(struct buf *payload, const char *name)
{
    buf_char(payload, payload->len == 0 ? '{' : ',');
    buf_json_string(payload, text_of(name));
    buf_char(payload, ':');
}

struct buf payload_start(struct arena *arena, const struct uuid *order_id)
{
    struct buf payload = BUF_IN(arena);

    payload_uuid(&payload, "orderId", order_id);
    return payload;
}

void payload_text(struct buf *payload, const char *name, struct text value)
{
    name_append(payload, name);
    buf_json_string(payload, value);
}

void payload_int64(struct buf *payload, const char *name, int64_t value)
{
    name_append(payload, name);
    buf_int64(payload, value);
}

void payload_uuid(struct buf *payload, const char *name, const struct uuid *value)
{
    char id[UUID_TEXT_LEN + 1];

    uuid_format(value, id);
    payload_text(payload, name, text_of(id));
}

void payload_json(struct buf *payload, const char *name, struct text json)
{
    name_append(payload, name);
    buf_text(payload, json);
}

struct text payload_end(struct buf *payload)
{
    buf_char(payload, '}');
    return buf_view(payload);
}
