/* redis_url_test.c - what a Redis URL may look like, and that a refused one is not shown. */
#include "io/redis_url.h"
#include "unit.h"

#include <string.h>

static void the_parts_of_a_url_are_found(void **state)
{
    static const struct {
        const char *text;
        struct redis_url expected;
    } cases[] = {
        { "redis://localhost", { .host = "localhost", .port = 6379 } },
        { "redis://localhost/", { .host = "localhost", .port = 6379 } },
        { "redis://10.0.0.1:7000/3", { .host = "10.0.0.1", .port = 7000, .db = 3 } },
        { "redis://[::1]:7000", { .host = "::1", .port = 7000 } },
        { "redis://[fe80::1%eth0]", { .host = "fe80::1%eth0", .port = 6379 } },
        { "redis://:secret@cache", { .host = "cache", .password = "secret", .port = 6379 } },
        { "redis://me:s%40c%2Fret@cache:1/15",
          { .host = "cache", .user = "me", .password = "s@c/ret", .port = 1, .db = 15 } },
        { "unix:///run/redis.sock", { .path = "/run/redis.sock", .port = 6379 } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fault fault = { 0 };
        struct redis_url url;

        if (!redis_url_parse(cases[i].text, &url, &fault))
            fail_msg("%s: %s", cases[i].text, fault.detail);
        assert_string_equal(url.host, cases[i].expected.host);
        assert_string_equal(url.path, cases[i].expected.path);
        assert_string_equal(url.user, cases[i].expected.user);
        assert_string_equal(url.password, cases[i].expected.password);
        assert_int_equal(url.port, cases[i].expected.port);
        assert_int_equal(url.db, cases[i].expected.db);
    }
}

static void what_is_no_such_url_is_refused_without_being_shown(void **state)
{
    static const char *const texts[] = {
        "",
        "localhost:6379",
        "http://hidden",
        "rediss://hidden",
        "redis://",
        "redis://hidden:0",
        "redis://hidden:65536",
        "redis://hidden:",
        "redis://hidden:6379/x",
        "redis://hidden@host",
        "redis://u:hidden%4@host",
        "redis://u:hidden%00@host",
        "redis://[::1",
        "redis://[::1]x",
        "redis://[[hidden]",
        "redis://hidden host",
        "redis://hidden%20host",
        "unix://hidden",
        "unix:///",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct fault fault = { 0 };
        struct redis_url url;

        if (redis_url_parse(texts[i], &url, &fault))
            fail_msg("%s was taken", texts[i]);
        assert_int_equal(fault.kind, FAULT_PERMANENT);
        assert_null(strstr(fault.detail, "hidden"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_of_a_url_are_found),
        cmocka_unit_test(what_is_no_such_url_is_refused_without_being_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
