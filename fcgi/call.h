/* call.h - what a handler is given, and what several handlers do with it. */
#pragma once

#include "fcgi/app.h"
#include "fcgi/problem.h"
#include "io/redis.h"
#include "store/orders.h"

/* A request under work. Everything in it ends with the answer. */
struct call {
    struct app *app;
    struct redis *redis; /* the thread's own */
    struct arena *arena;
    const struct request *request;
    struct response *response;
    struct text base; /* prefix of the path: "/api/v1" */
    struct text id;   /* {id} of the path, as sent */
    int64_t deadline_ms;
};

/* Answers CALL in any case. */
typedef void handler(struct call *call);

/* The order id of the path; false: CALL is answered with 400. */
MUST_CHECK bool call_order_id(struct call *call, struct uuid *id);

/* The client's trace, or a new one. */
struct traceparent call_trace(const struct call *call);

/* Answers with the problem. VIOLATIONS may be NULL. */
void call_refuse(struct call *call, enum problem problem, struct text detail, const struct violations *violations);

/* Answers with what FAULT means to a client. */
void call_fail(struct call *call, const struct fault *fault);

/* Answers 200 with JSON that is to be asked for again. */
void call_answer(struct call *call, struct text body);

/* Answers 200 with the order and its version, or 404 where it was not found. */
void call_answer_order(struct call *call, const struct order_view *view);
void call_answer_no_order(struct call *call);
