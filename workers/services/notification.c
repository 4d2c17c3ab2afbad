/* notification.c - tells customers what became of their orders, each thing once, and webhooks of every event.
 *
 * order.nudged is none of its business: nobody waits for notification.sent. */
#include "base/log.h"
#include "workers/services/notification_conversation.h"
#include "workers/services/notification_smtp.h"
#include "workers/services/notification_webhooks.h"
#include "workers/services/payload.h"
#include "workers/services/rows.h"

#include <stdlib.h>

static struct {
    const char *notify, *private_addresses;
    struct smtp_settings smtp;
} settings;

#define AT(member) offsetof(__typeof__(settings), member)

static const struct setting settings_table[] = {
    { "NOTIFY", SETTING_TEXT, AT(notify), "log", 0, 0, "how customers are told: log (a line on stderr) or smtp (mails)" },
    { "SMTP_URL", SETTING_TEXT, AT(smtp.url), "", 0, 0, "smtp://host:port, or smtps:// for TLS from the first byte on" },
    { "SMTP_FROM", SETTING_TEXT, AT(smtp.from), "", 0, 0, "the sender of mails: Name <local@domain>" },
    { "SMTP_USER", SETTING_TEXT, AT(smtp.user), "", 0, 0, "of the mail server; empty: no authentication" },
    { "SMTP_PASSWORD", SETTING_SECRET, AT(smtp.password), "", 0, 0, "of that user" },
    { "SMTP_TLS", SETTING_TEXT, AT(smtp.tls), "auto", 0, 0,
      "STARTTLS: require, off, or auto (required with a user, else where offered)" },
    { "SMTP_TIMEOUT_MS", SETTING_INT, AT(smtp.timeout_ms), "20000", 100, 600000,
      "of sending one mail; EFFECT_CALL_MS ends it too" },
    { "LETTERS", SETTING_TEXT, AT(smtp.letters), "", 0, 0, "directory of the mails' texts" },
    { "WEBHOOK_PRIVATE_ADDRESSES", SETTING_TEXT, AT(private_addresses), "refuse", 0, 0,
      "whether webhooks may lead into private networks: refuse or allow" },
};

static bool by_smtp;

static bool read_choice(const char *name, const char *value, const char *no, const char *yes, bool *into,
                        struct fault *fault)
{
    *into = strcmp(value, yes) == 0;
    return *into || strcmp(value, no) == 0 ||
           fault_set(fault, FAULT_INVALID, "setting", "%s=%.100s: takes %s or %s", name, value, no, yes);
}

static bool start(struct fault *fault)
{
    bool private_allowed;

    if (!read_choice("NOTIFY", settings.notify, "log", "smtp", &by_smtp, fault) ||
        !read_choice("WEBHOOK_PRIVATE_ADDRESSES", settings.private_addresses, "refuse", "allow", &private_allowed, fault))
        return false;
    webhooks_allow_private(private_allowed);
    return !by_smtp || smtp_channel_start(&settings.smtp, fault);
}

/* ---- events ---- */

/* What an event of the orders says. */
struct order_event {
    struct uuid customer_id;
    struct letter_facts facts;
    struct text email; /* ptr NULL: none is known, or none was looked for */
};

enum { COMMON_FIELDS = 3 };

static const struct field created_fields[] = {
    { "customerId", FIELD_UUID, offsetof(struct order_event, customer_id), false },
    { "currency", FIELD_CURRENCY, offsetof(struct order_event, facts.currency), false },
    { "totalMinor", FIELD_INT64, offsetof(struct order_event, facts.total_minor), false },
    { "lines", FIELD_LINES, offsetof(struct order_event, facts.lines), false },
};

static const struct field cancelled_fields[] = {
    { "customerId", FIELD_UUID, offsetof(struct order_event, customer_id), false },
    { "currency", FIELD_CURRENCY, offsetof(struct order_event, facts.currency), false },
    { "totalMinor", FIELD_INT64, offsetof(struct order_event, facts.total_minor), false },
    { "reason", FIELD_TEXT, offsetof(struct order_event, facts.reason), false },
    { "failedSku", FIELD_TEXT, offsetof(struct order_event, facts.failed_sku), true },
};

/* What each event says, and which letter it leads to; in the order of the table of events below. */
static const struct {
    const struct field *fields;
    size_t field_count;
    enum letter_kind letter;
} events[] = {
    [CONVERSATION_ON_CREATED] = { created_fields, ARRAY_LEN(created_fields), LETTER_CONFIRMATION },
    [CONVERSATION_ON_COMPLETED] = { created_fields, COMMON_FIELDS, LETTER_COMPLETED },
    [CONVERSATION_ON_CANCELLED] = { cancelled_fields, ARRAY_LEN(cancelled_fields), LETTER_CANCELLED },
};

static void read_events(struct batch *batch, struct order_event *into)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct work *work = &batch->works[i];
        size_t handle = work_handle(work);

        if (work_read(work, batch->arena, events[handle].fields, events[handle].field_count, &into[i]))
            into[i].facts.order_id = work->order_id;
    }
}

static int compare_ids(const void *a, const void *b)
{
    return uuid_compare(a, b);
}

/* The addresses of the batch's customers, in one call. */
static bool find_emails(struct batch *batch, struct order_event *into)
{
    struct pg_array *customer_ids = pg_array_new(batch->arena, PG_UUID, batch->count);
    struct pg_args args = PG_ARGS_IN(batch->arena);
    PG_ROWS_SCOPE rows = { 0 };
    struct uuid *found;

    for (size_t i = 0; i < batch->count; i++)
        pg_array_uuid(customer_ids, &into[i].customer_id);
    pg_arg_array(&args, customer_ids);
    if (!batch_call(batch, "SELECT * FROM find_contacts($1)", &args, &rows))
        return false;
    found = arena_array(batch->arena, (size_t)rows.count, sizeof *found);
    for (int i = 0; i < rows.count; i++)
        found[i] = pg_uuid(&rows, i, 0);
    for (size_t i = 0; i < batch->count; i++) {
        const struct uuid *at = bsearch(&into[i].customer_id, found, (size_t)rows.count, sizeof *found, compare_ids);

        if (at)
            into[i].email = arena_copy(batch->arena, pg_text(&rows, (int)(at - found), 1));
    }
    return true;
}

/* ---- messages ---- */

/* The messages of a batch, column by column. */
struct messages {
    struct pg_array *order_ids, *kinds, *channels, *states;
};

static void log_about(const struct work *work, const char *what, const char *kind)
{
    char order_id[UUID_TEXT_LEN + 1];

    uuid_format(&work->order_id, order_id);
    log_write(LOG_INFO, &(struct log_context){ .order_id = order_id }, "%s: %s", what, kind);
}

static void messages_add(struct messages *messages, const struct work *work, const char *kind, const char *state)
{
    pg_array_uuid(messages->order_ids, &work->order_id);
    pg_array_text(messages->kinds, text_of(kind));
    pg_array_text(messages->channels, by_smtp ? TEXT("smtp") : TEXT("log"));
    pg_array_text(messages->states, text_of(state));
}

/* The transport `log`: a line on stderr. Written before the commit, so a batch that is tried again says it again; the
 * tables and the event count once. */
static void say_by_log(struct batch *batch, const struct work *work, const char *kind, struct messages *messages)
{
    struct buf payload = payload_start(batch->arena, &work->order_id);

    log_about(work, "to the customer", kind);
    messages_add(messages, work, kind, "sent");
    payload_text(&payload, "kind", text_of(kind));
    payload_text(&payload, "channel", TEXT("log"));
    batch_emit(batch, work, "notification.sent", payload_end(&payload));
}

static void say_by_smtp(struct batch *batch, const struct work *work, enum letter_kind letter,
                        const struct order_event *event, struct messages *messages)
{
    const char *kind = letter_kind_names[letter];

    if (!event->email.ptr) {
        log_about(work, "skipped, no address is known of the customer", kind);
        messages_add(messages, work, kind, "skipped");
        return;
    }
    messages_add(messages, work, kind, "waiting");
    smtp_channel_send(batch, work, letter, &event->customer_id, event->email, &event->facts);
}

static struct text payload_of(const struct work *work, const struct order_event *event, struct arena *arena)
{
    struct buf payload = payload_start(arena, &work->order_id);

    payload_uuid(&payload, "customerId", &event->customer_id);
    letter_facts_append(&payload, &event->facts, arena);
    return payload_end(&payload);
}

static void apply(struct batch *batch, struct order_rows *rows, struct messages *messages, struct work *work,
                  const struct order_event *event)
{
    size_t row = order_rows_find(rows, work), handle = work_handle(work);
    enum conversation_state state = (enum conversation_state)rows->states[row];
    struct conversation_decision decision = conversation_decide(state, (enum conversation_event)handle);

    if (decision.contradiction) {
        work_reject(work, "its order's customer was told %s, which %.*s contradicts", conversation_state_names[state],
                    TEXT_FMT(work->type));
        return;
    }
    order_rows_move(rows, row, (int)decision.state);
    if (decision.say && by_smtp)
        say_by_smtp(batch, work, events[handle].letter, event, messages);
    else if (decision.say)
        say_by_log(batch, work, decision.say, messages);
    if (webhooks_want(work->type))
        webhooks_tell(batch, work, payload_of(work, event, batch->arena));
}

static bool save(struct batch *batch, const struct order_rows *rows, const struct messages *messages)
{
    struct pg_args args = PG_ARGS_IN(batch->arena);

    if (!order_rows_changed(rows, conversation_state_names, &args))
        return true;
    pg_arg_array(&args, messages->order_ids);
    pg_arg_array(&args, messages->kinds);
    pg_arg_array(&args, messages->channels);
    pg_arg_array(&args, messages->states);
    return batch_call(batch, "SELECT record_conversations($1, $2, $3, $4, $5, $6)", &args, NULL);
}

static bool on_orders(struct batch *batch)
{
    struct order_event *read = arena_array(batch->arena, batch->count, sizeof *read);
    struct messages messages = {
        .order_ids = pg_array_new(batch->arena, PG_UUID, batch->count),
        .kinds = pg_array_new(batch->arena, PG_TEXT, batch->count),
        .channels = pg_array_new(batch->arena, PG_TEXT, batch->count),
        .states = pg_array_new(batch->arena, PG_TEXT, batch->count),
    };
    ORDER_ROWS_SCOPE rows = { 0 };

    read_events(batch, read);
    if (!webhooks_known() && !webhooks_refresh(batch))
        return false;
    if (by_smtp && !find_emails(batch, read))
        return false;
    if (!order_rows_lock(batch, "SELECT * FROM lock_conversations($1)", conversation_state_names, CONVERSATION_STATES,
                         &rows))
        return false;
    for (size_t i = 0; i < batch->count; i++)
        if (!work_is_rejected(&batch->works[i]))
            apply(batch, &rows, &messages, &batch->works[i], &read[i]);
    return save(batch, &rows, &messages);
}

static const char *const topics[] = { "orders", NULL };

/* As enum conversation_event. */
static const struct handles handles[] = {
    [CONVERSATION_ON_CREATED] = { "order.created", on_orders },
    [CONVERSATION_ON_COMPLETED] = { "order.completed", on_orders },
    [CONVERSATION_ON_CANCELLED] = { "order.cancelled", on_orders },
};

/* Mails that were asked for before NOTIFY was changed to log wait until it is changed back. */
static size_t mail_room(size_t wanted)
{
    return by_smtp ? wanted : 0;
}

static const struct effect_kind effects[] = {
    { .name = "mail", .call = smtp_call, .answered = smtp_answered, .settle = smtp_settle, .room = mail_room },
    { .name = "webhook", .call = webhooks_call, .answered = webhooks_answered, .settle = webhooks_settle },
};

const struct service service = {
    .name = "notification",
    .schema = "notification",
    .topics = topics,
    .handles = handles,
    .handle_count = ARRAY_LEN(handles),
    .settings = settings_table,
    .setting_count = ARRAY_LEN(settings_table),
    .settings_into = &settings,
    .start = start,
    .tick = webhooks_refresh,
    .tick_ms = 1000,
    .effects = effects,
    .effect_count = ARRAY_LEN(effects),
};
