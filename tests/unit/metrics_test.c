#include "fcgi/metrics.h"
#include "tests/unit/unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[64];

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/orderline-metrics-%d", (int)getpid());
    unlink(path);
    return 0;
}

static int remove_path(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static struct metrics_file *open_file(void)
{
    struct fault fault = { 0 };
    struct metrics_file *file = metrics_open(path, &fault);

    if (!file)
        fail_msg("%s", fault.detail);
    return file;
}

/* Whether FILE tells LINE. */
static bool tells(const struct metrics_file *file, const char *line)
{
    ARENA_SCOPE arena = { 0 };
    struct buf out = BUF_IN(&arena);

    metrics_render(file, &out);
    buf_char(&out, '\0');
    return strstr(out.ptr, line) != NULL;
}

/* Another process that counts, and ends without a word where DIES. */
static void count_elsewhere(bool dies)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        struct metrics_file *file = open_file();

        metrics_answer(metrics_own(file), 1, 201, 3000);
        metrics_waiting(metrics_own(file), METRICS_WRITERS, 5);
        if (dies)
            abort();
        metrics_close(file);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(dies ? WIFSIGNALED(status) : WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void any_process_tells_for_all_the_ended_included(void **state)
{
    struct metrics_file *one = open_file(), *two = open_file();
    (void)state;

    metrics_answer(metrics_own(one), 1, 201, 999);
    metrics_answer(metrics_own(two), 1, 201, 4000);
    metrics_answer(metrics_own(two), 1, 418, 20000000);
    count_elsewhere(false);
    count_elsewhere(true);
    assert_true(tells(one, "order_api_requests_total{method=\"POST\",route=\"/orders\",status=\"201\"} 4\n"));
    assert_true(tells(one, "order_api_requests_total{method=\"POST\",route=\"/orders\",status=\"other\"} 1\n"));
    assert_true(tells(two, "_bucket{method=\"POST\",route=\"/orders\",le=\"0.001\"} 1\n"));
    assert_true(tells(two, "_bucket{method=\"POST\",route=\"/orders\",le=\"0.005\"} 4\n"));
    assert_true(tells(two, "_bucket{method=\"POST\",route=\"/orders\",le=\"10\"} 4\n"));
    assert_true(tells(two, "_bucket{method=\"POST\",route=\"/orders\",le=\"+Inf\"} 5\n"));
    assert_true(tells(two, "_sum{method=\"POST\",route=\"/orders\"} 20.010999\n"));
    metrics_close(one);
    assert_true(tells(two, "order_api_processes 1\n"));
    metrics_close(two);
}

static void gauges_end_with_their_process(void **state)
{
    struct metrics_file *file = open_file();
    struct metrics_file *other = open_file();
    (void)state;

    metrics_waiting(metrics_own(file), METRICS_WRITERS, 2);
    metrics_waiting(metrics_own(other), METRICS_WRITERS, 40);
    count_elsewhere(true); /* with 5 waiting */
    assert_true(tells(file, "order_api_queue_depth{queue=\"writers\"} 42\n"));
    metrics_close(other);
    assert_true(tells(file, "order_api_queue_depth{queue=\"writers\"} 2\n"));
    other = open_file();
    assert_true(tells(file, "order_api_queue_depth{queue=\"writers\"} 2\n"));
    metrics_close(other);
    metrics_close(file);
}

static void one_queue_of_one_process_that_refuses_is_enough_to_tell(void **state)
{
    struct metrics_file *file = open_file();
    struct metrics_file *other = open_file();
    (void)state;

    assert_true(tells(file, "breaker_open{service=\"order-api\",server=\"postgresql\"} 0\n"));
    metrics_refusing(metrics_own(file), METRICS_WRITERS, true);
    metrics_refusing(metrics_own(other), METRICS_READERS, true);
    assert_true(tells(file, "breaker_open{service=\"order-api\",server=\"postgresql\"} 1\n"));
    metrics_refusing(metrics_own(file), METRICS_WRITERS, false);
    assert_true(tells(file, "breaker_open{service=\"order-api\",server=\"postgresql\"} 1\n"));
    metrics_close(other);
    assert_true(tells(file, "breaker_open{service=\"order-api\",server=\"postgresql\"} 0\n"));
    other = open_file();
    assert_true(tells(file, "breaker_open{service=\"order-api\",server=\"postgresql\"} 0\n"));
    metrics_close(other);
    metrics_close(file);
}

static void batches_are_told_by_size(void **state)
{
    struct metrics_file *file = open_file();
    (void)state;

    for (size_t count = 1; count <= 65; count++)
        metrics_batch(metrics_own(file), METRICS_READERS, count);
    metrics_refused(metrics_own(file), METRICS_READERS);
    assert_true(tells(file, "order_api_batch_size_bucket{queue=\"readers\",le=\"1\"} 1\n"));
    assert_true(tells(file, "order_api_batch_size_bucket{queue=\"readers\",le=\"32\"} 32\n"));
    assert_true(tells(file, "order_api_batch_size_bucket{queue=\"readers\",le=\"64\"} 64\n"));
    assert_true(tells(file, "order_api_batch_size_bucket{queue=\"readers\",le=\"+Inf\"} 65\n"));
    assert_true(tells(file, "order_api_batch_size_sum{queue=\"readers\"} 2145\n"));
    assert_true(tells(file, "order_api_queue_refused_total{queue=\"readers\"} 1\n"));
    metrics_close(file);
}

static void a_file_of_another_layout_makes_way(void **state)
{
    FILE *other = fopen(path, "we");
    struct metrics_file *file;
    (void)state;

    assert_non_null(other);
    fputs("orderap1, but of another size", other);
    fclose(other);
    file = open_file();
    metrics_answer(metrics_own(file), 0, 404, 1);
    assert_true(tells(file, "order_api_requests_total{method=\"\",route=\"other\",status=\"404\"} 1\n"));
    metrics_close(file);
}

static void without_a_file_a_process_tells_for_itself(void **state)
{
    struct fault fault = { 0 };
    struct metrics_file *file = metrics_open("", &fault);
    (void)state;

    assert_non_null(file);
    metrics_answer(metrics_own(file), 0, 404, 1);
    assert_true(tells(file, "order_api_processes 1\n"));
    assert_true(tells(file, "status=\"404\"} 1\n"));
    metrics_close(file);
}

static void a_file_that_cannot_be_is_named(void **state)
{
    struct fault fault = { 0 };
    (void)state;

    assert_null(metrics_open("/nowhere/at/all", &fault));
    assert_string_equal(fault.detail, "METRICS_FILE /nowhere/at/all: No such file or directory");
}

#define WITH_PATH(test) cmocka_unit_test_setup_teardown(test, make_path, remove_path)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PATH(any_process_tells_for_all_the_ended_included),
        WITH_PATH(gauges_end_with_their_process),
        WITH_PATH(one_queue_of_one_process_that_refuses_is_enough_to_tell),
        WITH_PATH(batches_are_told_by_size),
        WITH_PATH(a_file_of_another_layout_makes_way),
        cmocka_unit_test(without_a_file_a_process_tells_for_itself),
        cmocka_unit_test(a_file_that_cannot_be_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
