/* create.c - POST /orders: check, ask Redis, hand the order to a writer, tell Redis, answer. */
#include "fcgi/create.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "fcgi/create_check.h"
#include "fcgi/handlers.h"
#include "fcgi/render.h"
#include <stdlib.h>

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
        batch[i] = &((struct create *)works[i])->new;
    if (failpoint_hit("api.before_commit"))
        return fault_set(fault, FAULT_TRANSIENT, "failpoint", "api.before_commit");
    if (!orders_create(pg, arena, batch, count, fault))
        return false;
    if (failpoint_hit("api.after_commit"))
        return fault_set(fault, FAULT_UNKNOWN, "failpoint", "api.after_commit");
    secret_fetch(context, pg, arena);
    return true;
}

/* ---- the way of a create, last step first ---- */

static enum call_state answer(struct call *call, const struct uuid *order_id, struct text bytes, bool replayed)
{
    char id[UUID_TEXT_LEN + 1];

    uuid_format(order_id, id);
    response_json(call->response, 201, bytes);
    response_header(call->response, "Location", arena_printf(call->arena, "%.*s/orders/%s", TEXT_FMT(call->base), id));
    response_header(call->response, "Cache-Control", TEXT("no-store"));
    if (replayed)
        response_header(call->response, "Idempotency-Replayed", TEXT("true"));
    return CALL_ANSWERED;
}

/* Redis was told, or could not be: either way there is an answer. */
static enum call_state remembered(struct call *call, const struct fault *fault)
{
    const struct create *create = call->own;

    (void)fault;
    (void)failpoint_hit("api.after_remember");
    return answer(call, &create->new.holder.order_id, create->bytes, create->replayed);
}

static bool has_memory(const struct app *app)
{
    return atomic_load_explicit(&app->secret, memory_order_acquire) != NULL;
}

static enum call_state remember(struct call *call, bool replayed)
{
    struct create *create = call->own;

    create->bytes = render_receipt(&create->new.holder, call->arena);
    create->replayed = replayed;
    create->remember = true;
    if (!has_memory(call->app))
        return remembered(call, NULL);
    return call_wait(call, call->app->memory, create, 0, remembered);
}

static enum call_state refuse(struct call *call, enum problem problem, struct text detail)
{
    return call_refuse(call, problem, detail, NULL);
}

/* A writer has seen the order; a key that is in another request's hands is asked for again. */
static enum call_state decided(struct call *call, const struct fault *fault)
{
    struct create *create = call->own;
    enum idempotency_step step;
    struct fault lost;

    if (fault)
        return call_fail(call, fault);
    step = idempotency_decide(&create->new, clock_left_ms(create->busy_until_ms) > 0);
    if (step == IDEMPOTENCY_ASK_AGAIN)
        return call_wait(call, call->app->writers, create, BUSY_PAUSE_MS, decided);
    if (failpoint_hit("api.before_reply")) {
        fault_set(&lost, FAULT_UNKNOWN, "failpoint", "api.before_reply");
        return call_fail(call, &lost);
    }
    switch (step) {
    case IDEMPOTENCY_CREATED:
        return remember(call, false);
    case IDEMPOTENCY_REPLAY:
        return remember(call, true);
    case IDEMPOTENCY_MISMATCH:
        return refuse(
            call, PROBLEM_KEY_REUSED,
            TEXT("This Idempotency-Key was used for an order with other contents. Take a new key for a new order."));
    case IDEMPOTENCY_ASK_AGAIN:
    case IDEMPOTENCY_IN_PROGRESS:
        break;
    }
    return refuse(
        call, PROBLEM_IN_PROGRESS,
        TEXT("Another request with this Idempotency-Key has not finished. Send the same request again in a second."));
}

/* Ids are made after Redis was asked: a replay from there needs none. */
static void name_order(struct call *call, struct create *create)
{
    struct order *order = &create->order;

    order->id = uuid_v7();
    create->new.created = (struct event){
        .id = uuid_v7(),
        .type = event_type_find(TEXT("order.created")),
        .order_id = order->id,
        .payload = render_created_event(order, call->arena),
        .trace = call_trace(call),
    };
}

static enum call_state write_order(struct call *call)
{
    struct create *create = call->own;

    if (backlog_is_full(call->app->backlog))
        return refuse(
            call, PROBLEM_BACKLOG_FULL,
            TEXT("Too many orders wait to be worked on. Send the same again later, with the same Idempotency-Key."));
    name_order(call, create);
    create->busy_until_ms = clock_mono_ms() + BUSY_WAIT_MS;
    return call_wait(call, call->app->writers, create, 0, decided);
}

/* Where Redis knows the answer, that is it. Anything else it says is not its to decide. */
static enum call_state asked(struct call *call, const struct fault *fault)
{
    const struct create *create = call->own;

    if (fault)
        return call_fail(call, fault);
    if (create->known == METRICS_REDIS_HIT)
        return answer(call, &create->known_id, create->bytes, true);
    return write_order(call);
}

static void prepare(struct create *create, struct text key, struct arena *arena)
{
    struct buf items = BUF_IN(arena);
    struct buf address = BUF_IN(arena);

    order_append_items(&items, &create->order);
    order_append_address(&address, &create->order);
    create->new = (struct orders_new){
        .order = &create->order,
        .key_digest = idempotency_key_digest(key),
        .items = buf_view(&items),
        .address = buf_view(&address),
    };
    create->new.body_digest = idempotency_body_digest(&create->order, create->new.items, create->new.address);
}

enum call_state handle_create(struct call *call)
{
    struct create *create = arena_alloc(call->arena, sizeof *create);
    struct text key;

    create->call = call;
    call->own = create;
    if (!create_check(call, &key, &create->order))
        return CALL_ANSWERED;
    prepare(create, key, call->arena);
    if (!has_memory(call->app))
        return write_order(call);
    return call_wait(call, call->app->memory, create, 0, asked);
}
