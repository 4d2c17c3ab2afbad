/* problem.c - the table of problems, and their JSON. */
#include "fcgi/problem.h"
#include "base/log.h"

static const struct {
    int status;
    const char *code; /* the word for programs */
    const char *type; /* the page for people */
    const char *title;
} problems[PROBLEMS] = {
    [PROBLEM_VALIDATION_FAILED] = { 400, "validation_failed", "validation-failed", "The request is not valid" },
    [PROBLEM_KEY_MISSING] = { 400, "idempotency_key_missing", "idempotency-key-missing", "An Idempotency-Key is needed" },
    [PROBLEM_KEY_INVALID] = { 400, "idempotency_key_invalid", "idempotency-key-invalid",
                              "The Idempotency-Key is not valid" },
    [PROBLEM_KEY_REUSED] = { 422, "idempotency_key_reused", "idempotency-key-reused",
                             "The Idempotency-Key belongs to another order" },
    [PROBLEM_IN_PROGRESS] = { 409, "request_in_progress", "request-in-progress", "A request with this key is in progress" },
    [PROBLEM_BAD_REQUEST] = { 400, "bad_request", "bad-request", "The request cannot be read" },
    [PROBLEM_NOT_FOUND] = { 404, "not_found", "not-found", "Not found" },
    [PROBLEM_METHOD_NOT_ALLOWED] = { 405, "method_not_allowed", "method-not-allowed", "Method not allowed" },
    [PROBLEM_NOT_CANCELLABLE] = { 409, "not_cancellable", "not-cancellable", "The order can no longer be cancelled" },
    [PROBLEM_PAYLOAD_TOO_LARGE] = { 413, "payload_too_large", "payload-too-large", "The body is too large" },
    [PROBLEM_MEDIA_TYPE] = { 415, "unsupported_media_type", "unsupported-media-type", "The media type is not supported" },
    [PROBLEM_INTERNAL] = { 500, "internal", "internal", "Internal error" },
    [PROBLEM_UNAVAILABLE] = { 503, "unavailable", "unavailable", "Temporarily unavailable" },
    [PROBLEM_BACKLOG_FULL] = { 503, "backlog_full", "backlog-full", "Too many orders wait" },
};

void violation_add(struct violations *violations, struct text pointer, struct text detail)
{
    if (violations->count == violations->room) {
        size_t room = violations->room ? violations->room * 2 : 16;
        struct violation *list = arena_array(violations->arena, room, sizeof *list);

        if (violations->count > 0)
            memcpy(list, violations->list, violations->count * sizeof *list);
        violations->list = list;
        violations->room = room;
    }
    violations->list[violations->count++] = (struct violation){ pointer, detail };
}

static void append_violations(struct buf *buf, const struct violations *violations)
{
    buf_str(buf, ",\"errors\":[");
    for (size_t i = 0; i < violations->count; i++) {
        buf_str(buf, i ? ",{\"pointer\":" : "{\"pointer\":");
        buf_json_string(buf, violations->list[i].pointer);
        buf_str(buf, ",\"detail\":");
        buf_json_string(buf, violations->list[i].detail);
        buf_char(buf, '}');
    }
    buf_char(buf, ']');
}

/* Made by the web server, never by the client. */
static struct text request_id(const struct request *request)
{
    struct text id;

    request_param(request, "HTTP_X_REQUEST_ID", &id);
    return id;
}

static void answer(const struct request *request, struct response *response, enum problem problem, struct text detail,
                   const struct violations *violations)
{
    struct buf buf = BUF_IN(request->arena);

    buf_printf(&buf, "{\"type\":\"/problems/%s\",\"title\":\"%s\",\"status\":%d,\"detail\":", problems[problem].type,
               problems[problem].title, problems[problem].status);
    buf_json_string(&buf, detail);
    buf_printf(&buf, ",\"code\":\"%s\",\"requestId\":", problems[problem].code);
    buf_json_string(&buf, request_id(request));
    if (violations)
        append_violations(&buf, violations);
    buf_char(&buf, '}');

    response->status = problems[problem].status;
    response->content_type = "application/problem+json";
    response->body = buf_view(&buf);
    response_header(response, "Cache-Control", TEXT("no-store"));
    if (problem == PROBLEM_UNAVAILABLE || problem == PROBLEM_IN_PROGRESS)
        response_header(response, "Retry-After", TEXT("1"));
    if (problem == PROBLEM_BACKLOG_FULL)
        response_header(response, "Retry-After", TEXT("10"));
}

void problem_answer(const struct request *request, struct response *response, enum problem problem, struct text detail,
                    const struct violations *violations)
{
    struct log_context context = { .request_id = request_id(request).ptr };

    answer(request, response, problem, detail, violations);
    log_write(LOG_INFO, &context, "%.*s %.*s: %d %s: %.*s", TEXT_FMT(request->method), TEXT_FMT(request->path),
              problems[problem].status, problems[problem].code, TEXT_FMT(detail));
}

void problem_answer_fault(const struct request *request, struct response *response, const struct fault *fault)
{
    struct log_context context = { .request_id = request_id(request).ptr };
    bool later = fault_is_retryable(fault) || fault->kind == FAULT_UNKNOWN;

    if (later)
        answer(request, response, PROBLEM_UNAVAILABLE,
               TEXT("The service cannot take this request now. Send it again in a second."), NULL);
    else
        answer(request, response, PROBLEM_INTERNAL,
               TEXT("The request failed for a reason that is not yours. Quote the request id when asking for help."), NULL);
    log_write(later ? LOG_WARN : LOG_ERROR, &context, "%.*s %.*s: %d: %s %s: %s", TEXT_FMT(request->method),
              TEXT_FMT(request->path), response->status, fault_kind_name(fault->kind), fault->code, fault->detail);
}
