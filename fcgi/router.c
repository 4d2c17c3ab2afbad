/* router.c - the table of routes. */
#include "fcgi/router.h"
#include "fcgi/handlers.h"
#include <stdio.h>

enum group { ORDERS, UTILITY, OPERATION };

/* Where each group is found. */
static const struct {
    const char *prefix;
    enum group group;
} bases[] = {
    { "/api/v1", ORDERS },
    { "/api/external/v1", ORDERS },
    { "/api/utility", UTILITY },
    { "", OPERATION }, /* the web server brings these from a port that is not for clients */
};

/* The first pattern that fits a path decides what the path is, so "/orders/create" is no order named create. */
static const struct route {
    enum group group;
    const char *method;
    const char *pattern;
    handler *handle;
} routes[] = {
    { ORDERS, "POST", "/orders", handle_create },
    { ORDERS, "GET", "/orders", handle_list },
    { ORDERS, "POST", "/orders/create", handle_create },
    { ORDERS, "GET", "/orders/{id}", handle_read },
    { ORDERS, "POST", "/orders/{id}/cancel", handle_cancel },
    { ORDERS, "GET", "/orders/{id}/timeline", handle_timeline },
    { UTILITY, "GET", "/liveness", handle_liveness },
    { UTILITY, "GET", "/readiness", handle_readiness },
    { OPERATION, "GET", "/metrics", handle_metrics },
};

_Static_assert(ARRAY_LEN(routes) < METRICS_ROUTES, "each route has its line of metrics");

size_t route_count(void)
{
    return ARRAY_LEN(routes) + 1;
}

struct route_name route_name(size_t route)
{
    if (route == 0)
        return (struct route_name){ "", "other" };
    return (struct route_name){ routes[route - 1].method, routes[route - 1].pattern };
}

static struct text text_from(struct text text, size_t from)
{
    return (struct text){ text.ptr + from, text.len - from };
}

static bool text_starts(struct text text, struct text start)
{
    return text.len >= start.len && memcmp(text.ptr, start.ptr, start.len) == 0;
}

/* "{id}" stands for one or more characters other than '/'. */
static bool pattern_fits(struct text pattern, struct text path, struct text *id)
{
    static const struct text hole = TEXT("{id}");

    *id = (struct text){ 0 };
    while (pattern.len > 0) {
        if (text_starts(pattern, hole)) {
            const char *slash = memchr(path.ptr, '/', path.len);

            *id = (struct text){ path.ptr, slash ? (size_t)(slash - path.ptr) : path.len };
            if (id->len == 0)
                return false;
            path = text_from(path, id->len);
            pattern = text_from(pattern, hole.len);
        } else if (path.len > 0 && path.ptr[0] == pattern.ptr[0]) {
            path = text_from(path, 1);
            pattern = text_from(pattern, 1);
        } else {
            return false;
        }
    }
    return path.len == 0;
}

/* HEAD is welcome wherever GET is. */
static bool method_fits(const struct route *route, struct text method)
{
    return text_is(method, route->method) || (text_is(method, "HEAD") && strcmp(route->method, "GET") == 0);
}

static void allow_add(struct route_match *match, const struct route *route)
{
    size_t len = strlen(match->allow);

    snprintf(match->allow + len, sizeof match->allow - len, "%s%s%s", len > 0 ? ", " : "", route->method,
             strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
}

/* Looks for METHOD among the routes that share the first pattern fitting PATH. */
static enum route_verdict find_in_group(enum group group, struct text method, struct text path, struct route_match *match)
{
    const char *pattern = NULL;

    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        const struct route *route = &routes[i];

        if (route->group != group)
            continue;
        if (pattern ? strcmp(route->pattern, pattern) != 0 : !pattern_fits(text_of(route->pattern), path, &match->id))
            continue;
        pattern = route->pattern;
        if (method_fits(route, method)) {
            match->handle = route->handle;
            match->route = i + 1;
            return ROUTE_FOUND;
        }
        allow_add(match, route);
    }
    return pattern ? ROUTE_NOT_ALLOWED : ROUTE_UNKNOWN;
}

enum route_verdict route_find(struct text method, struct text path, struct route_match *match)
{
    *match = (struct route_match){ 0 };
    for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
        struct text prefix = text_of(bases[i].prefix);

        if (text_starts(path, prefix) && path.len > prefix.len && path.ptr[prefix.len] == '/') {
            match->base = (struct text){ path.ptr, prefix.len };
            return find_in_group(bases[i].group, method, text_from(path, prefix.len), match);
        }
    }
    return ROUTE_UNKNOWN;
}
