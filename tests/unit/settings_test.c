#include "base/log.h"
#include "base/settings.h"
#include "tests/unit/child.h"
#include "tests/unit/unit.h"

struct config {
    const char *brokers;
    const char *url;
    int64_t threads;
    int64_t level;
};

static const struct setting settings[] = {
    { "T_BROKERS", SETTING_TEXT, offsetof(struct config, brokers), "localhost:9092", 0, 0, "where Kafka is" },
    { "T_URL", SETTING_SECRET, offsetof(struct config, url), NULL, 0, 0, "where PostgreSQL is" },
    { "T_THREADS", SETTING_INT, offsetof(struct config, threads), "64", 1, 1024, "request threads" },
    { "T_LEVEL", SETTING_LEVEL, offsetof(struct config, level), "info", 0, 0, "lowest level logged" },
};

static const struct program program = { "unit-program", "does nothing", settings, ARRAY_LEN(settings) };

/* A run: variables as "NAME=value", then the only argument or NULL. */
struct run {
    const char *env[4];
    const char *argument;
};

static void run_program(void *arg)
{
    const struct run *run = arg;
    char name[] = "unit-program", argument[64] = "";
    char *argv[] = { name, run->argument ? argument : NULL, NULL };
    struct config config = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(run->env) && run->env[i]; i++)
        putenv(strdup(run->env[i])); /* NOLINT(concurrency-mt-unsafe): the child has one thread */
    snprintf(argument, sizeof argument, "%s", run->argument ? run->argument : "");
    settings_read(&program, run->argument ? 2 : 1, argv, &config);
    printf("brokers %s url %s threads %d level %d\n", config.brokers, config.url, (int)config.threads, (int)config.level);
}

static void assert_run(struct run run, int exit_code, const char *says)
{
    struct child child = child_run(run_program, &run);

    if (child_exit_code(&child) != exit_code || !strstr(child.out, says))
        fail_msg("exit %d, said: %s", child_exit_code(&child), child.out);
}

static void values_come_from_the_environment_or_the_defaults(void **state)
{
    (void)state;

    assert_run((struct run){ .env = { "T_URL=postgres://a" } }, 0,
               "brokers localhost:9092 url postgres://a threads 64 level 1\n");
    assert_run((struct run){ .env = { "T_URL=u", "T_THREADS=1024", "T_LEVEL=error", "T_BROKERS=k:1" } }, 0,
               "brokers k:1 url u threads 1024 level 3\n");
    assert_run((struct run){ .env = { "T_URL=u", "T_THREADS=", "T_LEVEL=", "T_BROKERS=" } }, 0,
               "brokers localhost:9092 url u threads 64 level 1\n");
}

static void what_cannot_be_read_names_the_variable_and_what_it_takes(void **state)
{
    static const char *const integers[] = {
        "T_THREADS=0",  "T_THREADS=1025", "T_THREADS=-1", "T_THREADS=x",   "T_THREADS=1x",
        "T_THREADS= 1", "T_THREADS=+1",   "T_THREADS=1 ", "T_THREADS=1.5", "T_THREADS=99999999999999999999"
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(integers); i++) {
        assert_run((struct run){ .env = { "T_URL=u", integers[i] } }, 78, integers[i]);
        assert_run((struct run){ .env = { "T_URL=u", integers[i] } }, 78, ": takes an integer from 1 to 1024\n");
    }
    assert_run((struct run){ .env = { "T_URL=u", "T_LEVEL=loud" } }, 78, "T_LEVEL=loud: takes debug, info, warn or error\n");
    assert_run((struct run){ .env = { NULL } }, 78, "T_URL: is required");
    assert_run((struct run){ .env = { "T_URL=" } }, 78, "T_URL: is required");
}

static void a_single_setting_can_be_stored_by_its_own_name(void **state)
{
    static const struct setting flag = { "--flag", SETTING_BOOL, 0, "false", 0, 0, "a flag" };
    bool value = false;
    (void)state;

    assert_true(setting_store(&flag, "true", &value));
    assert_true(value);
    assert_true(setting_store(&flag, "false", &value));
    assert_false(value);
    assert_false(setting_store(&flag, "yes", &value));
}

static void every_fault_is_named_at_once(void **state)
{
    struct run run = { .env = { "T_THREADS=0", "T_LEVEL=loud" } };
    struct child child = child_run(run_program, &run);
    (void)state;

    assert_int_equal(child_exit_code(&child), 78);
    assert_non_null(strstr(child.out, "T_URL"));
    assert_non_null(strstr(child.out, "T_THREADS"));
    assert_non_null(strstr(child.out, "T_LEVEL"));
}

static void a_secret_may_stand_in_a_file(void **state)
{
    char path[] = "/tmp/orderline-settings-XXXXXX", variable[64];
    int fd = mkstemp(path);
    (void)state;

    assert_true(fd >= 0);
    snprintf(variable, sizeof variable, "T_URL_FILE=%s", path);
    assert_run((struct run){ .env = { variable } }, 78, "is empty");
    assert_int_equal(write(fd, "hush hush\n", 10), 10);
    close(fd);
    assert_run((struct run){ .env = { variable } }, 0, "url hush hush threads");
    assert_run((struct run){ .env = { variable, "T_URL=u" } }, 78, "T_URL: set it or its _FILE, not both\n");
    assert_run((struct run){ .env = { "T_URL_FILE=/nonexistent" } }, 78, "T_URL_FILE=/nonexistent: No such file");
    assert_run((struct run){ .env = { "T_URL_FILE=/dev/zero" } }, 78, "File too large");
    unlink(path);
}

static void secrets_are_masked_wherever_settings_are_shown(void **state)
{
    struct run run = { .env = { "T_URL=hush", "T_THREADS=7" }, .argument = "--print-config" };
    struct child child = child_run(run_program, &run);
    (void)state;

    assert_int_equal(child_exit_code(&child), 0);
    assert_string_equal(child.out, "T_BROKERS=localhost:9092\nT_URL=********\nT_THREADS=7\nT_LEVEL=info\n");
}

static void the_three_options_print_and_end_and_others_are_refused(void **state)
{
    (void)state;

    assert_run((struct run){ .env = { NULL }, .argument = "--help" }, 0,
               "T_THREADS              request threads (default 64; 1..1024)\n");
    assert_run((struct run){ .env = { NULL }, .argument = "--help" }, 0,
               "T_URL                  where PostgreSQL is (required; or the file in");
    assert_run((struct run){ .env = { NULL }, .argument = "--version" }, 0, "unit-program " ORDERLINE_VERSION "\n");
    assert_run((struct run){ .env = { "T_URL=u" }, .argument = "--verbose" }, 64, "--print-config");
    assert_run((struct run){ .env = { NULL }, .argument = "--print-config" }, 78, "T_URL: is required");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_from_the_environment_or_the_defaults),
        cmocka_unit_test(what_cannot_be_read_names_the_variable_and_what_it_takes),
        cmocka_unit_test(a_single_setting_can_be_stored_by_its_own_name),
        cmocka_unit_test(every_fault_is_named_at_once),
        cmocka_unit_test(a_secret_may_stand_in_a_file),
        cmocka_unit_test(secrets_are_masked_wherever_settings_are_shown),
        cmocka_unit_test(the_three_options_print_and_end_and_others_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
