#include "model/idempotency_key.h"

static bool invalid(struct fault *fault, const char *what)
{
    return fault_set(fault, FAULT_INVALID, "idempotency_key_invalid", "Idempotency-Key %s", what);
}

/* What stands inside the quotes of the sf-string HEADER, its escapes resolved into OUT. */
static bool unquote(struct text header, char *out, size_t *len, struct fault *fault)
{
    size_t last = header.len - 1; /* where the closing quote has to be */

    *len = 0;
    for (size_t i = 1; i < header.len; i++) {
        char c = header.ptr[i];

        if (c == '"')
            return i == last ? true : invalid(fault, "has text behind the closing quote");
        if (c == '\\') {
            if (++i == header.len || (header.ptr[i] != '"' && header.ptr[i] != '\\'))
                return invalid(fault, "escapes something else than a quote or a backslash");
            c = header.ptr[i];
        }
        out[(*len)++] = c;
    }
    return invalid(fault, "has no closing quote");
}

bool idempotency_key_parse(struct text header, struct arena *arena, struct text *key, struct fault *fault)
{
    struct text value = header;

    if (header.len > 0 && header.ptr[0] == '"') {
        char *out = arena_alloc(arena, header.len);

        value.ptr = out;
        if (!unquote(header, out, &value.len, fault))
            return false;
    }
    if (value.len == 0)
        return invalid(fault, "is empty");
    if (value.len > IDEMPOTENCY_KEY_MAX)
        return invalid(fault, "is longer than 255 characters");
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < 0x21 || value.ptr[i] > 0x7E)
            return invalid(fault, "takes visible ASCII characters only, and only one header");
    }
    *key = value;
    return true;
}
