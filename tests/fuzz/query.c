/* query.c - query strings: what was understood, written with every byte escaped, is understood alike. */
#include "model/query.h"
#include "base/hex.h"
#include "base/utf8.h"
#include "tests/fuzz/fuzz.h"

static void escape(struct buf *buf, struct text text)
{
    for (size_t i = 0; i < text.len; i++)
        buf_printf(buf, "%%%02X", (unsigned)(unsigned char)text.ptr[i]);
}

static struct text write_query(const struct query *query, struct arena *arena)
{
    struct buf buf = BUF_IN(arena);

    for (size_t i = 0; i < query->count; i++) {
        escape(&buf, query->params[i].name);
        buf_char(&buf, '=');
        escape(&buf, query->params[i].value);
        buf_char(&buf, '&');
    }
    return buf_view(&buf);
}

static void check_text(struct text text)
{
    PROPERTY(text.ptr != NULL);
    PROPERTY(utf8_is_valid(text));
    PROPERTY(memchr(text.ptr, '\0', text.len) == NULL);
}

static void check_pairs(const struct query *query, struct arena *arena)
{
    struct query again;

    PROPERTY(query->count <= QUERY_PARAMS_MAX);
    query_parse(write_query(query, arena), arena, &again);
    PROPERTY(again.count == query->count);
    for (size_t i = 0; i < query->count; i++) {
        const struct query_param *param = &query->params[i];

        check_text(param->name);
        check_text(param->value);
        PROPERTY(!again.params[i].wrong);
        PROPERTY(text_equal(again.params[i].name, param->name));
        PROPERTY(text_equal(again.params[i].value, param->value));
        PROPERTY(text_equal(query_get(query, arena_copy(arena, param->name).ptr), param->value));
    }
}

/* Takes what is wrong out of QUERY; each such pair has a name that can be told, and no value. */
static void drop_wrong(struct query *query)
{
    size_t kept = 0;

    PROPERTY(query->count <= QUERY_PARAMS_MAX + 1);
    for (size_t i = 0; i < query->count; i++) {
        if (query->params[i].wrong) {
            check_text(query->params[i].name);
            PROPERTY(query->params[i].value.ptr == NULL);
        } else {
            query->params[kept++] = query->params[i];
        }
    }
    query->count = kept;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE arena = { 0 };
    struct query query;

    query_parse(text_of_input(data, size), &arena, &query);
    drop_wrong(&query);
    check_pairs(&query, &arena);
    return 0;
}
