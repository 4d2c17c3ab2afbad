/* http_server.c - the one file that knows libmicrohttpd. */
#include "io/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>

struct http_server {
    struct MHD_Daemon *daemon;
    struct http_server_probes probes;
};

struct answer {
    unsigned status;
    const char *type;
    struct buf body;
};

static void answer_state(struct answer *answer, bool good, struct text detail)
{
    answer->status = good ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
    answer->type = "application/json";
    buf_printf(&answer->body, "{\"status\":\"%s\"", good ? "ok" : "unavailable");
    if (detail.len) {
        buf_str(&answer->body, ",\"detail\":");
        buf_text(&answer->body, detail);
    }
    buf_str(&answer->body, "}\n");
}

static void answer_liveness(const struct http_server_probes *probes, struct answer *answer)
{
    answer_state(answer, probes->alive(probes->context), (struct text){ 0 });
}

static void answer_readiness(const struct http_server_probes *probes, struct answer *answer)
{
    struct buf detail = BUF_IN(answer->body.arena);
    bool good = probes->ready(probes->context, &detail);

    answer_state(answer, good, buf_view(&detail));
}

static void answer_metrics(const struct http_server_probes *probes, struct answer *answer)
{
    answer->status = MHD_HTTP_OK;
    answer->type = "text/plain; version=0.0.4; charset=utf-8";
    probes->metrics(probes->context, &answer->body);
}

static const struct {
    const char *path;
    void (*answer)(const struct http_server_probes *, struct answer *);
} pages[] = {
    { "/liveness", answer_liveness },
    { "/readiness", answer_readiness },
    { "/metrics", answer_metrics },
};

static void answer_error(struct answer *answer, unsigned status, const char *title)
{
    answer->status = status;
    answer->type = "application/problem+json";
    buf_printf(&answer->body, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u}\n", title, status);
}

static void answer_request(const struct http_server *server, const char *path, const char *method, struct answer *answer)
{
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        answer_error(answer, MHD_HTTP_METHOD_NOT_ALLOWED, "Method Not Allowed");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        if (strcmp(path, pages[i].path) == 0) {
            pages[i].answer(&server->probes, answer);
            return;
        }
    }
    answer_error(answer, MHD_HTTP_NOT_FOUND, "Not Found");
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, const struct answer *answer)
{
    struct text body = buf_view(&answer->body);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)body.ptr, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result;

    if (!response)
        return MHD_NO;
    result = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
    if (result == MHD_YES && answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        result = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    if (result == MHD_YES)
        result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

/* libmicrohttpd calls once with the headers, then with each piece of a body, then to have the answer: a body is read away
 * unseen, and what is remembered between the calls is no more than that the first one was there. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *upload, size_t *upload_len, void **seen)
{
    static int mark;
    ARENA_SCOPE arena = { 0 };
    struct answer answer = { .body = BUF_IN(&arena) };

    (void)version, (void)upload;
    if (!*seen) {
        *seen = &mark;
        return MHD_YES;
    }
    if (*upload_len) {
        *upload_len = 0;
        return MHD_YES;
    }
    answer_request(context, path, method, &answer);
    return send_answer(connection, &answer);
}

struct http_server *http_server_start(const char *address, int port, const struct http_server_probes *probes,
                                      struct fault *fault)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct http_server *server;

    if (inet_pton(AF_INET, address, &at.sin_addr) != 1) {
        fault_set(fault, FAULT_PERMANENT, "http_address", "\"%s\" is no IPv4 address; write 127.0.0.1 or 0.0.0.0", address);
        return NULL;
    }
    server = calloc(1, sizeof *server);
    if (!server)
        abort(); /* as arena_alloc */
    server->probes = *probes;
    server->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, (uint16_t)port, NULL, NULL, on_request, server,
                                      MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&at, MHD_OPTION_CONNECTION_LIMIT, 64u,
                                      MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_END);
    if (!server->daemon) {
        fault_set(fault, FAULT_PERMANENT, "http_listen", "cannot listen on %s:%d: %m", address, port);
        free(server);
        return NULL;
    }
    return server;
}

void http_server_stop(struct http_server *server)
{
    if (!server)
        return;
    MHD_stop_daemon(server->daemon);
    free(server);
}
