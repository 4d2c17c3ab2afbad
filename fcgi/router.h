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
    struct text base;            /* the prefix in front: "/api/v1" */
    struct text id;              /* what stood for {id}, not checked; ptr NULL without */
    char allow[ROUTE_ALLOW_MAX]; /* ROUTE_NOT_ALLOWED: the value of the Allow header */
};

/* Pure; slices are those of PATH. */
enum route_verdict route_find(struct text method, struct text path, struct route_match *match);
