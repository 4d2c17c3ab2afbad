/* call.h - a request on its way through a handler, and what several handlers do with it.
 *
 * No thread belongs to a call. A handler does what can be done at once, hands work to a batcher and returns; the step it
 * named goes on when the work is done, on the batcher's thread. */
#pragma once

#include "fcgi/app.h"
#include "fcgi/problem.h"
#include "store/orders.h"

struct call;

/* How a handler or step leaves its call. */
enum call_state {
    CALL_ANSWERED, /* the response is there */
    CALL_WAITS,    /* it is in a batcher's hands, or over already: not to be touched any more */
};

typedef enum call_state handler(struct call *call);

/* FAULT: why the work was not done; NULL: it was. */
typedef enum call_state call_step(struct call *call, const struct fault *fault);

/* Everything in it ends with the answer. */
struct call {
    struct app *app;
    struct arena *arena;
    const struct request *request;
    struct response *response;
    struct text base; /* prefix of the path: "/api/v1" */
    struct text id;   /* {id} of the path, as sent */
    int64_t deadline_ms;
    void *own; /* the handler's, for its steps */

    /* call.c's */
    struct exchange *exchange;
    size_t route;                     /* for metrics */
    struct traceparent parent, trace; /* the client's, empty where it sent none; this call's, empty until it is asked for */
    int64_t begun_us;
    struct job job;
    call_step *then;
};

/* Begins the call that is in EXCHANGE, and leads it to its answer. */
void call_take(struct app *app, struct exchange *exchange);

/* Hands WORK to BATCHER, to be begun in DELAY_MS at the earliest, and names the step that follows. CALL may be over when
 * this returns: what remains to be done is `return`. */
enum call_state call_wait(struct call *call, struct batcher *batcher, void *work, int delay_ms, call_step *then);

/* The order id of the path; false: CALL is answered with 400. */
MUST_CHECK bool call_order_id(struct call *call, struct uuid *id);

/* This call in the client's trace, or in a new one. */
struct traceparent call_trace(struct call *call);

/* Answers with the problem. VIOLATIONS may be NULL. */
enum call_state call_refuse(struct call *call, enum problem problem, struct text detail,
                            const struct violations *violations);

/* Answers with what FAULT means to a client. */
enum call_state call_fail(struct call *call, const struct fault *fault);

/* Answers 200 with JSON that is to be asked for again. */
enum call_state call_answer(struct call *call, struct text body);

/* Answers 200 with the order and its version, or 404 where it was not found. */
enum call_state call_answer_order(struct call *call, const struct order_view *view);
enum call_state call_answer_no_order(struct call *call);
