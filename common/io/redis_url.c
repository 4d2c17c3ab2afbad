/* redis_url.c - a URL taken apart; see RFC 3986 for what its parts may hold. */
#include "io/redis_url.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

static bool refuse(struct fault *fault, const char *why)
{
    return fault_set(fault, FAULT_PERMANENT, "redis_url",
                     "the Redis URL %s; write redis://[user:password@]host[:port][/db] or unix:///path", why);
}

static bool copy_part(struct text part, char *into, size_t size)
{
    if (part.len >= size || memchr(part.ptr, '\0', part.len))
        return false;
    memcpy(into, part.ptr, part.len);
    into[part.len] = '\0';
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* As copy_part, with %XX decoded. */
static bool decode_part(struct text part, char *into, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < part.len; i++) {
        char c = part.ptr[i];

        if (c == '%') {
            int high = i + 2 < part.len ? hex_digit(part.ptr[i + 1]) : -1;
            int low = i + 2 < part.len ? hex_digit(part.ptr[i + 2]) : -1;

            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (len + 1 >= size)
            return false;
        into[len++] = c;
    }
    into[len] = '\0';
    return true;
}

static bool read_number(struct text digits, int max, int *value)
{
    int number = 0;

    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
        number = number * 10 + (digits.ptr[i] - '0');
        if (number > max)
            return false;
    }
    *value = number;
    return digits.len > 0;
}

/* Cuts TEXT at its first (or last) SEPARATOR: what stands before it is returned, what follows stays. Without one, TEXT is
 * left as it is and ptr is NULL. */
static struct text cut(struct text *text, char separator, bool last)
{
    const char *at = last ? memrchr(text->ptr, separator, text->len) : memchr(text->ptr, separator, text->len);
    struct text before = { at ? text->ptr : NULL, at ? (size_t)(at - text->ptr) : 0 };

    if (at)
        *text = (struct text){ at + 1, text->len - before.len - 1 };
    return before;
}

static bool parse_login(struct text login, struct redis_url *url)
{
    struct text user = cut(&login, ':', false);

    return user.ptr && decode_part(user, url->user, sizeof url->user) &&
           decode_part(login, url->password, sizeof url->password);
}

/* Letters, digits and MARKS: neither a name nor an address holds anything else. */
static bool is_host(struct text host, const char *marks)
{
    for (size_t i = 0; i < host.len; i++)
        if (!isalnum((unsigned char)host.ptr[i]) && !strchr(marks, host.ptr[i]))
            return false;
    return host.len > 0;
}

/* host, host:port, [IPv6] or [IPv6]:port. */
static bool parse_address(struct text address, struct redis_url *url)
{
    struct text host = address, port = { 0 };
    const char *marks = ".-_";

    if (address.len && address.ptr[0] == '[') {
        struct text rest = { address.ptr + 1, address.len - 1 };

        marks = ".:-_%"; /* an IPv6 address and its zone */
        host = cut(&rest, ']', false);
        if (!host.ptr || (rest.len && rest.ptr[0] != ':'))
            return false;
        if (rest.len)
            port = (struct text){ rest.ptr + 1, rest.len - 1 };
    } else {
        struct text rest = address, before = cut(&rest, ':', false);

        if (before.ptr) {
            host = before;
            port = rest;
        }
    }
    if (port.ptr && !read_number(port, UINT16_MAX, &url->port))
        return false;
    return is_host(host, marks) && url->port > 0 && copy_part(host, url->host, sizeof url->host);
}

bool redis_url_parse(const char *text, struct redis_url *url, struct fault *fault)
{
    static const char tcp[] = "redis://", tls[] = "rediss://", local[] = "unix://";
    struct text rest, login, address;

    *url = (struct redis_url){ .port = 6379 };
    if (strncmp(text, local, sizeof local - 1) == 0) {
        rest = text_of(text + sizeof local - 1);
        if (rest.len < 2 || rest.ptr[0] != '/' || !copy_part(rest, url->path, sizeof url->path))
            return refuse(fault, "needs the absolute path of a socket, up to 107 characters");
        return true;
    }
    if (strncmp(text, tls, sizeof tls - 1) == 0)
        return refuse(fault, "asks for TLS, which this build cannot do");
    if (strncmp(text, tcp, sizeof tcp - 1) != 0)
        return refuse(fault, "has an unknown scheme");

    rest = text_of(text + sizeof tcp - 1);
    login = cut(&rest, '@', true);
    if (login.ptr && !parse_login(login, url))
        return refuse(fault, "has an unreadable user or password");
    address = cut(&rest, '/', false);
    if (address.ptr) {
        if (rest.len && !read_number(rest, 1 << 20, &url->db))
            return refuse(fault, "has an unreadable database number");
    } else {
        address = rest;
    }
    if (!parse_address(address, url))
        return refuse(fault, "has an unreadable host or port");
    return true;
}
