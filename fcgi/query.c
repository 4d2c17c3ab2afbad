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

bool query_do(struct call *call, query_run *run, void *into, struct fault *fault)
{
    struct query_work work = { .call = call, .run = run, .into = into };

    return batcher_do(call->app->queries, &work, call->deadline_ms, fault);
}
