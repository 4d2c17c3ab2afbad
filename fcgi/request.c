/* request.c - parameters of a request, and the text of an answer. */
#include "fcgi/request.h"

size_t request_param(const struct request *request, const char *name, struct text *value)
{
    size_t name_len = strlen(name);
    size_t found = 0;

    *value = (struct text){ 0 };
    for (const char *const *param = request->params; *param; param++) {
        if (strncmp(*param, name, name_len) != 0 || (*param)[name_len] != '=')
            continue;
        if (found++ == 0)
            *value = text_of(*param + name_len + 1);
    }
    return found;
}

bool request_is_head(const struct request *request)
{
    return text_is(request->method, "HEAD");
}

void response_header(struct response *response, const char *name, struct text value)
{
    buf_str(&response->headers, name);
    buf_str(&response->headers, ": ");
    buf_text(&response->headers, value);
    buf_str(&response->headers, "\r\n");
}

void response_json(struct response *response, int status, struct text body)
{
    response->status = status;
    response->content_type = "application/json";
    response->body = body;
}

/* "Status" for one that this server never sends. */
static const char *status_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        { 200, "OK" },
        { 201, "Created" },
        { 304, "Not Modified" },
        { 400, "Bad Request" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 409, "Conflict" },
        { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" },
        { 422, "Unprocessable Content" },
        { 500, "Internal Server Error" },
        { 503, "Service Unavailable" },
    };

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Status";
}

struct text response_format(const struct response *response, struct arena *arena, bool head)
{
    struct buf out = BUF_IN(arena);

    buf_reserve(&out, response->headers.len + response->body.len + 256);
    buf_printf(&out, "Status: %d %s\r\n", response->status, status_reason(response->status));
    if (response->content_type) {
        buf_str(&out, "Content-Type: ");
        buf_str(&out, response->content_type);
        buf_str(&out, "\r\nContent-Length: ");
        buf_int64(&out, (int64_t)response->body.len);
        buf_str(&out, "\r\n");
    }
    buf_text(&out, buf_view(&response->headers));
    buf_str(&out, "\r\n");
    if (!head)
        buf_text(&out, response->body);
    return buf_view(&out);
}
