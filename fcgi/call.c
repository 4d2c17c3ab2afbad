/* call.c - the life of a call, what a request names, and the answers that several handlers share. */
#include "fcgi/call.h"
#include "base/clock.h"
#include "fcgi/fastcgi.h"
#include "fcgi/render.h"
#include "fcgi/router.h"
#include "io/otlp.h"

/* ---- life ---- */

static void tell_span(struct call *call)
{
    struct traceparent trace = call_trace(call);
    struct route_name route = route_name(call->route);
    int64_t end_us = clock_unix_us();
    struct uuid id;

    otlp_add(&(struct otlp_span){
        .trace = &trace,
        .parent = call->parent.text[0] ? &call->parent : NULL,
        .kind = OTLP_SERVER,
        .name = arena_printf(call->arena, "%s %s", route.method, route.path),
        .order_id = uuid_parse(call->id, &id) ? &id : NULL,
        .begin_us = end_us - (clock_mono_us() - call->begun_us),
        .end_us = end_us,
        .failed = call->response->status >= 500,
    });
}

static void go_on(struct call *call, enum call_state state)
{
    if (state == CALL_WAITS)
        return; /* it may be over already */
    if (otlp_is_on())
        tell_span(call);
    metrics_answer(metrics_own(call->app->metrics), call->route, call->response->status, clock_mono_us() - call->begun_us);
    fastcgi_answer(call->exchange);
}

static enum call_state begin(struct call *call)
{
    struct route_match match;
    enum route_verdict verdict = route_find(call->request->method, call->request->path, &match);

    call->route = match.route;
    switch (verdict) {
    case ROUTE_FOUND:
        call->base = match.base;
        call->id = match.id;
        return match.handle(call);
    case ROUTE_NOT_ALLOWED:
        response_header(call->response, "Allow", arena_printf(call->arena, "%s", match.allow));
        return call_refuse(call, PROBLEM_METHOD_NOT_ALLOWED, arena_printf(call->arena, "This path answers %s.", match.allow),
                           NULL);
    case ROUTE_UNKNOWN:
        break;
    }
    return call_refuse(call, PROBLEM_NOT_FOUND, TEXT("There is nothing at this path."), NULL);
}

void call_take(struct app *app, struct exchange *exchange)
{
    struct arena *arena = exchange->request.arena;
    struct call *call = arena_alloc(arena, sizeof *call);

    call->app = app;
    call->arena = arena;
    call->request = &exchange->request;
    call->response = &exchange->response;
    call->exchange = exchange;
    call->begun_us = clock_mono_us();
    call->deadline_ms = call->begun_us / 1000 + app->settings->request_timeout_ms;
    go_on(call, begin(call));
}

static struct call *call_of(struct job *job)
{
    return (struct call *)((char *)job - offsetof(struct call, job));
}

static void over(struct job *job, const struct fault *fault)
{
    struct call *call = call_of(job);

    go_on(call, call->then(call, fault));
}

enum call_state call_wait(struct call *call, struct batcher *batcher, void *work, int delay_ms, call_step *then)
{
    struct fault fault;

    if (call->exchange->crowded) {
        fault_set(&fault, FAULT_BUSY, "requests_full", "REQUESTS_MAX requests are under way");
        return then(call, &fault);
    }
    call->job.work = work;
    call->job.deadline_ms = call->deadline_ms;
    call->job.over = over;
    call->then = then;
    batcher_put(batcher, &call->job, delay_ms);
    return CALL_WAITS;
}

/* ---- what a request names ---- */

bool call_order_id(struct call *call, struct uuid *id)
{
    struct violations violations = VIOLATIONS_IN(call->arena);

    if (uuid_parse(call->id, id))
        return true;
    violation_add(&violations, TEXT("orderId"), TEXT("must be a UUID"));
    call_refuse(call, PROBLEM_VALIDATION_FAILED, TEXT("The order id is not a UUID."), &violations);
    return false;
}

struct traceparent call_trace(struct call *call)
{
    struct text header;

    if (call->trace.text[0])
        return call->trace;
    if (request_param(call->request, "HTTP_TRACEPARENT", &header) == 1 && traceparent_parse(header, &call->parent))
        call->trace = traceparent_child(&call->parent);
    else
        call->trace = traceparent_new();
    return call->trace;
}

/* ---- answers ---- */

enum call_state call_refuse(struct call *call, enum problem problem, struct text detail, const struct violations *violations)
{
    problem_answer(call->request, call->response, problem, detail, violations);
    return CALL_ANSWERED;
}

enum call_state call_fail(struct call *call, const struct fault *fault)
{
    problem_answer_fault(call->request, call->response, fault);
    return CALL_ANSWERED;
}

enum call_state call_answer(struct call *call, struct text body)
{
    response_json(call->response, 200, body);
    response_header(call->response, "Cache-Control", TEXT("private, no-cache"));
    return CALL_ANSWERED;
}

enum call_state call_answer_order(struct call *call, const struct order_view *view)
{
    struct buf body = BUF_IN(call->arena);

    if (!view->found)
        return call_answer_no_order(call);
    render_order(&body, view);
    call_answer(call, buf_view(&body));
    response_header(call->response, "ETag", arena_printf(call->arena, "\"%d\"", view->version));
    return CALL_ANSWERED;
}

enum call_state call_answer_no_order(struct call *call)
{
    return call_refuse(call, PROBLEM_NOT_FOUND, TEXT("There is no order with this id."), NULL);
}
