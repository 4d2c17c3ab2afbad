/* Requests over real sockets: a server that reads one request and answers as the test says. */
#include "base/clock.h"
#include "io/http_client.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONG_MS = 60000 };

/* One connection: what came in, what goes out. */
struct server {
    int listener;
    char url[64];
    const char *answer; /* NULL: the connection is closed without a word; "": it stays open until the client goes */
    char request[4096];
    pthread_t thread;
};

static void *serve(void *context)
{
    struct server *server = context;
    int fd = accept(server->listener, NULL, NULL);
    size_t len = 0;

    while (!strstr(server->request, "\r\n\r\n")) {
        ssize_t n = read(fd, server->request + len, sizeof server->request - 1 - len);

        if (n <= 0)
            break;
        len += (size_t)n;
    }
    if (server->answer && *server->answer)
        assert_true(write(fd, server->answer, strlen(server->answer)) > 0);
    else if (server->answer)
        while (read(fd, server->request, sizeof server->request) > 0)
            ;
    close(fd);
    return NULL;
}

static void server_start(struct server *server, const char *answer)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;

    *server = (struct server){ .listener = socket(AF_INET, SOCK_STREAM, 0), .answer = answer };
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &len), 0);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d/charges", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_end(struct server *server)
{
    pthread_join(server->thread, NULL);
    close(server->listener);
}

static struct http_request post_to(const char *url)
{
    static const char *const headers[] = { "Content-Type: application/json", "Idempotency-Key: a-key", NULL };

    return (struct http_request){
        .method = "POST",
        .url = url,
        .headers = headers,
        .body = TEXT("{\"amount\":5}"),
        .timeout_ms = LONG_MS,
        .connect_timeout_ms = LONG_MS,
        .response_max = 64,
    };
}

static struct transfers *transfers;

static int open_transfers(void **state)
{
    (void)state;
    transfers = transfers_new(4);
    return 0;
}

static int close_transfers(void **state)
{
    (void)state;
    transfers_free(transfers);
    return 0;
}

static struct transfer_result await(void)
{
    struct transfer_result result;

    while (!transfers_next(transfers, &result))
        transfers_wait(transfers, LONG_MS);
    return result;
}

static struct transfer_result fetch(const struct http_request *request)
{
    struct fault fault = { 0 };

    assert_true(http_start(transfers, request, transfers, &fault));
    return await();
}

static void an_answer_comes_with_its_status_body_and_tag(void **state)
{
    struct server server;
    struct http_request request;
    struct transfer_result result;

    (void)state;
    server_start(&server, "HTTP/1.1 201 Created\r\nContent-Length: 13\r\n\r\n{\"ok\":\"yes\"}\n");
    request = post_to(server.url);
    result = fetch(&request);
    assert_int_equal(result.fault.kind, FAULT_NONE);
    assert_int_equal(result.status, 201);
    assert_true(text_is(result.body, "{\"ok\":\"yes\"}\n"));
    assert_ptr_equal(result.tag, transfers);
    assert_int_equal(transfers_running(transfers), 0);
    server_end(&server);
    assert_non_null(strstr(server.request, "POST /charges HTTP/1.1\r\n"));
    assert_non_null(strstr(server.request, "Idempotency-Key: a-key\r\n"));
    assert_non_null(strstr(server.request, "Content-Length: 12\r\n"));
    assert_null(strstr(server.request, "Expect:"));
}

static void errors_and_redirects_are_answers(void **state)
{
    static const struct {
        const char *answer;
        int status;
        int64_t retry_after_ms;
    } cases[] = {
        { "HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", 429, 7000 },
        { "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", 500, 0 },
        { "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 302, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct server server;
        struct http_request request;
        struct transfer_result result;

        server_start(&server, cases[i].answer);
        request = post_to(server.url);
        result = fetch(&request);
        assert_int_equal(result.fault.kind, FAULT_NONE);
        assert_int_equal(result.status, cases[i].status);
        assert_int_equal(result.retry_after_ms, cases[i].retry_after_ms);
        server_end(&server);
    }
}

static void a_cut_connection_leaves_the_outcome_unknown(void **state)
{
    static const char *const answers[] = { NULL, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"half" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct server server;
        struct http_request request;
        struct transfer_result result;

        server_start(&server, answers[i]);
        request = post_to(server.url);
        result = fetch(&request);
        assert_int_equal(result.fault.kind, FAULT_UNKNOWN);
        server_end(&server);
    }
}

static void an_answer_beyond_its_bound_is_not_read(void **state)
{
    struct server server;
    struct http_request request;
    struct transfer_result result;

    (void)state;
    server_start(&server, "HTTP/1.1 200 OK\r\nContent-Length: 80\r\n\r\n"
                          "01234567890123456789012345678901234567890123456789012345678901234567890123456789");
    request = post_to(server.url);
    result = fetch(&request);
    assert_int_equal(result.fault.kind, FAULT_UNKNOWN);
    assert_string_equal(result.fault.code, "transfer_too_large");
    server_end(&server);
}

static void a_deadline_after_sending_leaves_the_outcome_unknown(void **state)
{
    struct server server;
    struct http_request request;
    struct transfer_result result;

    (void)state;
    server_start(&server, "");
    request = post_to(server.url);
    request.timeout_ms = 200;
    result = fetch(&request);
    assert_int_equal(result.fault.kind, FAULT_UNKNOWN);
    assert_string_equal(result.fault.code, "transfer_timeout");
    server_end(&server);
}

static void what_was_never_sent_may_be_sent_again(void **state)
{
    struct server server;
    struct http_request request;

    (void)state;
    server_start(&server, NULL);
    shutdown(server.listener, SHUT_RDWR); /* nobody listens, yet the port is nobody else's */
    server_end(&server);
    request = post_to(server.url);
    assert_int_equal(fetch(&request).fault.kind, FAULT_TRANSIENT);
}

static void an_address_that_is_none_is_for_good(void **state)
{
    static const char *const urls[] = { "file:///etc/passwd", "http://[::1", "smtp://127.0.0.1" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct http_request request = post_to(urls[i]);

        assert_int_equal(fetch(&request).fault.kind, FAULT_PERMANENT);
    }
}

static void a_line_break_in_a_header_is_refused(void **state)
{
    static const char *const headers[] = { "X-Name: a\r\nX-Other: b", NULL };
    struct http_request request = post_to("http://127.0.0.1:1/");
    struct fault fault = { 0 };

    (void)state;
    request.headers = headers;
    assert_false(http_start(transfers, &request, NULL, &fault));
    assert_int_equal(fault.kind, FAULT_INVALID);
}

static void there_is_room_for_so_many_and_cancelling_makes_some(void **state)
{
    struct server server;
    struct http_request request;
    struct fault fault = { 0 };

    (void)state;
    server_start(&server, "");
    request = post_to(server.url);
    for (int i = 0; i < 4; i++)
        assert_true(http_start(transfers, &request, &server, &fault));
    assert_false(http_start(transfers, &request, &server, &fault));
    assert_int_equal(fault.kind, FAULT_BUSY);
    for (int64_t until = clock_mono_ms() + 200; clock_left_ms(until) > 0;)
        transfers_wait(transfers, clock_left_ms(until));
    transfers_cancel(transfers, &server);
    assert_int_equal(transfers_running(transfers), 0);
    server_end(&server);
}

static void *wake(void *context)
{
    transfers_wake(context);
    return NULL;
}

static void another_thread_ends_a_wait(void **state)
{
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, wake, transfers), 0);
    transfers_wait(transfers, 24 * 3600 * 1000);
    pthread_join(thread, NULL);
}

/* ---- URLs that strangers named ---- */

static void an_address_that_is_not_public_is_never_connected_to(void **state)
{
    static const char *const urls[] = { "http://127.0.0.1:9/", "http://localhost:9/", "http://[::1]:9/",
                                        "http://0x7f.1:9/" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct http_request request = post_to(urls[i]);
        struct transfer_result result;

        request.public_only = true;
        result = fetch(&request);
        assert_int_equal(result.fault.kind, FAULT_PERMANENT);
        assert_string_equal(result.fault.code, "transfer_forbidden");
    }
}

static void a_url_to_send_to_is_told_from_one_that_is_not(void **state)
{
    static const char *const good[] = { "http://shop.example", "https://shop.example:8443/a?b=c",
                                        "HTTPS://[2606:4700::1]/x" };
    static const char *const bad[] = { "",
                                       "shop.example/x",
                                       "ftp://shop.example/",
                                       "file:///etc/passwd",
                                       "http://",
                                       "http://ann:secret@shop.example/",
                                       "http://ann@shop.example/",
                                       "http://shop.example/#x",
                                       "http://shop.example:70000/",
                                       "http://shop example/",
                                       "http://shop.example/\r\nX: y" };
    struct fault fault = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (!http_url_check(good[i], &fault))
            fail_msg("%s: %s", good[i], fault.detail);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (http_url_check(bad[i], &fault))
            fail_msg("%s passes", bad[i]);
    assert_int_equal(fault.kind, FAULT_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answer_comes_with_its_status_body_and_tag, open_transfers, close_transfers),
        cmocka_unit_test_setup_teardown(errors_and_redirects_are_answers, open_transfers, close_transfers),
        cmocka_unit_test_setup_teardown(a_cut_connection_leaves_the_outcome_unknown, open_transfers, close_transfers),
        cmocka_unit_test_setup_teardown(an_answer_beyond_its_bound_is_not_read, open_transfers, close_transfers),
        cmocka_unit_test_setup_teardown(a_deadline_after_sending_leaves_the_outcome_unknown, open_transfers,
                                        close_transfers),
        cmocka_unit_test_setup_teardown(what_was_never_sent_may_be_sent_again, open_transfers, close_transfers),
        cmocka_unit_test_setup_teardown(an_address_that_is_none_is_for_good, open_transfers, close_transfers),
        cmocka_unit_test_setup_teardown(a_line_break_in_a_header_is_refused, open_transfers, close_transfers),
        cmocka_unit_test_setup_teardown(there_is_room_for_so_many_and_cancelling_makes_some, open_transfers,
                                        close_transfers),
        cmocka_unit_test_setup_teardown(another_thread_ends_a_wait, open_transfers, close_transfers),
        cmocka_unit_test_setup_teardown(an_address_that_is_not_public_is_never_connected_to, open_transfers,
                                        close_transfers),
        cmocka_unit_test(a_url_to_send_to_is_told_from_one_that_is_not),
    };

    return cmocka_run_group_tests_name("http client", tests, NULL, NULL);
}
