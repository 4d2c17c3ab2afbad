/* payment_http.c - one attempt: perhaps a question what became of the last, a request, perhaps a question what became of
 * that. */
#include "workers/services/payment_http.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/http_client.h"
#include "model/decimal.h"
#include "workers/services/payment_breaker.h"

#include <stdatomic.h>

enum { RESPONSE_MAX = 64 * 1024, CONNECT_TIMEOUT_MS = 2000, REASON_MAX = 64 };

/* What an attempt has in the air, and whether it has made its request. */
struct attempt {
    bool asking; /* by GET */
    bool requested;
};

static const struct payment_http_settings *settings;
static struct payment_breaker breaker;
static atomic_bool given_up; /* the breaker is open: for the thread that tells */

void payment_http_start(const struct payment_http_settings *given)
{
    settings = given;
    breaker = (struct payment_breaker){ .limit = (int)given->breaker_failures, .open_ms = given->breaker_open_ms };
}

size_t payment_http_room(size_t wanted)
{
    return payment_breaker_room(&breaker, wanted, clock_mono_ms());
}

bool payment_http_is_given_up(void)
{
    return given_up;
}

static void provider_failed(void)
{
    if (payment_breaker_fail(&breaker, clock_mono_ms())) {
        given_up = true;
        log_warn("the payment provider failed %d times in a row: one probe every %d ms", breaker.failures,
                 (int)settings->breaker_open_ms);
    }
}

static void provider_answered(void)
{
    if (payment_breaker_succeed(&breaker)) {
        given_up = false;
        log_info("the payment provider answers again");
    }
}

static bool is_charge(const struct effect *effect)
{
    return strcmp(effect->kind->name, "charge") == 0;
}

/* ---- sending ---- */

static void send(struct effect *effect, bool asking)
{
    struct attempt *attempt = effect->state;
    const char *things = is_charge(effect) ? "charges" : "refunds";
    char order_id[UUID_TEXT_LEN + 1];
    const char *headers[] = { "Accept: application/json", "Content-Type: application/json", NULL, NULL, NULL, NULL };
    struct http_request request = {
        .headers = headers,
        .timeout_ms = (int)settings->timeout_ms,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .response_max = RESPONSE_MAX,
    };
    struct fault fault = { 0 };
    struct text key;

    uuid_format(&effect->order_id, order_id);
    key = arena_printf(effect->arena, "%s-%s", effect->kind->name, order_id);
    headers[2] = arena_printf(effect->arena, "Idempotency-Key: %s", key.ptr).ptr;
    headers[3] = arena_printf(effect->arena, "traceparent: %s", effect->trace.text).ptr;
    if (*settings->token)
        headers[4] = arena_printf(effect->arena, "Authorization: Bearer %s", settings->token).ptr;
    if (asking) {
        request.method = "GET";
        request.url = arena_printf(effect->arena, "%s/v1/%s/%s", settings->url, things, key.ptr).ptr;
    } else {
        request.method = "POST";
        request.url = arena_printf(effect->arena, "%s/v1/%s", settings->url, things).ptr;
        request.body = effect->payload;
        attempt->requested = true;
    }
    attempt->asking = asking;
    if (!http_start(effect->transfers, &request, effect, &fault))
        effect_again(effect, 0, "%s", fault.detail);
}

void payment_http_call(struct effect *effect)
{
    effect->state = arena_alloc(effect->arena, sizeof(struct attempt));
    payment_breaker_start(&breaker, clock_mono_ms());
    send(effect, effect->repeated);
}

/* ---- what came back ---- */

static void answer_declined(struct effect *effect, struct text reason)
{
    struct buf answer = BUF_IN(effect->arena);

    if (reason.len == 0)
        reason = TEXT("declined");
    reason.len = reason.len < REASON_MAX ? reason.len : REASON_MAX;
    buf_str(&answer, "{\"outcome\":\"declined\",\"reason\":");
    buf_json_string(&answer, arena_plain(effect->arena, reason));
    buf_char(&answer, '}');
    effect_done(effect, buf_view(&answer));
}

static bool same_amount(const struct effect *effect, const struct json_doc *answer)
{
    struct text asked = json_number(&effect->request, json_get(effect->request.root, "amountMinor"));
    struct text got = json_number(answer, json_get(answer->root, "amountMinor"));
    int64_t a, b;

    return asked.ptr && got.ptr && decimal_parse(asked, 0, &a) == DECIMAL_OK && decimal_parse(got, 0, &b) == DECIMAL_OK &&
           a == b;
}

/* A statement of the provider about this charge or refund. */
static void read_statement(struct effect *effect, struct text body)
{
    JSON_SCOPE answer = { 0 };
    struct fault fault = { 0 };
    struct text status;

    if (!json_parse(body, effect->arena, &answer, &fault)) {
        effect_again(effect, 0, "the provider's answer is no JSON: %s", fault.detail);
        return;
    }
    status = json_string(json_get(answer.root, "status"));
    if (is_charge(effect) && text_is(status, "declined"))
        answer_declined(effect, json_string(json_get(answer.root, "reason")));
    else if (!text_is(status, is_charge(effect) ? "captured" : "refunded"))
        effect_again(effect, 0, "the provider's answer has an unknown status: %.*s", TEXT_FMT(status));
    else if (!same_amount(effect, &answer))
        effect_fail(effect, "the provider has another amount under this key");
    else
        effect_done(effect, TEXT("{\"outcome\":\"done\"}"));
}

/* Nobody knows what became of the request: that is asked for, once an attempt. */
static void ask_or_wait(struct effect *effect, const char *why)
{
    const struct attempt *attempt = effect->state;

    if (attempt->asking)
        effect_again(effect, 0, "%s", why);
    else
        send(effect, true);
}

static void refused(struct effect *effect, int status)
{
    if (is_charge(effect))
        answer_declined(effect, TEXT("refused_by_provider"));
    else
        effect_fail(effect, "the provider refused it with status %d", status);
}

void payment_http_answered(struct effect *effect, const struct transfer_result *result)
{
    const struct attempt *attempt = effect->state;

    if (result->fault.kind == FAULT_UNKNOWN) {
        provider_failed();
        ask_or_wait(effect, result->fault.detail);
        return;
    }
    if (result->fault.kind != FAULT_NONE) { /* it has never arrived */
        provider_failed();
        effect_again(effect, 0, "%s", result->fault.detail);
        return;
    }
    if (result->status >= 500) {
        provider_failed();
        ask_or_wait(effect, arena_printf(effect->arena, "the provider answered %d", result->status).ptr);
        return;
    }
    provider_answered();
    switch (result->status) {
    case 200:
    case 201:
    case 402:
        read_statement(effect, result->body);
        break;
    case 404:
        if (attempt->asking && !attempt->requested)
            send(effect, false);
        else
            effect_again(effect, 0, "the provider answered 404%s", attempt->asking ? ": it has not happened" : "");
        break;
    case 400:
    case 422:
        if (attempt->asking)
            effect_again(effect, 0, "the provider answered %d", result->status);
        else
            refused(effect, result->status);
        break;
    default: /* 401, 403: the token; 409: still at it; 429: not now; 3xx: the address */
        effect_again(effect, result->retry_after_ms, "the provider answered %d", result->status);
    }
}
