/* query.h - a URL's query string as name/value pairs, percent-decoded ("+" is a space). */
#pragma once

#include "base/arena.h"
#include "base/fault.h"

enum { QUERY_PARAMS_MAX = 32 };

struct query_param {
    struct text name, value;
};

/* Pairs in the order written; memory of the arena. */
struct query {
    struct query_param params[QUERY_PARAMS_MAX];
    size_t count;
};

/* Splits TEXT (without "?"). Refuses broken escapes, decoded NUL or invalid UTF-8, a name given twice, and more than
 * QUERY_PARAMS_MAX pairs; FAULT (FAULT_INVALID) names the parameter. Empty text is an empty query. */
MUST_CHECK bool query_parse(struct text text, struct arena *arena, struct query *query, struct fault *fault);

/* The value of NAME, or ptr NULL when it is not there. Pure. */
struct text query_get(const struct query *query, const char *name);
