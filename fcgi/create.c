/* create.c - POST /orders: check, ask Redis, hand the order to a writer, answer. */
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "fcgi/handlers.h"
#include "fcgi/idempotency.h"
#include "fcgi/order_request.h"
#include "fcgi/render.h"
#include "model/idempotency_key.h"
#include <stdlib.h>
#include <strings.h>
#include <time.h>

enum {
    BUSY_WAIT_MS = 1000, /* how long a request waits for another one with its key */
    BUSY_PAUSE_MS = 4,
};

/* ---- the writers' side ---- */

/* Fetches the signing secret once a process. Without it Redis is left alone, which costs speed and nothing else. */
static void secret_fetch(struct app *app, struct pg *pg, struct arena *arena)
{
    const struct text *none = NULL;
    struct text secret;
    struct fault fault;
    struct text *kept;
    char *bytes;

    if (atomic_load_explicit(&app->secret, memory_order_relaxed))
        return;
    if (!orders_secret(pg, arena, &secret, &fault)) {
        log_warn("no secret for Redis yet: %s", fault.detail);
        return;
    }
    kept = malloc(sizeof *kept + secret.len);
    if (!kept)
        return;
    bytes = (char *)(kept + 1);
    memcpy(bytes, secret.ptr, secret.len);
    *kept = (struct text){ bytes, secret.len };
    if (!atomic_compare_exchange_strong(&app->secret, &none, kept))
        free(kept); /* another writer was faster */
}

bool create_batch(void *context, struct pg *pg, struct arena *arena, void *const *works, size_t count, struct fault *fault)
{
    struct orders_new **batch = arena_array(arena, count, sizeof(struct orders_new *));

    for (size_t i = 0; i < count; i++)
        batch[i] = works[i];
    if (failpoint_hit("api.before_commit"))
        return fault_set(fault, FAULT_TRANSIENT, "failpoint", "api.before_commit");
    if (!orders_create(pg, arena, batch, count, fault))
        return false;
    if (failpoint_hit("api.after_commit"))
        return fault_set(fault, FAULT_UNKNOWN, "failpoint", "api.after_commit");
    secret_fetch(context, pg, arena);
    return true;
}

/* ---- checks ---- */

/* "application/json", perhaps with the charset that JSON has anyway. */
static bool media_type_fits(struct text type)
{
    static const struct text json = TEXT("application/json");
    char rest[32] = "";
    size_t len = 0;

    if (type.len < json.len || strncasecmp(type.ptr, json.ptr, json.len) != 0)
        return false;
    for (size_t i = json.len; i < type.len; i++) {
        if (type.ptr[i] == ' ' || type.ptr[i] == '\t')
            continue;
        if (len == sizeof rest - 1)
            return false;
        rest[len++] = type.ptr[i];
    }
    return len == 0 || strcasecmp(rest, ";charset=utf-8") == 0 || strcasecmp(rest, ";charset=\"utf-8\"") == 0;
}

static bool refuse(struct call *call, enum problem problem, struct text detail)
{
    call_refuse(call, problem, detail, NULL);
    return false;
}

static bool body_fits(struct call *call)
{
    struct text type, encoding;

    switch (call->request->body_state) {
    case BODY_TOO_LONG:
        return refuse(call, PROBLEM_PAYLOAD_TOO_LARGE, TEXT("A body may have 65536 bytes."));
    case BODY_CUT:
        return refuse(call, PROBLEM_BAD_REQUEST, TEXT("The body has another length than Content-Length says."));
    case BODY_WHOLE:
        break;
    }
    request_param(call->request, "CONTENT_TYPE", &type);
    request_param(call->request, "HTTP_CONTENT_ENCODING", &encoding);
    if (!media_type_fits(type))
        return refuse(call, PROBLEM_MEDIA_TYPE, TEXT("Send the order with Content-Type application/json."));
    if (encoding.len > 0 && strcasecmp(encoding.ptr, "identity") != 0)
        return refuse(call, PROBLEM_MEDIA_TYPE, TEXT("Send the order without Content-Encoding."));
    return true;
}

/* What is wrong with the header Idempotency-Key. */
struct key_refusal {
    enum problem problem;
    struct text detail;
};

static bool key_fits(struct call *call, struct text *key, struct key_refusal *refusal)
{
    struct text header;
    struct fault fault;

    switch (request_param(call->request, "HTTP_IDEMPOTENCY_KEY", &header)) {
    case 0:
        *refusal = (struct key_refusal){
            PROBLEM_KEY_MISSING,
            TEXT("Send the header Idempotency-Key with a value of your choice, such as a UUID, and the same one when you "
                 "send this order again."),
        };
        return false;
    case 1:
        if (idempotency_key_parse(header, call->arena, key, &fault))
            return true;
        *refusal = (struct key_refusal){ PROBLEM_KEY_INVALID, arena_copy(call->arena, text_of(fault.detail)) };
        return false;
    default:
        *refusal = (struct key_refusal){ PROBLEM_KEY_INVALID, TEXT("The header Idempotency-Key was sent more than once.") };
        return false;
    }
}

static struct text count_places(struct call *call, size_t count)
{
    return count == 1 ? TEXT("1 place of the body is not valid.")
                      : arena_printf(call->arena, "%zu places of the body are not valid.", count);
}

/* Header and body are looked at together: a client learns everything at once. The key's problem is the one that is named. */
static bool key_and_order_fit(struct call *call, struct text *key, struct order *order)
{
    struct violations violations = VIOLATIONS_IN(call->arena);
    struct key_refusal refusal;
    bool key_ok = key_fits(call, key, &refusal);
    bool order_ok;

    if (!key_ok)
        violation_add(&violations, TEXT("Idempotency-Key"), refusal.detail);
    order_ok = order_request_read(call->request->body, call->arena, order, &violations);
    if (!key_ok)
        call_refuse(call, refusal.problem, refusal.detail, &violations);
    else if (!order_ok)
        call_refuse(call, PROBLEM_VALIDATION_FAILED, count_places(call, violations.count), &violations);
    return key_ok && order_ok;
}

/* ---- answers ---- */

static void answer(struct call *call, const struct uuid *order_id, struct text bytes, bool replayed)
{
    char id[UUID_TEXT_LEN + 1];

    uuid_format(order_id, id);
    response_json(call->response, 201, bytes);
    response_header(call->response, "Location", arena_printf(call->arena, "%.*s/orders/%s", TEXT_FMT(call->base), id));
    response_header(call->response, "Cache-Control", TEXT("no-store"));
    if (replayed)
        response_header(call->response, "Idempotency-Replayed", TEXT("true"));
}

/* What Redis says about NEW, judged; KNOWN where that is an answer. */
static enum metrics_redis ask_redis(struct call *call, const struct orders_new *new, struct text secret,
                                    struct idempotency_answer *known)
{
    struct text value = redis_get(call->redis, idempotency_redis_key(&new->key_digest, call->arena), call->arena);

    if (!value.ptr)
        return METRICS_REDIS_MISS;
    if (!idempotency_open(value, &new->key_digest, secret, known))
        return METRICS_REDIS_DISTRUST;
    return uuid_equal(&known->body_digest, &new->body_digest) ? METRICS_REDIS_HIT : METRICS_REDIS_MISS;
}

/* True where Redis knew the answer. Anything else it says is not its to decide. */
static bool answer_from_redis(struct call *call, const struct orders_new *new)
{
    const struct text *secret = atomic_load_explicit(&call->app->secret, memory_order_acquire);
    struct idempotency_answer known;
    enum metrics_redis result;

    if (!secret)
        return false;
    result = ask_redis(call, new, *secret, &known);
    metrics_add(&metrics_own(call->app->metrics)->redis[result], 1);
    if (result != METRICS_REDIS_HIT)
        return false;
    answer(call, &known.order_id, known.bytes, true);
    return true;
}

static void remember_in_redis(struct call *call, const struct orders_new *new, struct text bytes)
{
    const struct text *secret = atomic_load_explicit(&call->app->secret, memory_order_acquire);
    struct idempotency_answer known = { .body_digest = new->body_digest, .order_id = new->holder.order_id, .bytes = bytes };

    if (secret)
        redis_set(call->redis, idempotency_redis_key(&new->key_digest, call->arena),
                  idempotency_seal(&known, &new->key_digest, *secret, call->arena), IDEMPOTENCY_TTL_S);
}

static void answer_from_receipt(struct call *call, const struct orders_new *new, bool replayed)
{
    struct text bytes = render_receipt(&new->holder, call->arena);

    remember_in_redis(call, new, bytes);
    (void)failpoint_hit("api.after_remember");
    answer(call, &new->holder.order_id, bytes, replayed);
}

/* ---- the handler ---- */

static void prepare(struct call *call, struct text key, struct order *order, struct orders_new *new)
{
    struct buf items = BUF_IN(call->arena);
    struct buf address = BUF_IN(call->arena);

    order_append_items(&items, order);
    order_append_address(&address, order);
    *new = (struct orders_new){
        .order = order,
        .key_digest = idempotency_key_digest(key),
        .items = buf_view(&items),
        .address = buf_view(&address),
    };
    new->body_digest = idempotency_body_digest(order, new->items, new->address);
}

/* Ids are made after Redis was asked: a replay from there needs none. */
static void name_order(struct call *call, struct order *order, struct orders_new *new)
{
    order->id = uuid_v7();
    new->created = (struct event){
        .id = uuid_v7(),
        .type = event_type_find(TEXT("order.created")),
        .order_id = order->id,
        .payload = render_created_event(order, call->arena),
        .trace = call_trace(call),
    };
}

/* Hands the order to a writer until its key is in nobody else's hands. */
static bool decide(struct call *call, struct orders_new *new, enum idempotency_step *step, struct fault *fault)
{
    const struct timespec pause = { .tv_nsec = BUSY_PAUSE_MS * 1000000L };
    int64_t wait_until = clock_mono_ms() + BUSY_WAIT_MS;

    for (;;) {
        if (!batcher_do(call->app->writers, new, call->deadline_ms, fault))
            return false;
        *step = idempotency_decide(new, clock_left_ms(wait_until) > 0);
        if (*step != IDEMPOTENCY_ASK_AGAIN)
            break;
        nanosleep(&pause, NULL);
    }
    if (failpoint_hit("api.before_reply"))
        return fault_set(fault, FAULT_UNKNOWN, "failpoint", "api.before_reply");
    return true;
}

void handle_create(struct call *call)
{
    enum idempotency_step step;
    struct fault fault = { 0 };
    struct orders_new new;
    struct order order;
    struct text key;

    if (!body_fits(call) || !key_and_order_fit(call, &key, &order))
        return;
    prepare(call, key, &order, &new);
    if (answer_from_redis(call, &new))
        return;
    if (backlog_is_full(call->app->backlog)) {
        refuse(call, PROBLEM_BACKLOG_FULL,
               TEXT("Too many orders wait to be worked on. Send the same again later, with the same Idempotency-Key."));
        return;
    }
    name_order(call, &order, &new);
    if (!decide(call, &new, &step, &fault)) {
        call_fail(call, &fault);
        return;
    }
    switch (step) {
    case IDEMPOTENCY_CREATED:
        answer_from_receipt(call, &new, false);
        break;
    case IDEMPOTENCY_REPLAY:
        answer_from_receipt(call, &new, true);
        break;
    case IDEMPOTENCY_MISMATCH:
        refuse(call, PROBLEM_KEY_REUSED,
               TEXT("This Idempotency-Key was used for an order with other contents. Take a new key for a new order."));
        break;
    case IDEMPOTENCY_ASK_AGAIN:
    case IDEMPOTENCY_IN_PROGRESS:
        refuse(call, PROBLEM_IN_PROGRESS,
               TEXT("Another request with this Idempotency-Key has not finished. Send the same request again in a second."));
        break;
    }
}
