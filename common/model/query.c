#include "model/query.h"
#include "base/hex.h"
#include "base/utf8.h"

enum { SHOWN_MAX = 40 };

/* RAW as a message can show it. */
static struct text shown(struct text raw, struct arena *arena)
{
    size_t len = raw.len < SHOWN_MAX ? raw.len : SHOWN_MAX;
    char *at = arena_alloc(arena, len + 1);

    for (size_t i = 0; i < len; i++)
        at[i] = raw.ptr[i] > 0x20 && raw.ptr[i] < 0x7F ? raw.ptr[i] : '?';
    at[len] = '\0';
    return (struct text){ at, len };
}

/* What is wrong with RAW, or NULL and OUT holds it decoded. */
static const char *decode(struct text raw, struct arena *arena, struct text *out)
{
    char *at = arena_alloc(arena, raw.len + 1);

    *out = (struct text){ at, 0 };
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i];

        if (c == '%') {
            int high = i + 2 < raw.len ? hex_value(raw.ptr[i + 1]) : -1;
            int low = i + 2 < raw.len ? hex_value(raw.ptr[i + 2]) : -1;

            if (high < 0 || low < 0)
                return "has a '%' that is not followed by two hexadecimal digits";
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        if (c == '\0')
            return "holds a NUL";
        *at++ = c;
    }
    out->len = (size_t)(at - out->ptr);
    return utf8_is_valid(*out) ? NULL : "is not UTF-8";
}

/* Takes the text in front of the next SEPARATOR off the front of REST, the separator too. */
static struct text take_until(struct text *rest, char separator)
{
    const char *found = memchr(rest->ptr, separator, rest->len);
    struct text taken = { rest->ptr, found ? (size_t)(found - rest->ptr) : rest->len };
    size_t used = taken.len + (found ? 1 : 0);

    rest->ptr += used;
    rest->len -= used;
    return taken;
}

static const struct query_param *find(const struct query *query, struct text name)
{
    for (size_t i = 0; i < query->count; i++) {
        if (text_equal(query->params[i].name, name))
            return &query->params[i];
    }
    return NULL;
}

static struct query_param read_pair(const struct query *query, struct text name, struct text value, struct arena *arena)
{
    struct query_param param = { 0 };

    param.wrong = decode(name, arena, &param.name);
    if (param.wrong) {
        param.name = shown(name, arena);
        return param;
    }
    param.wrong = decode(value, arena, &param.value);
    if (!param.wrong && find(query, param.name))
        param.wrong = "is given twice";
    if (!param.wrong && query->count == QUERY_PARAMS_MAX)
        param.wrong = "is one too many";
    if (param.wrong)
        param.value = (struct text){ NULL, 0 };
    return param;
}

void query_parse(struct text text, struct arena *arena, struct query *query)
{
    query->count = 0;
    while (text.len > 0 && query->count <= QUERY_PARAMS_MAX) {
        struct text value = take_until(&text, '&');
        struct text name = value.len > 0 ? take_until(&value, '=') : value;

        if (name.len == 0 && value.len == 0) /* as in "a=1&&b=2" */
            continue;
        query->params[query->count] = read_pair(query, name, value, arena);
        query->count++;
    }
}

struct text query_get(const struct query *query, const char *name)
{
    const struct query_param *param = find(query, text_of(name));

    return param ? param->value : (struct text){ NULL, 0 };
}
