/* query.c - a batcher of batches of one. */
#include "fcgi/query.h"
#include "fcgi/handlers.h"

struct query_work {
    struct call *call;
    query_run *run;
    void *into;
};

bool query_batch(void *context, struct pg *pg, struct arena *arena, void *const *works, size_t count, struct fault *fault)
{
    (void)context;
    (void)arena;
    for (size_t i = 0; i < count; i++) {
        const struct query_work *work = works[i];

        if (!work->run(pg, work->call, work->into, fault))
            return false;
    }
    return true;
}

enum call_state query_wait(struct call *call, query_run *run, void *into, call_step *then)
{
    struct query_work *work = arena_alloc(call->arena, sizeof *work);

    *work = (struct query_work){ .call = call, .run = run, .into = into };
    call->own = into;
    return call_wait(call, call->app->queries, work, 0, then);
}
