/* request.h - a request and its answer as the handlers see them; only fastcgi.c knows how they travel. */
#pragma once

#include "base/buf.h"

enum body_state {
    BODY_WHOLE,    /* body holds exactly what Content-Length announced */
    BODY_TOO_LONG, /* more than the server takes */
    BODY_CUT,      /* another length than announced */
};

/* Slices and arena live until the answer is written. */
struct request {
    struct arena *arena;
    struct text method;
    struct text path;  /* normalised by the web server, without the query */
    struct text query; /* without "?" */
    struct text body;
    enum body_state body_state;
    const char *const *params; /* "NAME=value" as in CGI/1.1, NULL-terminated; a name may occur twice */
};

/* How often NAME ("CONTENT_TYPE", "HTTP_IDEMPOTENCY_KEY") was sent; *VALUE is the first, ptr NULL when there is none. */
size_t request_param(const struct request *request, const char *name, struct text *value);

/* HEAD is answered like GET, without the body. */
bool request_is_head(const struct request *request);

struct response {
    int status;
    const char *content_type; /* NULL: no body */
    struct buf headers;       /* further lines, each ended by CRLF */
    struct text body;
};

/* Adds a header; VALUE never holds bytes of a client that were not checked. */
void response_header(struct response *response, const char *name, struct text value);

void response_json(struct response *response, int status, struct text body);

/* The answer in the form of CGI/1.1, body included unless HEAD. */
struct text response_format(const struct response *response, struct arena *arena, bool head);
