/* fastcgi.c - libfcgi, but for its accept: that one cannot be stopped once several threads sit in it.
 *
 * Each thread waits for the listening socket and the stop descriptor, accepts by itself, and hands libfcgi the connection.
 * One request a connection: a kept one would own its thread while it idles, and the web server's idle ones would starve the
 * others. Threads wait by epoll with EPOLLEXCLUSIVE, since poll would wake every idle thread for each connection. */
#include "fcgi/fastcgi.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/stop.h"
#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { ACCEPT_PAUSE_MS = 20 }; /* after want of descriptors or memory: others will give some back */

struct fastcgi {
    struct fastcgi_options options;
    int started;
    pthread_t threads[];
};

/* Waits for a connection; -1 once stopping was asked for. */
static int connection_wait(int epoll, int listen_fd)
{
    for (;;) {
        struct epoll_event event;
        int fd;

        if (stop_requested())
            return -1;
        if (epoll_wait(epoll, &event, 1, -1) < 0)
            continue;
        if (stop_requested())
            return -1;
        fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            return fd;
        if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
            continue; /* another thread was faster, or the peer has gone */
        log_error("fastcgi: accept: %m; trying again");
        stop_wait_ms(ACCEPT_PAUSE_MS);
    }
}

static void connection_limit(int fd, int timeout_ms)
{
    struct timeval limit = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000L };

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

/* Content-Length as a number; empty or absent is 0. False for anything else than digits. */
static bool announced_length(const struct request *request, size_t *length)
{
    struct text value;

    *length = 0;
    request_param(request, "CONTENT_LENGTH", &value);
    if (value.len > 18)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return false;
        *length = *length * 10 + (size_t)(value.ptr[i] - '0');
    }
    return true;
}

/* libfcgi ends a body where the peer ends it, whatever was announced: compare. */
static void read_body(struct request *request, FCGX_Stream *in, size_t max)
{
    size_t announced;
    char *bytes;
    int got;

    if (!announced_length(request, &announced)) {
        request->body_state = BODY_CUT;
        return;
    }
    if (announced > max) {
        request->body_state = BODY_TOO_LONG;
        return;
    }
    bytes = arena_alloc(request->arena, announced + 1);
    got = FCGX_GetStr(bytes, (int)announced + 1, in); /* one more than announced, to see whether there is more */
    request->body = (struct text){ bytes, got > 0 ? (size_t)got : 0 };
    request->body_state = request->body.len == announced ? BODY_WHOLE : BODY_CUT;
}

static struct request read_request(FCGX_Request *raw, struct arena *arena, size_t body_max)
{
    struct request request = { .arena = arena, .params = (const char *const *)raw->envp };

    request_param(&request, "REQUEST_METHOD", &request.method);
    request_param(&request, "DOCUMENT_URI", &request.path);
    request_param(&request, "QUERY_STRING", &request.query);
    read_body(&request, raw->in, body_max);
    return request;
}

/* Reads, answers and closes one connection. */
static void serve(const struct fastcgi_options *options, void *own, struct arena *arena, FCGX_Request *raw, int fd)
{
    struct request request;
    struct response response = { .headers = BUF_IN(arena) };
    struct text out;

    connection_limit(fd, options->io_timeout_ms);
    raw->ipcFd = fd;
    raw->keepConnection = 1; /* or the call below closes it before it reads */
    if (FCGX_Accept_r(raw) < 0)
        return; /* no FastCGI request came; libfcgi has closed the connection */

    request = read_request(raw, arena, options->body_max);
    options->answer(own, &request, &response);
    out = response_format(&response, arena, request_is_head(&request));
    if (out.len > INT_MAX || FCGX_PutStr(out.ptr, (int)out.len, raw->out) != (int)out.len)
        log_warn("fastcgi: the web server took no answer");
    raw->keepConnection = 0;
    FCGX_Finish_r(raw);
    (void)failpoint_hit("api.after_reply");
}

static bool watch(int epoll, int fd, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.fd = fd };

    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void *thread_main(void *argument)
{
    struct fastcgi *fastcgi = argument;
    const struct fastcgi_options *options = &fastcgi->options;
    ARENA_SCOPE arena = { 0 };
    FCGX_Request raw;
    void *own = options->enter(options->context);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int fd;

    if (epoll < 0 || !watch(epoll, options->listen_fd, EPOLLIN | EPOLLEXCLUSIVE) || !watch(epoll, stop_fd(), EPOLLIN)) {
        log_error("fastcgi: epoll: %m; descriptor 0 has to be the listening socket that spawn-fcgi opens");
        stop_request();
    }
    FCGX_InitRequest(&raw, -1, FCGI_FAIL_ACCEPT_ON_INTR);
    while ((fd = connection_wait(epoll, options->listen_fd)) >= 0) {
        serve(options, own, &arena, &raw, fd);
        arena_reset(&arena);
    }
    if (epoll >= 0)
        close(epoll);
    options->leave(own);
    return NULL;
}

struct fastcgi *fastcgi_start(const struct fastcgi_options *options, struct fault *fault)
{
    struct fastcgi *fastcgi;
    int flags = fcntl(options->listen_fd, F_GETFL);
    int listening = 0;
    socklen_t size = sizeof listening;

    if (getsockopt(options->listen_fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || !listening ||
        fcntl(options->listen_fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        fault_set(fault, FAULT_PERMANENT, "listen", "descriptor %d is no listening socket: start this program by spawn-fcgi",
                  options->listen_fd);
        return NULL;
    }
    /* libfcgi waits for the peer to close first; the web server does so at once, a hostile peer would hold the thread. */
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): no request has come, so no other thread does anything yet */
    setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "200", 1);
    if (FCGX_Init() != 0) {
        fault_set(fault, FAULT_PERMANENT, "fcgx_init", "libfcgi cannot start");
        return NULL;
    }
    fastcgi = calloc(1, sizeof *fastcgi + (size_t)options->threads * sizeof fastcgi->threads[0]);
    if (!fastcgi) {
        fault_set(fault, FAULT_PERMANENT, "memory", "out of memory");
        return NULL;
    }
    fastcgi->options = *options;
    while (fastcgi->started < options->threads) {
        int error = pthread_create(&fastcgi->threads[fastcgi->started], NULL, thread_main, fastcgi);

        if (error) {
            fault_set(fault, FAULT_PERMANENT, "thread", "thread %d of %d: %s; lower THREADS", fastcgi->started + 1,
                      options->threads, strerrordesc_np(error));
            stop_request();
            fastcgi_join(fastcgi);
            return NULL;
        }
        fastcgi->started++;
    }
    return fastcgi;
}

void fastcgi_join(struct fastcgi *fastcgi)
{
    for (int i = 0; i < fastcgi->started; i++)
        pthread_join(fastcgi->threads[i], NULL);
    free(fastcgi);
}
