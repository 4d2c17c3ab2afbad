#include "base/stop.h"
#include "fcgi/fastcgi.h"
#include "tests/unit/unit.h"
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { REQUESTS_MAX = 32, SLOW = 4, BODY_MAX = 1000, LONG = 1024 * 1024, WAIT_MS = 60000 };

/* ---- a server whose requests wait until they are let go ---- */

/* Requests by path: "/now" is answered on the thread that took it, "/wait" goes to the queue, "/long" has a long answer. */
struct server {
    struct fastcgi *fastcgi;
    struct sockaddr_un address;
    int listen_fd;
    pthread_mutex_t lock;
    struct exchange *queue[REQUESTS_MAX];
    int waiting;
};

static void answer(struct exchange *exchange, int status, struct text body)
{
    response_json(&exchange->response, status, body);
    fastcgi_answer(exchange);
}

static void take(void *context, struct exchange *exchange)
{
    struct server *server = context;
    struct arena *arena = exchange->request.arena;

    if (exchange->crowded) {
        answer(exchange, 503, TEXT("crowded"));
    } else if (text_is(exchange->request.path, "/wait")) {
        pthread_mutex_lock(&server->lock);
        server->queue[server->waiting++] = exchange;
        pthread_mutex_unlock(&server->lock);
    } else if (text_is(exchange->request.path, "/long")) {
        answer(exchange, 200, (struct text){ memset(arena_alloc(arena, LONG), 'x', LONG), LONG });
    } else if (exchange->request.body_state != BODY_WHOLE) {
        answer(exchange, 400, TEXT("body"));
    } else {
        answer(exchange, 200, exchange->request.body);
    }
}

/* Answers what waits, from this thread. */
static void let_go(struct server *server)
{
    struct exchange *queue[REQUESTS_MAX];
    int count;

    pthread_mutex_lock(&server->lock);
    count = server->waiting;
    memcpy(queue, server->queue, sizeof queue);
    server->waiting = 0;
    pthread_mutex_unlock(&server->lock);
    for (int i = 0; i < count; i++)
        answer(queue[i], 201, TEXT("waited"));
}

static void server_start(struct server *server)
{
    struct fault fault = { 0 };
    struct fastcgi_options options = {
        .threads = 2,
        .requests_max = REQUESTS_MAX,
        .io_timeout_ms = WAIT_MS,
        .body_max = BODY_MAX,
        .take = take,
        .context = server,
    };

    *server = (struct server){ .lock = PTHREAD_MUTEX_INITIALIZER };
    server->address.sun_family = AF_UNIX;
    snprintf(server->address.sun_path + 1, sizeof server->address.sun_path - 1, "orderline-fastcgi-test-%d", getpid());
    server->listen_fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(server->listen_fd, (struct sockaddr *)&server->address, sizeof server->address), 0);
    assert_int_equal(listen(server->listen_fd, 64), 0);
    options.listen_fd = server->listen_fd;
    server->fastcgi = fastcgi_start(&options, &fault);
    assert_non_null(server->fastcgi);
}

/* ---- a web server ---- */

static size_t put_record(char *at, int type, const char *content, size_t len)
{
    const char head[8] = { 1, (char)type, 0, 1, (char)(len >> 8), (char)len, 0, 0 };

    memcpy(at, head, sizeof head);
    if (len > 0)
        memcpy(at + sizeof head, content, len);
    return sizeof head + len;
}

static size_t put_param(char *at, const char *name, const char *value)
{
    size_t name_len = strlen(name), value_len = strlen(value);

    at[0] = (char)name_len;
    at[1] = (char)value_len;
    memcpy(at + 2, name, name_len);
    memcpy(at + 2 + name_len, value, value_len);
    return 2 + name_len + value_len;
}

/* Sends a request for PATH; returns its connection. */
static int ask(const struct server *server, const char *path, const char *length, const char *body)
{
    static const char begin[8] = { 0, 1, 0 }; /* responder, close the connection */
    char params[512], bytes[2048];
    size_t params_len = 0, len = 0;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&server->address, sizeof server->address), 0);
    params_len += put_param(params + params_len, "REQUEST_METHOD", "POST");
    params_len += put_param(params + params_len, "DOCUMENT_URI", path);
    params_len += put_param(params + params_len, "CONTENT_LENGTH", length);
    len += put_record(bytes + len, 1, begin, sizeof begin);
    len += put_record(bytes + len, 4, params, params_len);
    len += put_record(bytes + len, 4, NULL, 0);
    len += put_record(bytes + len, 5, body, strlen(body));
    if (body[0])
        len += put_record(bytes + len, 5, NULL, 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    return fd;
}

/* A request that waits, as the COUNT-th. Those before may still be under way for a moment when their answers have come: it
 * may find the server crowded, and is sent again then. */
static int ask_to_wait(struct server *server, int count)
{
    struct pollfd answered = { .fd = ask(server, "/wait", "2", "{}"), .events = POLLIN };
    bool waits;

    for (;;) {
        pthread_mutex_lock(&server->lock);
        waits = server->waiting == count;
        pthread_mutex_unlock(&server->lock);
        if (waits)
            return answered.fd;
        if (poll(&answered, 1, 1) == 1) {
            close(answered.fd);
            answered.fd = ask(server, "/wait", "2", "{}");
        }
    }
}

/* Reads to the end of the connection, and closes it; FCGI records and all. The text is static. */
static const char *read_all(int fd, size_t *len)
{
    static char bytes[2 * LONG];
    ssize_t got;

    *len = 0;
    while ((got = read(fd, bytes + *len, sizeof bytes - 1 - *len)) > 0)
        *len += (size_t)got;
    assert_int_equal(got, 0);
    bytes[*len] = '\0';
    close(fd);
    return bytes;
}

/* The CGI text begins behind the first record's head. */
static void assert_answered(int fd, const char *status, const char *body)
{
    size_t len;
    const char *text = read_all(fd, &len) + 8;

    assert_true(len > 16);
    assert_memory_equal(text, status, strlen(status));
    assert_non_null(strstr(text, body));
}

/* ---- tests, on one server: stopping ends it for good ---- */

static struct server server;

static void a_request_is_answered_where_it_was_read_or_by_another_thread(void **state)
{
    int waits;

    (void)state;
    waits = ask_to_wait(&server, 1);
    assert_answered(ask(&server, "/now", "5", "hello"), "Status: 200", "\r\n\r\nhello");
    let_go(&server);
    assert_answered(waits, "Status: 201", "waited");
}

static void a_body_of_another_length_or_too_long_is_told(void **state)
{
    (void)state;
    assert_answered(ask(&server, "/now", "4", "hello"), "Status: 400", "body");
    assert_answered(ask(&server, "/now", "6", "hello"), "Status: 400", "body");
    assert_answered(ask(&server, "/now", "1001", "hello"), "Status: 400", "body");
    assert_answered(ask(&server, "/now", "five", "hello"), "Status: 400", "body");
}

static void past_their_number_requests_are_told_to_be_crowded(void **state)
{
    int fds[REQUESTS_MAX];

    (void)state;
    for (int i = 0; i < REQUESTS_MAX; i++)
        fds[i] = ask_to_wait(&server, i + 1);
    for (int i = 0; i < 8; i++)
        assert_answered(ask(&server, "/wait", "0", ""), "Status: 503", "crowded");
    let_go(&server);
    for (int i = 0; i < REQUESTS_MAX; i++)
        assert_answered(fds[i], "Status: 201", "waited");
}

static void a_slow_reader_of_a_long_answer_holds_up_nobody(void **state)
{
    int fds[SLOW];
    size_t len;

    (void)state;
    for (int i = 0; i < SLOW; i++)
        fds[i] = ask(&server, "/long", "0", "");
    for (int i = 0; i < 8; i++)
        assert_answered(ask(&server, "/now", "0", ""), "Status: 200", "");
    for (int i = 0; i < SLOW; i++) {
        read_all(fds[i], &len);
        assert_true(len > LONG);
    }
}

static void who_talks_nonsense_is_cut_off(void **state)
{
    size_t len;

    (void)state;
    for (int i = 0; i < 2 * REQUESTS_MAX; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        assert_int_equal(connect(fd, (struct sockaddr *)&server.address, sizeof server.address), 0);
        assert_int_equal(write(fd, "GET / HTTP/1.0\r\n\r\n", 18), 18);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        while (read(fd, &len, sizeof len) > 0)
            ;
        close(fd);
    }
    assert_answered(ask(&server, "/now", "0", ""), "Status: 200", "");
}

enum { CLIENTS = 4, PER_CLIENT = 100 };

static void *client_main(void *unused)
{
    char bytes[4096];

    (void)unused;
    for (int i = 0; i < PER_CLIENT; i++) {
        int fd = ask(&server, i % 3 == 0 ? "/wait" : "/now", "2", "{}");

        while (read(fd, bytes, sizeof bytes) > 0)
            ;
        close(fd);
    }
    return NULL;
}

static void threads_hand_requests_on_and_answer_them_in_any_order(void **state)
{
    pthread_t clients[CLIENTS];
    bool all_over = false;

    (void)state;
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&clients[i], NULL, client_main, NULL), 0);
    for (int i = 0; i < CLIENTS; i++, all_over = false)
        while (!all_over) {
            let_go(&server);
            all_over = pthread_tryjoin_np(clients[i], NULL) == 0;
        }
}

static void a_stop_lets_what_is_under_way_be_answered(void **state)
{
    int waits;

    (void)state;
    waits = ask_to_wait(&server, 1);
    assert_false(fastcgi_ended(server.fastcgi, 0));
    stop_request();
    assert_false(fastcgi_ended(server.fastcgi, 20));
    let_go(&server);
    while (!fastcgi_ended(server.fastcgi, WAIT_MS))
        ;
    assert_answered(waits, "Status: 201", "waited");
    fastcgi_free(server.fastcgi);
    close(server.listen_fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered_where_it_was_read_or_by_another_thread),
        cmocka_unit_test(a_body_of_another_length_or_too_long_is_told),
        cmocka_unit_test(past_their_number_requests_are_told_to_be_crowded),
        cmocka_unit_test(a_slow_reader_of_a_long_answer_holds_up_nobody),
        cmocka_unit_test(who_talks_nonsense_is_cut_off),
        cmocka_unit_test(threads_hand_requests_on_and_answer_them_in_any_order),
        cmocka_unit_test(a_stop_lets_what_is_under_way_be_answered),
    };

    stop_init();
    server_start(&server);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
