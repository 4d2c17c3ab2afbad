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
    struct fault fault = { 0 };
    struct query again;

    PROPERTY(query->count <= QUERY_PARAMS_MAX);
    PROPERTY(query_parse(write_query(query, arena), arena, &again, &fault));
    PROPERTY(again.count == query->count);
    for (size_t i = 0; i < query->count; i++) {
        const struct query_param *param = &query->params[i];

        check_text(param->name);
        check_text(param->value);
        PROPERTY(text_equal(again.params[i].name, param->name));
        PROPERTY(text_equal(again.params[i].value, param->value));
        PROPERTY(text_equal(query_get(query, arena_copy(arena, param->name).ptr), param->value));
    }
}

/* A message is one line of plain ASCII, whatever it names. */
static void check_fault(const struct fault *fault)
{
    PROPERTY(fault->kind == FAULT_INVALID);
    PROPERTY(fault->detail[0] != '\0');
    for (const char *at = fault->detail; *at; at++)
        PROPERTY(*at >= 0x20 && *at < 0x7F);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE arena = { 0 };
    struct fault fault = { 0 };
    struct query query;

    if (query_parse(text_of_input(data, size), &arena, &query, &fault))
        check_pairs(&query, &arena);
    else
        check_fault(&fault);
    return 0;
}
