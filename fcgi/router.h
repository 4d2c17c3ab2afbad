/* router.h - which handler a method and path belong to: one table. */
#pragma once

#include "fcgi/call.h"

enum route_verdict {
    ROUTE_FOUND,
    ROUTE_UNKNOWN,     /* no such path */
    ROUTE_NOT_ALLOWED, /* the path exists, with other methods */
};

enum { ROUTE_ALLOW_MAX = 64 };

struct route_match {
    handler *handle;
    size_t route;                /* its number, from 1; 0 where nothing was found */
    struct text base;            /* the prefix in front: "/api/v1" */
    struct text id;              /* what stood for {id}, not checked; ptr NULL without */
    char allow[ROUTE_ALLOW_MAX]; /* ROUTE_NOT_ALLOWED: the value of the Allow header */
};

/* What metrics call a route. */
struct route_name {
    const char *method, *path;
};

/* Routes are numbered from 1 in the order of the table; 0 stands for requests that fit none, and counts too. */
size_t route_count(void);
struct route_name route_name(size_t route);

/* Pure; slices are those of PATH. */
enum route_verdict route_find(struct text method, struct text path, struct route_match *match);
