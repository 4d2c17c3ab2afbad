/* call.c - reading what a request names, and the answers that several handlers share. */
#include "fcgi/call.h"
#include "fcgi/render.h"

bool call_order_id(struct call *call, struct uuid *id)
{
    struct violations violations = VIOLATIONS_IN(call->arena);

    if (uuid_parse(call->id, id))
        return true;
    violation_add(&violations, TEXT("orderId"), TEXT("must be a UUID"));
    call_refuse(call, PROBLEM_VALIDATION_FAILED, TEXT("The order id is not a UUID."), &violations);
    return false;
}

struct traceparent call_trace(const struct call *call)
{
    struct traceparent trace;
    struct text header;

    if (request_param(call->request, "HTTP_TRACEPARENT", &header) == 1 && traceparent_parse(header, &trace))
        return trace;
    return traceparent_new();
}

void call_refuse(struct call *call, enum problem problem, struct text detail, const struct violations *violations)
{
    problem_answer(call->request, call->response, problem, detail, violations);
}

void call_fail(struct call *call, const struct fault *fault)
{
    problem_answer_fault(call->request, call->response, fault);
}

void call_answer(struct call *call, struct text body)
{
    response_json(call->response, 200, body);
    response_header(call->response, "Cache-Control", TEXT("private, no-cache"));
}

void call_answer_order(struct call *call, const struct order_view *view)
{
    struct buf body = BUF_IN(call->arena);

    if (!view->found) {
        call_answer_no_order(call);
        return;
    }
    render_order(&body, view);
    call_answer(call, buf_view(&body));
    response_header(call->response, "ETag", arena_printf(call->arena, "\"%d\"", view->version));
}

void call_answer_no_order(struct call *call)
{
    call_refuse(call, PROBLEM_NOT_FOUND, TEXT("There is no order with this id."), NULL);
}
