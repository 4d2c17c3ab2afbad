#include "model/query.h"
#include "base/hex.h"
#include "base/utf8.h"

enum { SHOWN_MAX = 40 };

/* Refuses parameter RAW, named as it was sent; what a message cannot show becomes '?'. */
static bool refuse(struct fault *fault, struct text raw, const char *what)
{
    char shown[SHOWN_MAX + 1];
    size_t len = raw.len < SHOWN_MAX ? raw.len : SHOWN_MAX;

    for (size_t i = 0; i < len; i++)
        shown[i] = raw.ptr[i] > 0x20 && raw.ptr[i] < 0x7F ? raw.ptr[i] : '?';
    shown[len] = '\0';
    return fault_set(fault, FAULT_INVALID, "query_invalid", "query parameter '%s' %s", shown, what);
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

bool query_parse(struct text text, struct arena *arena, struct query *query, struct fault *fault)
{
    query->count = 0;
    while (text.len > 0) {
        struct text value = take_until(&text, '&');
        struct text name = value.len > 0 ? take_until(&value, '=') : value;
        struct query_param param;
        const char *wrong;

        if (name.len == 0 && value.len == 0) /* as in "a=1&&b=2" */
            continue;
        wrong = decode(name, arena, &param.name);
        if (!wrong)
            wrong = decode(value, arena, &param.value);
        if (!wrong && find(query, param.name))
            wrong = "is given twice";
        if (!wrong && query->count == QUERY_PARAMS_MAX)
            wrong = "is one too many";
        if (wrong)
            return refuse(fault, name, wrong);
        query->params[query->count++] = param;
    }
    return true;
}

struct text query_get(const struct query *query, const char *name)
{
    const struct query_param *param = find(query, text_of(name));

    return param ? param->value : (struct text){ NULL, 0 };
}
