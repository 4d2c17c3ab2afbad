/* timeline.c - GET /orders/{id}/timeline: every transition, oldest first. */
#include "fcgi/handlers.h"
#include "fcgi/query.h"
#include "fcgi/render.h"

struct timeline {
    struct uuid id;
    struct order_transition *transitions;
    size_t count;
};

static bool timeline_run(struct pg *pg, struct call *call, void *into, struct fault *fault)
{
    struct timeline *timeline = into;

    return orders_timeline(pg, call->arena, &timeline->id, &timeline->transitions, &timeline->count, fault);
}

static void render_transition(struct buf *buf, const struct order_transition *transition)
{
    buf_str(buf, "{\"at\":");
    render_time(buf, transition->at_ms);
    buf_str(buf, ",\"from\":");
    render_text_or_null(buf, transition->has_from ? text_of(order_state_name(transition->from)) : (struct text){ 0 });
    buf_printf(buf, ",\"to\":\"%s\",\"reason\":", order_state_name(transition->to));
    render_text_or_null(buf, transition->reason);
    buf_str(buf, ",\"eventId\":");
    render_uuid(buf, &transition->event_id);
    buf_str(buf, ",\"traceId\":");
    render_text_or_null(buf, transition->trace_id);
    buf_char(buf, '}');
}

static enum call_state answer(struct call *call, const struct fault *fault)
{
    const struct timeline *timeline = call->own;
    struct buf body = BUF_IN(call->arena);

    if (fault)
        return call_fail(call, fault);
    if (timeline->count == 0)
        return call_answer_no_order(call);
    buf_str(&body, "{\"data\":[");
    for (size_t i = 0; i < timeline->count; i++) {
        if (i > 0)
            buf_char(&body, ',');
        render_transition(&body, &timeline->transitions[i]);
    }
    buf_str(&body, "]}");
    return call_answer(call, buf_view(&body));
}

enum call_state handle_timeline(struct call *call)
{
    struct timeline *timeline = arena_alloc(call->arena, sizeof *timeline);

    if (!call_order_id(call, &timeline->id))
        return CALL_ANSWERED;
    return query_wait(call, timeline_run, timeline, answer);
}
