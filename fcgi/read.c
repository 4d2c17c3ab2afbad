/* read.c - GET /orders/{id}: what many ask at once is read at once. */
#include "fcgi/handlers.h"

struct read_work {
    struct uuid id;
    struct arena *arena; /* the call's */
    struct order_view view;
};

bool read_batch(void *context, struct pg *pg, struct arena *arena, void *const *works, size_t count, struct fault *fault)
{
    struct uuid *ids = arena_array(arena, count, sizeof *ids);
    struct order_view *views = arena_array(arena, count, sizeof *views);

    (void)context;
    for (size_t i = 0; i < count; i++)
        ids[i] = ((const struct read_work *)works[i])->id;
    if (!orders_read(pg, arena, ids, count, views, fault))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct read_work *work = works[i];

        work->view = views[i];
        if (!views[i].found)
            continue;
        work->view.items = arena_copy(work->arena, views[i].items); /* the batch's arena ends here */
        work->view.address = arena_copy(work->arena, views[i].address);
        if (views[i].failure_reason.ptr)
            work->view.failure_reason = arena_copy(work->arena, views[i].failure_reason);
        if (views[i].failed_sku.ptr)
            work->view.failed_sku = arena_copy(work->arena, views[i].failed_sku);
    }
    return true;
}

/* Whether TAG is among those of the header: a list of entity tags, weak or strong, or "*" (RFC 9110 section 13.1.2). */
static bool tag_listed(struct text header, struct text tag)
{
    if (text_is(header, "*"))
        return true;
    for (size_t at = 0; at + tag.len <= header.len; at++)
        if (memcmp(header.ptr + at, tag.ptr, tag.len) == 0)
            return true; /* tags here are a number in quotes, which no part of another tag can look like */
    return false;
}

/* Takes the body back where the client has this version already. */
static void answer_if_changed(struct call *call, const struct order_view *view)
{
    struct text tag = arena_printf(call->arena, "\"%d\"", view->version);
    struct text known;

    request_param(call->request, "HTTP_IF_NONE_MATCH", &known); /* the web server refuses two of them */
    if (!tag_listed(known, tag))
        return;
    call->response->status = 304;
    call->response->content_type = NULL;
    call->response->body = TEXT("");
}

static enum call_state answer(struct call *call, const struct fault *fault)
{
    const struct read_work *work = call->own;

    if (fault)
        return call_fail(call, fault);
    call_answer_order(call, &work->view);
    if (work->view.found)
        answer_if_changed(call, &work->view);
    return CALL_ANSWERED;
}

enum call_state handle_read(struct call *call)
{
    struct read_work *work = arena_alloc(call->arena, sizeof *work);

    work->arena = call->arena;
    call->own = work;
    if (!call_order_id(call, &work->id))
        return CALL_ANSWERED;
    return call_wait(call, call->app->readers, work, 0, answer);
}
