/* notification_webhooks.c - whom to tell, the call, and the log of deliveries. */
#include "workers/services/notification_webhooks.h"
#include "base/clock.h"
#include "io/http_client.h"
#include "workers/runtime/fields.h"
#include "workers/services/notification_webhook.h"
#include "workers/services/payload.h"

#include <inttypes.h>
#include <pthread.h>

enum {
    CALL_MS = 15000, /* within EFFECT_CALL_MS, or that ends it earlier */
    CONNECT_MS = 5000,
    ANSWER_MAX = 64 * 1024,
    LOG_KEEP = 1000, /* deliveries a webhook, in the table; docs and `orderctl webhook log` say so */
    HTTP_GONE = 410,
};

struct webhook {
    struct uuid id;
    struct text url;    /* ptr NULL: removed */
    struct text types;  /* separated by blanks */
    struct text secret; /* bytes */
};

/* The table as last seen. The consumer's thread replaces it, the pump's looks things up. */
static struct {
    pthread_mutex_t lock;
    struct arena arena; /* of the list */
    struct webhook *list;
    size_t count;
    bool known;
} seen = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool private_allowed;

void webhooks_allow_private(bool allow)
{
    private_allowed = allow;
}

/* ---- whom to tell ---- */

static struct text copy_or_null(struct arena *arena, struct text text)
{
    return text.ptr ? arena_copy(arena, text) : text;
}

bool webhooks_refresh(struct batch *batch)
{
    struct pg_args args = PG_ARGS_IN(batch->arena);
    PG_ROWS_SCOPE rows = { 0 };

    if (!batch_call(batch, "SELECT * FROM read_webhooks()", &args, &rows))
        return false;
    pthread_mutex_lock(&seen.lock);
    arena_reset(&seen.arena);
    seen.list = arena_array(&seen.arena, (size_t)rows.count, sizeof *seen.list);
    seen.count = (size_t)rows.count;
    for (int i = 0; i < rows.count; i++)
        seen.list[i] = (struct webhook){
            .id = pg_uuid(&rows, i, 0),
            .url = copy_or_null(&seen.arena, pg_text(&rows, i, 1)),
            .types = arena_copy(&seen.arena, pg_text(&rows, i, 2)),
            .secret = copy_or_null(&seen.arena, pg_text(&rows, i, 3)),
        };
    seen.known = true;
    pthread_mutex_unlock(&seen.lock);
    return true;
}

bool webhooks_known(void)
{
    return seen.known; /* written by the same thread */
}

static bool wants(const struct webhook *webhook, struct text type)
{
    struct text rest = webhook->types;

    while (rest.len > 0) {
        const char *blank = memchr(rest.ptr, ' ', rest.len);
        size_t len = blank ? (size_t)(blank - rest.ptr) : rest.len;

        if (text_equal((struct text){ rest.ptr, len }, type))
            return true;
        len += blank != NULL;
        rest = (struct text){ rest.ptr + len, rest.len - len };
    }
    return false;
}

/* Of the consumer's thread, which alone writes the list. */
static bool is_to_tell(const struct webhook *webhook, struct text type)
{
    return webhook->url.ptr && wants(webhook, type);
}

bool webhooks_want(struct text type)
{
    for (size_t i = 0; i < seen.count; i++)
        if (is_to_tell(&seen.list[i], type))
            return true;
    return false;
}

static void ask(struct batch *batch, const struct work *work, const struct webhook *webhook, struct text data)
{
    const char *type = arena_copy(batch->arena, work->type).ptr;
    struct buf payload = payload_start(batch->arena, &work->order_id);

    payload_uuid(&payload, "webhookId", &webhook->id);
    payload_uuid(&payload, "eventId", &work->event_id);
    payload_text(&payload, "type", work->type);
    payload_text(&payload, "body", webhook_body(type, &work->event_id, data, batch->arena));
    (void)batch_effect(batch, work, "webhook", payload_end(&payload), 0);
}

void webhooks_tell(struct batch *batch, const struct work *work, struct text data)
{
    for (size_t i = 0; i < seen.count; i++)
        if (is_to_tell(&seen.list[i], work->type))
            ask(batch, work, &seen.list[i], data);
}

/* ---- the call ---- */

struct delivery {
    struct uuid webhook_id, event_id;
    struct text type, body;
};

static const struct field delivery_fields[] = {
    { "webhookId", FIELD_UUID, offsetof(struct delivery, webhook_id), false },
    { "eventId", FIELD_UUID, offsetof(struct delivery, event_id), false },
    { "type", FIELD_TEXT, offsetof(struct delivery, type), false },
    { "body", FIELD_TEXT, offsetof(struct delivery, body), false },
};

static bool read_delivery(const struct effect *effect, struct arena *arena, struct delivery *delivery, struct fault *fault)
{
    struct work work = { .order_id = effect->order_id, .doc = &effect->request };

    if (work_read(&work, arena, delivery_fields, ARRAY_LEN(delivery_fields), delivery))
        return true;
    *fault = work.rejected;
    return false;
}

/* A copy of what was seen last of the webhook; false: nothing was. */
static bool look_up(const struct uuid *id, struct arena *arena, struct webhook *webhook)
{
    bool found = false;

    pthread_mutex_lock(&seen.lock);
    for (size_t i = 0; i < seen.count && !found; i++) {
        if (!uuid_equal(&seen.list[i].id, id))
            continue;
        found = true;
        *webhook = (struct webhook){
            .id = *id,
            .url = copy_or_null(arena, seen.list[i].url),
            .secret = copy_or_null(arena, seen.list[i].secret),
        };
    }
    pthread_mutex_unlock(&seen.lock);
    return found;
}

/* Signed anew at each attempt: receivers refuse old timestamps. */
static bool start(struct effect *effect, const struct webhook *webhook, const struct delivery *delivery, struct fault *fault)
{
    int64_t unix_s = clock_unix_ms() / 1000;
    struct arena *arena = effect->arena;
    char id[UUID_TEXT_LEN + 1];
    struct text signature;

    uuid_format(&delivery->event_id, id);
    signature = webhook_signature(webhook->secret, id, unix_s, delivery->body, arena);
    return http_start(effect->transfers,
                      &(struct http_request){
                          .method = "POST",
                          .url = webhook->url.ptr,
                          .headers =
                              (const char *const[]){
                                  "Content-Type: application/json",
                                  arena_printf(arena, "traceparent: %s", effect->trace.text).ptr,
                                  arena_printf(arena, "webhook-id: %s", id).ptr,
                                  arena_printf(arena, "webhook-timestamp: %" PRId64, unix_s).ptr,
                                  arena_printf(arena, "webhook-signature: %.*s", TEXT_FMT(signature)).ptr,
                                  NULL,
                              },
                          .body = delivery->body,
                          .timeout_ms = CALL_MS,
                          .connect_timeout_ms = CONNECT_MS,
                          .response_max = ANSWER_MAX,
                          .public_only = !private_allowed,
                      },
                      effect, fault);
}

void webhooks_call(struct effect *effect)
{
    struct delivery delivery = { 0 };
    struct fault fault = { 0 };
    struct webhook webhook;

    if (!read_delivery(effect, effect->arena, &delivery, &fault)) {
        effect_fail(effect, "%s", fault.detail);
        return;
    }
    if (!look_up(&delivery.webhook_id, effect->arena, &webhook)) {
        effect_again(effect, 0, "this worker has not seen the webhook yet");
        return;
    }
    if (!webhook.url.ptr) /* removed meanwhile */
        effect_done(effect, (struct text){ 0 });
    else if (!start(effect, &webhook, &delivery, &fault))
        effect_again(effect, 0, "%s", fault.detail);
}

void webhooks_answered(struct effect *effect, const struct transfer_result *result)
{
    if (result->fault.kind == FAULT_PERMANENT) /* an address that is none, or one that is not public */
        effect_fail(effect, "%s", result->fault.detail);
    else if (result->fault.kind != FAULT_NONE)
        effect_again(effect, 0, "%s", result->fault.detail);
    else if (result->status >= 200 && result->status < 300)
        effect_done(effect, arena_printf(effect->arena, "{\"status\":%d}", result->status));
    else if (result->status == HTTP_GONE)
        effect_fail(effect, "HTTP 410: the receiver wants no more");
    else
        effect_again(effect, result->retry_after_ms, "HTTP %d", result->status);
}

/* ---- the log ---- */

/* What the log says of an outcome; ptr NULL: nothing, the webhook was removed. */
static struct text detail_of(const struct work *work, struct arena *arena)
{
    struct text status;

    if (work->effect->failed.kind != FAULT_NONE)
        return text_of(work->effect->failed.detail);
    if (!work->doc || !work->doc->root)
        return (struct text){ 0 };
    status = json_number(work->doc, json_get(work->doc->root, "status"));
    return arena_printf(arena, "HTTP %.*s", TEXT_FMT(status));
}

bool webhooks_settle(struct batch *batch)
{
    struct pg_array *webhook_ids = pg_array_new(batch->arena, PG_UUID, batch->count);
    struct pg_array *event_ids = pg_array_new(batch->arena, PG_UUID, batch->count);
    struct pg_array *order_ids = pg_array_new(batch->arena, PG_UUID, batch->count);
    struct pg_array *types = pg_array_new(batch->arena, PG_TEXT, batch->count);
    struct pg_array *delivered = pg_array_new(batch->arena, PG_BOOL, batch->count);
    struct pg_array *attempts = pg_array_new(batch->arena, PG_INT4, batch->count);
    struct pg_array *details = pg_array_new(batch->arena, PG_TEXT, batch->count);
    struct pg_args args = PG_ARGS_IN(batch->arena);

    for (size_t i = 0; i < batch->count; i++) {
        const struct work *work = &batch->works[i];
        struct text detail = detail_of(work, batch->arena);
        struct delivery delivery = { 0 };
        struct fault ignored;

        if (!detail.ptr || !read_delivery(work->effect, batch->arena, &delivery, &ignored))
            continue;
        pg_array_uuid(webhook_ids, &delivery.webhook_id);
        pg_array_uuid(event_ids, &delivery.event_id);
        pg_array_uuid(order_ids, &work->order_id);
        pg_array_text(types, delivery.type);
        pg_array_bool(delivered, work->effect->failed.kind == FAULT_NONE);
        pg_array_int32(attempts, work->effect->attempt);
        pg_array_text(details, detail);
    }
    pg_arg_array(&args, webhook_ids);
    pg_arg_array(&args, event_ids);
    pg_arg_array(&args, order_ids);
    pg_arg_array(&args, types);
    pg_arg_array(&args, delivered);
    pg_arg_array(&args, attempts);
    pg_arg_array(&args, details);
    pg_arg_int32(&args, LOG_KEEP);
    return batch_call(batch, "SELECT save_deliveries($1, $2, $3, $4, $5, $6, $7, $8)", &args, NULL);
}
