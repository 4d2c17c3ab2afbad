/* notification_smtp.c - settings, the mail that is asked for, and the mail that is sent. */
#include "workers/services/notification_smtp.h"
#include "io/smtp.h"
#include "workers/services/notification_mail.h"
#include "workers/services/payload.h"

/* Read once by smtp_channel_start, and only read from then on: the worker's two threads share it. */
static struct {
    struct smtp_mail server; /* without what is another's in each mail */
    struct text from_name, from;
    struct letters letters;
    struct arena arena;
} channel;

/* ---- settings ---- */

static bool read_tls(const char *word, bool has_user, enum smtp_tls *tls, struct fault *fault)
{
    if (strcmp(word, "auto") == 0)
        *tls = has_user ? SMTP_TLS_REQUIRED : SMTP_TLS_IF_OFFERED; /* a password never goes out in the clear by default */
    else if (strcmp(word, "require") == 0)
        *tls = SMTP_TLS_REQUIRED;
    else if (strcmp(word, "off") == 0)
        *tls = SMTP_TLS_OFF;
    else
        return fault_set(fault, FAULT_INVALID, "setting", "SMTP_TLS=%s: takes auto, require or off", word);
    return true;
}

static bool check_settings(const struct smtp_settings *settings, struct fault *fault)
{
    if (strncmp(settings->url, "smtp://", 7) != 0 && strncmp(settings->url, "smtps://", 8) != 0)
        return fault_set(fault, FAULT_INVALID, "setting",
                         "SMTP_URL: NOTIFY=smtp wants smtp://host:port or smtps://host:port");
    if (*settings->letters == '\0')
        return fault_set(fault, FAULT_INVALID, "setting", "LETTERS: NOTIFY=smtp wants the directory of the mails' texts");
    if ((*settings->user == '\0') != (*settings->password == '\0'))
        return fault_set(fault, FAULT_INVALID, "setting", "SMTP_USER and SMTP_PASSWORD go together: set both or neither");
    return true;
}

bool smtp_channel_start(const struct smtp_settings *settings, struct fault *fault)
{
    bool has_user = *settings->user != '\0';
    struct text from;

    if (!check_settings(settings, fault) || !read_tls(settings->tls, has_user, &channel.server.tls, fault))
        return false;
    if (!mail_sender_parse(text_of(settings->from), &channel.from_name, &from, fault)) {
        struct fault why = *fault;

        return fault_set(fault, FAULT_INVALID, "setting", "SMTP_FROM: takes \"Name <local@domain>\": %.200s", why.detail);
    }
    channel.from = arena_copy(&channel.arena, from); /* with a NUL behind it */
    channel.server.url = settings->url;
    channel.server.user = has_user ? settings->user : NULL;
    channel.server.password = settings->password;
    channel.server.from = channel.from.ptr;
    channel.server.timeout_ms = channel.server.connect_timeout_ms = (int)settings->timeout_ms;
    return letters_load(settings->letters, &channel.arena, &channel.letters, fault);
}

/* ---- asked for ---- */

/* What the effect's payload holds: all that the letter says, so that the call needs no database. */
struct request {
    struct uuid event_id;
    struct text kind, to, currency;
    int64_t total_minor;
    struct lines lines;
    struct text reason, failed_sku;
};

static const struct field request_fields[] = {
    { "eventId", FIELD_UUID, offsetof(struct request, event_id), false },
    { "kind", FIELD_TEXT, offsetof(struct request, kind), false },
    { "to", FIELD_TEXT, offsetof(struct request, to), false },
    { "currency", FIELD_TEXT, offsetof(struct request, currency), false },
    { "totalMinor", FIELD_INT64, offsetof(struct request, total_minor), false },
    { "lines", FIELD_LINES, offsetof(struct request, lines), true },
    { "reason", FIELD_TEXT, offsetof(struct request, reason), true },
    { "failedSku", FIELD_TEXT, offsetof(struct request, failed_sku), true },
};

void smtp_channel_send(struct batch *batch, const struct work *cause, enum letter_kind kind, const struct uuid *customer_id,
                       struct text to, const struct letter_facts *facts)
{
    struct buf payload = payload_start(batch->arena, &cause->order_id);

    payload_uuid(&payload, "eventId", &cause->event_id);
    payload_uuid(&payload, "customerId", customer_id);
    payload_text(&payload, "kind", text_of(letter_kind_names[kind]));
    payload_text(&payload, "to", to);
    letter_facts_append(&payload, facts, batch->arena);
    (void)batch_effect(batch, cause, "mail", payload_end(&payload), 0);
}

/* ---- sent ---- */

static bool read_request(const struct effect *effect, struct request *request, enum letter_kind *kind, struct fault *fault)
{
    struct work work = { .order_id = effect->order_id, .doc = &effect->request };

    *request = (struct request){ 0 };
    if (!work_read(&work, effect->arena, request_fields, ARRAY_LEN(request_fields), request)) {
        *fault = work.rejected;
        return false;
    }
    return letter_kind_parse(request->kind, kind) ||
           fault_set(fault, FAULT_INVALID, "mail", "there is no letter %.*s", TEXT_FMT(request->kind));
}

/* The whole message: a function of the request and the letters alone, so a repeat sends the same bytes. */
static bool write_message(const struct effect *effect, const struct request *request, enum letter_kind kind,
                          struct buf *message, struct fault *fault)
{
    struct letter_facts facts = {
        .order_id = effect->order_id,
        .total_minor = request->total_minor,
        .lines = request->lines,
        .reason = request->reason,
        .failed_sku = request->failed_sku,
    };
    struct letter letter;

    memcpy(facts.currency, request->currency.ptr, request->currency.len < 3 ? request->currency.len : 3);
    letter = letter_fill(&channel.letters, kind, &facts, effect->arena);
    return mail_write(
        &(struct mail){
            .id = request->event_id,
            .date_ms = uuid_unix_ms(&request->event_id),
            .trace = text_of(effect->trace.text),
            .from_name = channel.from_name,
            .from = channel.from,
            .to = request->to,
            .subject = letter.subject,
            .plain = letter.plain,
            .html = letter.html,
        },
        message, fault);
}

void smtp_call(struct effect *effect)
{
    struct buf message = BUF_IN(effect->arena);
    struct smtp_mail mail = channel.server;
    struct fault fault = { 0 };
    struct request request;
    enum letter_kind kind;

    if (!read_request(effect, &request, &kind, &fault) || !write_message(effect, &request, kind, &message, &fault)) {
        effect_fail(effect, "%s", fault.detail);
        return;
    }
    mail.to = arena_copy(effect->arena, request.to).ptr;
    mail.message = buf_view(&message);
    if (!smtp_start(effect->transfers, &mail, effect, &fault))
        effect_again(effect, 0, "%s", fault.detail);
}

/* What the server or libcurl says may quote the address: the reply's number is enough where there is one. */
void smtp_answered(struct effect *effect, const struct transfer_result *result)
{
    switch (smtp_verdict(result)) {
    case SMTP_ACCEPTED:
        effect_done(effect, (struct text){ 0 });
        return;
    case SMTP_REFUSED:
        effect_fail(effect, "the mail server answers %d", result->status);
        return;
    case SMTP_LATER:
        if (result->status >= 400)
            effect_again(effect, 0, "the mail server answers %d", result->status);
        else
            effect_again(effect, 0, "%s", result->fault.detail);
    }
}

/* ---- recorded ---- */

static void emit_sent(struct batch *batch, const struct work *work, const char *kind)
{
    struct buf payload = payload_start(batch->arena, &work->order_id);

    payload_text(&payload, "kind", text_of(kind));
    payload_text(&payload, "channel", TEXT("smtp"));
    batch_emit(batch, work, "notification.sent", payload_end(&payload));
}

bool smtp_settle(struct batch *batch)
{
    struct pg_array *order_ids = pg_array_new(batch->arena, PG_UUID, batch->count);
    struct pg_array *kinds = pg_array_new(batch->arena, PG_TEXT, batch->count);
    struct pg_array *states = pg_array_new(batch->arena, PG_TEXT, batch->count);
    struct pg_args args = PG_ARGS_IN(batch->arena);

    for (size_t i = 0; i < batch->count; i++) {
        const struct work *work = &batch->works[i];
        bool sent = work->effect->failed.kind == FAULT_NONE;
        enum letter_kind kind;

        if (!letter_kind_parse(json_string(json_get(work->effect->request.root, "kind")), &kind))
            continue; /* no mail of ours: given up as it is */
        pg_array_uuid(order_ids, &work->order_id);
        pg_array_text(kinds, text_of(letter_kind_names[kind]));
        pg_array_text(states, sent ? TEXT("sent") : TEXT("failed"));
        if (sent)
            emit_sent(batch, work, letter_kind_names[kind]);
    }
    pg_arg_array(&args, order_ids);
    pg_arg_array(&args, kinds);
    pg_arg_array(&args, states);
    return batch_call(batch, "SELECT settle_messages($1, $2, $3)", &args, NULL);
}
