/* query.h - a URL's query string as name/value pairs, percent-decoded ("+" is a space). */
#pragma once

#include "base/arena.h"

enum { QUERY_PARAMS_MAX = 32 };

/* WRONG is NULL, or what is wrong with the pair, such as "is given twice"; then there is no value. A name that cannot be
 * decoded is as it was sent, cut, and '?' for what is not visible ASCII. */
struct query_param {
    struct text name, value;
    const char *wrong;
};

/* Pairs in the order written; memory of the arena. */
struct query {
    struct query_param params[QUERY_PARAMS_MAX + 1];
    size_t count;
};

/* Splits TEXT (without "?"). Wrong are broken escapes, decoded NUL or invalid UTF-8, a name given before, and the pair past
 * QUERY_PARAMS_MAX, which is the last one looked at. Empty text is an empty query. */
void query_parse(struct text text, struct arena *arena, struct query *query);

/* The value of NAME, or ptr NULL when it is not there or wrong. Pure. */
struct text query_get(const struct query *query, const char *name);
