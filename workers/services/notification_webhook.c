/* notification_webhook.c - body and signature. */
#include "workers/services/notification_webhook.h"
#include "base/clock.h"
#include "io/digest.h"

#include <inttypes.h>

struct text webhook_body(const char *type, const struct uuid *event_id, struct text data, struct arena *arena)
{
    char time[CLOCK_RFC3339_LEN + 1];

    clock_rfc3339(uuid_unix_ms(event_id), time);
    return arena_printf(arena, "{\"type\":\"%s\",\"timestamp\":\"%s\",\"data\":%.*s}", type, time, TEXT_FMT(data));
}

struct text webhook_signature(struct text secret, const char *id, int64_t unix_s, struct text body, struct arena *arena)
{
    struct text content = arena_printf(arena, "%s.%" PRId64 ".%.*s", id, unix_s, TEXT_FMT(body));
    struct digest digest = digest_sign(secret, content);
    struct buf value = BUF_IN(arena);

    buf_str(&value, "v1,");
    digest_base64(&value, digest.bytes, sizeof digest.bytes);
    return buf_view(&value);
}
