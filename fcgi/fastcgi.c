/* fastcgi.c - libfcgi, but for its accept: that one cannot be stopped once several threads sit in it.
 *
 * Each thread accepts by itself, waits for the listening socket and the stop descriptor where there is nothing to accept,
 * and hands libfcgi the connection. One request a connection. Threads wait by epoll with EPOLLEXCLUSIVE, since poll would
 * wake every idle thread for each connection.
 *
 * A request is read into a slot and stays there until its answer is written; libfcgi does not mind which thread that is. */
#include "fcgi/fastcgi.h"
#include "base/clock.h"
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
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    ACCEPT_PAUSE_MS = 20,     /* after want of descriptors or memory: others will give some back */
    SOCKET_TAKES = 64 * 1024, /* bytes of an answer that a socket's buffer takes for certain, whether or not they are read */
};

struct slot {
    struct exchange exchange; /* first: fastcgi_answer finds its slot by it */
    FCGX_Request raw;
    struct arena arena;
    struct fastcgi *fastcgi;
    SLIST_ENTRY(slot) link;
};

struct fastcgi {
    struct fastcgi_options options;
    struct slot *slots;   /* one more for each thread than requests may be under way: for those that are refused */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t ended;
    SLIST_HEAD(, slot) free;
    int under_way;
    int running; /* threads */
    int started;
    pthread_t threads[];
};

/* ---- slots ---- */

/* The last one used comes first: its memory is warm. */
static struct slot *slot_take(struct fastcgi *fastcgi)
{
    struct slot *slot;

    pthread_mutex_lock(&fastcgi->lock);
    slot = SLIST_FIRST(&fastcgi->free);
    SLIST_REMOVE_HEAD(&fastcgi->free, link);
    slot->exchange = (struct exchange){ .crowded = ++fastcgi->under_way > fastcgi->options.requests_max };
    pthread_mutex_unlock(&fastcgi->lock);
    return slot;
}

static bool has_ended(const struct fastcgi *fastcgi)
{
    return fastcgi->running == 0 && fastcgi->under_way == 0;
}

static void slot_give(struct slot *slot)
{
    struct fastcgi *fastcgi = slot->fastcgi;

    arena_reset(&slot->arena);
    pthread_mutex_lock(&fastcgi->lock);
    SLIST_INSERT_HEAD(&fastcgi->free, slot, link);
    fastcgi->under_way--;
    if (has_ended(fastcgi))
        pthread_cond_signal(&fastcgi->ended);
    pthread_mutex_unlock(&fastcgi->lock);
}

/* ---- reading ---- */

/* Where a thread lets connections in. */
struct door {
    int listen_fd;
    int epoll;
    int spare;   /* a descriptor kept for when there are none: room for one more connection, to say so; -1: given away */
    bool failed; /* accept has, and it was told */
};

static void spare_open(struct door *door)
{
    if (door->spare < 0)
        door->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* True where there was one to give. */
static bool spare_give(struct door *door)
{
    if (door->spare < 0)
        return false;
    close(door->spare);
    door->spare = -1;
    return true;
}

/* The next connection; -1 once stopping was asked for. Linux finds the descriptor before it looks for a connection, so that
 * a thread may well wait without its spare one. */
static int connection_accept(struct door *door)
{
    struct epoll_event event;

    while (!stop_requested()) {
        int fd = accept4(door->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        bool used_up = fd < 0 && (errno == EMFILE || errno == ENFILE);

        if (fd >= 0) {
            door->failed = false;
            return fd;
        }
        if (errno == EAGAIN) {
            (void)epoll_wait(door->epoll, &event, 1, -1);
        } else if (errno != EINTR && errno != ECONNABORTED && !(used_up && spare_give(door))) {
            if (!door->failed)
                log_error("fastcgi: accept: %m; trying again");
            door->failed = true;
            stop_wait_ms(ACCEPT_PAUSE_MS);
        }
    }
    return -1;
}

static void connection_limit(int fd, int which, int timeout_ms)
{
    struct timeval limit = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000L };

    (void)setsockopt(fd, SOL_SOCKET, which, &limit, sizeof limit);
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

/* False where no FastCGI request came; libfcgi has closed the connection then. */
static bool read_request(struct slot *slot, int fd)
{
    const struct fastcgi_options *options = &slot->fastcgi->options;
    struct request *request = &slot->exchange.request;

    connection_limit(fd, SO_RCVTIMEO, options->io_timeout_ms);
    slot->raw.ipcFd = fd;
    slot->raw.keepConnection = 1; /* or the call below closes it before it reads */
    if (FCGX_Accept_r(&slot->raw) < 0)
        return false;
    request->arena = &slot->arena;
    request->params = (const char *const *)slot->raw.envp;
    request_param(request, "REQUEST_METHOD", &request->method);
    request_param(request, "DOCUMENT_URI", &request->path);
    request_param(request, "QUERY_STRING", &request->query);
    read_body(request, slot->raw.in, options->body_max);
    slot->exchange.response.headers = BUF_IN(&slot->arena);
    return true;
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
    struct door door = { .listen_fd = options->listen_fd, .epoll = epoll_create1(EPOLL_CLOEXEC), .spare = -1 };
    int fd;

    spare_open(&door);
    if (door.epoll < 0 || !watch(door.epoll, door.listen_fd, EPOLLIN | EPOLLEXCLUSIVE) ||
        !watch(door.epoll, stop_fd(), EPOLLIN)) {
        log_error("fastcgi: epoll: %m; descriptor 0 has to be the listening socket that spawn-fcgi opens");
        stop_request();
    }
    while ((fd = connection_accept(&door)) >= 0) {
        struct slot *slot = slot_take(fastcgi);

        spare_open(&door);
        if (door.spare < 0)
            slot->exchange.crowded = true; /* answered and closed before this thread lets the next one in */
        if (read_request(slot, fd))
            options->take(options->context, &slot->exchange);
        else
            slot_give(slot);
    }
    if (door.epoll >= 0)
        close(door.epoll);
    (void)spare_give(&door);
    pthread_mutex_lock(&fastcgi->lock);
    fastcgi->running--;
    if (has_ended(fastcgi))
        pthread_cond_signal(&fastcgi->ended);
    pthread_mutex_unlock(&fastcgi->lock);
    return NULL;
}

/* ---- answering ---- */

/* Writes TEXT and closes the connection. By itself libfcgi would wait for the peer to close first, lest bytes that were not
 * read reset a TCP connection; where all was read there is nothing to wait for. */
static void finish(struct slot *slot, struct text text)
{
    if (FCGX_PutStr(text.ptr, (int)text.len, slot->raw.out) != (int)text.len)
        log_warn("fastcgi: the web server took no answer");
    slot->raw.keepConnection = 0;
    if (slot->exchange.request.body_state == BODY_WHOLE)
        FCGX_Detach(&slot->raw);
    FCGX_Finish_r(&slot->raw);
    (void)failpoint_hit("api.after_reply");
    slot_give(slot);
}

struct long_answer {
    struct slot *slot;
    struct text text;
};

static void *long_answer_main(void *argument)
{
    const struct long_answer *answer = argument; /* in the slot's arena */

    finish(answer->slot, answer->text);
    return NULL;
}

/* What the socket does not take at once goes as fast as the client reads, and with a thread of its own. */
static bool finish_apart(struct slot *slot, struct text text)
{
    struct long_answer *answer = arena_alloc(&slot->arena, sizeof *answer);
    pthread_t thread;

    *answer = (struct long_answer){ slot, text };
    connection_limit(slot->raw.ipcFd, SO_SNDTIMEO, slot->fastcgi->options.io_timeout_ms);
    if (pthread_create(&thread, NULL, long_answer_main, answer) != 0)
        return false;
    pthread_detach(thread);
    return true;
}

void fastcgi_answer(struct exchange *exchange)
{
    struct slot *slot = (struct slot *)exchange;
    struct text text = response_format(&exchange->response, &slot->arena, request_is_head(&exchange->request));

    if (text.len > INT_MAX)
        text.len = INT_MAX; /* never: pages of orders are bounded */
    if (text.len <= SOCKET_TAKES || !finish_apart(slot, text))
        finish(slot, text);
}

/* ---- start and end ---- */

static bool prepare(const struct fastcgi_options *options, struct fault *fault)
{
    int flags = fcntl(options->listen_fd, F_GETFL);
    int listening = 0;
    socklen_t size = sizeof listening;

    if (getsockopt(options->listen_fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || !listening ||
        fcntl(options->listen_fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return fault_set(fault, FAULT_PERMANENT, "listen",
                         "descriptor %d is no listening socket: start this program by spawn-fcgi", options->listen_fd);
    /* Where a body was not read whole, libfcgi waits for the peer to close first; a hostile one would hold the thread. */
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): no request has come, so no other thread does anything yet */
    setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "200", 1);
    return FCGX_Init() == 0 || fault_set(fault, FAULT_PERMANENT, "fcgx_init", "libfcgi cannot start");
}

static struct fastcgi *allocate(const struct fastcgi_options *options)
{
    struct fastcgi *fastcgi = calloc(1, sizeof *fastcgi + (size_t)options->threads * sizeof fastcgi->threads[0]);
    size_t count = (size_t)options->requests_max + (size_t)options->threads;

    if (!fastcgi)
        abort(); /* at the start of the process: nothing is in work */
    fastcgi->options = *options;
    pthread_mutex_init(&fastcgi->lock, NULL);
    pthread_cond_init(&fastcgi->ended, NULL);
    fastcgi->slots = calloc(count, sizeof *fastcgi->slots);
    if (!fastcgi->slots)
        abort();
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = &fastcgi->slots[i];

        slot->fastcgi = fastcgi;
        FCGX_InitRequest(&slot->raw, -1, FCGI_FAIL_ACCEPT_ON_INTR);
        SLIST_INSERT_HEAD(&fastcgi->free, slot, link);
    }
    return fastcgi;
}

struct fastcgi *fastcgi_start(const struct fastcgi_options *options, struct fault *fault)
{
    struct fastcgi *fastcgi;

    if (!prepare(options, fault))
        return NULL;
    fastcgi = allocate(options);
    fastcgi->running = options->threads;
    while (fastcgi->started < options->threads) {
        int error = pthread_create(&fastcgi->threads[fastcgi->started], NULL, thread_main, fastcgi);

        if (error) {
            fault_set(fault, FAULT_PERMANENT, "thread", "thread %d of %d: %s; lower THREADS", fastcgi->started + 1,
                      options->threads, strerrordesc_np(error));
            break;
        }
        fastcgi->started++;
    }
    if (fastcgi->started == options->threads)
        return fastcgi;
    pthread_mutex_lock(&fastcgi->lock);
    fastcgi->running -= options->threads - fastcgi->started;
    pthread_mutex_unlock(&fastcgi->lock);
    stop_request();
    while (!fastcgi_ended(fastcgi, INT_MAX))
        ;
    fastcgi_free(fastcgi);
    return NULL;
}

bool fastcgi_ended(struct fastcgi *fastcgi, int ms)
{
    int64_t until_ms = clock_mono_ms() + ms;
    struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };
    bool ended;

    pthread_mutex_lock(&fastcgi->lock);
    while (!(ended = has_ended(fastcgi)) &&
           pthread_cond_clockwait(&fastcgi->ended, &fastcgi->lock, CLOCK_MONOTONIC, &until) == 0)
        ;
    pthread_mutex_unlock(&fastcgi->lock);
    return ended;
}

void fastcgi_free(struct fastcgi *fastcgi)
{
    size_t count = (size_t)fastcgi->options.requests_max + (size_t)fastcgi->options.threads;

    for (int i = 0; i < fastcgi->started; i++)
        pthread_join(fastcgi->threads[i], NULL);
    for (size_t i = 0; i < count; i++)
        arena_free(&fastcgi->slots[i].arena);
    pthread_cond_destroy(&fastcgi->ended);
    pthread_mutex_destroy(&fastcgi->lock);
    free(fastcgi->slots);
    free(fastcgi);
}
