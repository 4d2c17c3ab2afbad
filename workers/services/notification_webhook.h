/* notification_webhook.h - a webhook's message as Standard Webhooks has it (standardwebhooks.com, the specification's
 * version 1): what is sent and how it is signed. */
#pragma once

#include "base/buf.h"
#include "base/uuid.h"

/* {"type":TYPE,"timestamp":"...","data":DATA}: the time is the event's own, DATA is JSON. In ARENA. */
struct text webhook_body(const char *type, const struct uuid *event_id, struct text data, struct arena *arena);

/* The header webhook-signature: "v1," and the base64 of HMAC-SHA256 over "<id>.<seconds>.<body>". In ARENA. */
struct text webhook_signature(struct text secret, const char *id, int64_t unix_s, struct text body, struct arena *arena);
