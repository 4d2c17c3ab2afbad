#include "base/clock.h"
#include "base/json_text.h"
#include "base/log.h"
#include "tests/unit/child.h"
#include "tests/unit/unit.h"
#include <fcntl.h>

enum { LINE_MAX_LEN = 4096 };

/* OUT is one line of valid JSON, not too long. */
static void assert_one_json_line(const char *out)
{
    ARENA_SCOPE arena = { 0 };
    struct fault fault = { 0 };
    size_t len = strlen(out);

    assert_true(len > 0 && len <= LINE_MAX_LEN);
    assert_ptr_equal(strchr(out, '\n'), out + len - 1);
    if (!json_text_check((struct text){ out, len }, &arena, NULL, &fault))
        fail_msg("%s: %s", fault.detail, out);
}

static void write_with_ids(void *arg)
{
    struct log_context context = { .request_id = "r-1", .order_id = arg };

    log_start("unit", LOG_INFO);
    log_write(LOG_WARN, &context, "attempt %d of %s", 2, "three");
}

static void a_line_holds_time_level_service_message_and_the_ids_there_are(void **state)
{
    struct child child = child_run(write_with_ids, (void *)"o-1");
    int64_t ts;
    (void)state;

    assert_one_json_line(child.out);
    assert_memory_equal(child.out, "{\"ts\":\"", 7);
    assert_true(clock_parse_rfc3339((struct text){ child.out + 7, CLOCK_RFC3339_LEN }, &ts));
    assert_in_range(ts, clock_unix_ms() - 60000, clock_unix_ms());
    assert_string_equal(child.out + 7 + CLOCK_RFC3339_LEN,
                        "\",\"level\":\"warn\",\"service\":\"unit\",\"msg\":\"attempt 2 of three\","
                        "\"request_id\":\"r-1\",\"order_id\":\"o-1\"}\n");
}

static void write_hostile(void *arg)
{
    struct log_context context = { .request_id = "\",\"level\":\"error\n\xff" };

    log_start("unit", LOG_INFO);
    log_write(LOG_INFO, &context, "%s", (const char *)arg);
}

static void client_bytes_cannot_forge_a_line(void **state)
{
    struct child child = child_run(write_hostile, (void *)"a\"}\n{\"b\":\\\x01\x7f\xc3\xbc\xc3(\xed\xa0\x80\t");
    (void)state;

    assert_one_json_line(child.out);
    assert_non_null(strstr(child.out, "\"msg\":\"a\\\"}\\u000a{\\\"b\\\":\\\\\\u0001\\u007f\xc3\xbc\\ufffd(\\ufffd"));
    assert_non_null(strstr(child.out, "\"request_id\":\"\\\",\\\"level\\\":\\\"error\\u000a\\ufffd\"}"));
}

/* Messages of every kind of character, at lengths around the limit and far past it. */
static void a_line_that_is_too_long_is_cut_and_stays_valid_json(void **state)
{
    static const char *const units[] = { "x", "\"", "\x01", "\xc3\xbc", "\xf0\x9f\x98\x80", "\xff", "ab\n\xe2\x82\xac" };
    static char message[20000];
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        size_t unit = strlen(units[i]);

        for (size_t shift = 0; shift < 8; shift++) {
            struct child child;

            memset(message, 'y', shift);
            for (size_t at = shift; at + unit < sizeof message; at += unit)
                memcpy(message + at, units[i], unit + 1);
            child = child_run(write_hostile, message);
            assert_one_json_line(child.out);
            assert_true(strlen(child.out) > LINE_MAX_LEN - 16);
            assert_non_null(strstr(child.out, "\"request_id\""));
        }
    }
}

static void write_long_ids(void *arg)
{
    struct log_context context = { arg, arg, arg, arg };

    log_start("unit", LOG_INFO);
    log_write(LOG_ERROR, &context, "the message stays");
}

static void long_ids_do_not_push_the_message_out(void **state)
{
    static char id[5000];
    struct child child;
    (void)state;

    memset(id, 1, sizeof id - 1);
    child = child_run(write_long_ids, id);
    assert_one_json_line(child.out);
    assert_non_null(strstr(child.out, "the message stays"));
}

static void write_all_levels(void *arg)
{
    log_start("unit", *(enum log_level *)arg);
    log_debug("one");
    log_info("two");
    log_warn("three");
    log_error("four");
}

static void lines_below_the_level_are_left_out(void **state)
{
    enum log_level level = LOG_WARN;
    struct child child = child_run(write_all_levels, &level);
    (void)state;

    assert_null(strstr(child.out, "one"));
    assert_null(strstr(child.out, "two"));
    assert_non_null(strstr(child.out, "three"));
    assert_non_null(strstr(child.out, "four"));
}

/* Far more than a pipe holds. */
static void flood(void)
{
    log_start("unit", LOG_INFO);
    for (int i = 0; i < 2000; i++)
        log_info("%0500d", i);
}

static void flood_a_pipe_nobody_reads(void *arg)
{
    int pipe_fds[2];
    (void)arg;

    alarm(20); /* a blocked write ends here */
    if (pipe(pipe_fds) != 0)
        _exit(2);
    dup2(pipe_fds[1], STDERR_FILENO);
    flood();
    if (fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK)
        _exit(3); /* whoever shares it would be surprised */
    puts("came through");
}

static void a_blocked_stderr_loses_lines_and_stops_nobody(void **state)
{
    struct child child = child_run(flood_a_pipe_nobody_reads, NULL);
    (void)state;

    assert_int_equal(child_exit_code(&child), 0);
    assert_non_null(strstr(child.out, "came through"));
}

static void flood_a_pipe_that_lost_its_reader(void *arg)
{
    int pipe_fds[2];
    (void)arg;

    if (pipe(pipe_fds) != 0)
        _exit(2);
    dup2(pipe_fds[1], STDERR_FILENO);
    close(pipe_fds[1]);
    flood();
    close(pipe_fds[0]);
    log_info("into the void");
    close(STDERR_FILENO);
    log_info("into nothing at all");
    puts("came through");
}

static void a_closed_stderr_stops_nobody(void **state)
{
    struct child child = child_run(flood_a_pipe_that_lost_its_reader, NULL);
    (void)state;

    assert_int_equal(child_exit_code(&child), 0);
    assert_non_null(strstr(child.out, "came through"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_holds_time_level_service_message_and_the_ids_there_are),
        cmocka_unit_test(client_bytes_cannot_forge_a_line),
        cmocka_unit_test(a_line_that_is_too_long_is_cut_and_stays_valid_json),
        cmocka_unit_test(long_ids_do_not_push_the_message_out),
        cmocka_unit_test(lines_below_the_level_are_left_out),
        cmocka_unit_test(a_blocked_stderr_loses_lines_and_stops_nobody),
        cmocka_unit_test(a_closed_stderr_stops_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
