#include "model/email.h"

enum { LOCAL_MAX = 64, LABEL_MAX = 63 };

static bool invalid(struct fault *fault, const char *what)
{
    return fault_set(fault, FAULT_INVALID, "email_invalid", "the address %s", what);
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_atom(char c)
{
    return is_alphanumeric(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* Whether TEXT is made of parts between dots, none of them empty. */
static bool is_dotted(struct text text)
{
    char before = '.';

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '.' && before == '.')
            return false;
        before = text.ptr[i];
    }
    return before != '.';
}

static bool check_local(struct text local, struct fault *fault)
{
    if (local.len == 0 || local.len > LOCAL_MAX)
        return invalid(fault, "takes 1 to 64 characters before the @");
    for (size_t i = 0; i < local.len; i++)
        if (!is_atom(local.ptr[i]) && local.ptr[i] != '.')
            return invalid(fault, "takes letters, digits, dots and !#$%&'*+-/=?^_`{|}~ before the @");
    return is_dotted(local) || invalid(fault, "has a dot at an end or two in a row before the @");
}

static bool check_domain(struct text domain, struct fault *fault)
{
    size_t label = 0;

    for (size_t i = 0; i <= domain.len; i++) {
        if (i < domain.len && domain.ptr[i] != '.') {
            if (!is_alphanumeric(domain.ptr[i]) && domain.ptr[i] != '-')
                return invalid(fault, "takes letters, digits, dots and hyphens after the @");
            label++;
            continue;
        }
        if (label == 0 || label > LABEL_MAX || domain.ptr[i - label] == '-' || domain.ptr[i - 1] == '-')
            return invalid(fault, "has no host name after the @");
        label = 0;
    }
    return true;
}

struct text email_domain(struct text address)
{
    const char *at = memchr(address.ptr, '@', address.len);

    return (struct text){ at + 1, address.len - (size_t)(at + 1 - address.ptr) };
}

bool email_check(struct text address, struct fault *fault)
{
    const char *at = address.len > 0 ? memchr(address.ptr, '@', address.len) : NULL;

    if (!at)
        return invalid(fault, "has no @");
    if (address.len > EMAIL_MAX)
        return invalid(fault, "is longer than 254 characters");
    return check_local((struct text){ address.ptr, (size_t)(at - address.ptr) }, fault) &&
           check_domain(email_domain(address), fault);
}
