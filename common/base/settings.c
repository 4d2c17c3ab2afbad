#include "base/settings.h"
#include "base/arena.h"
#include "base/log.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum { SECRET_MAX = 64 * 1024 };

static const char mask[] = "********";

/* Contents of secret files; static, so that they live as long as the process. */
static struct arena kept;

/* One line on stderr; returns false. */
static bool complain(const struct setting *setting, const char *value, const char *wants)
{
    if (value)
        fprintf(stderr, "%s=%s: %s\n", setting->name, setting->kind == SETTING_SECRET ? mask : value, wants);
    else
        fprintf(stderr, "%s: %s\n", setting->name, wants);
    return false;
}

/* Reads the whole file PATH without its last newline. NULL with errno when it cannot be read or is too large. */
static const char *read_secret(const char *path)
{
    char *bytes = arena_alloc(&kept, SECRET_MAX + 1);
    FILE *file = fopen(path, "re");
    size_t len;

    if (!file)
        return NULL;
    len = fread(bytes, 1, SECRET_MAX + 1, file);
    if (len > SECRET_MAX)
        errno = EFBIG;
    if (ferror(file) || len > SECRET_MAX) {
        fclose(file);
        return NULL;
    }
    fclose(file);
    if (len > 0 && bytes[len - 1] == '\n')
        bytes[len - 1] = '\0';
    return bytes;
}

/* VALUE of the variable, of the file that <NAME>_FILE names, or the default. An empty variable counts as unset, as
 * compose files leave behind. */
static bool find_value(const struct setting *setting, const char **value)
{
    const char *from_env = getenv(setting->name);
    const char *path = NULL;

    if (from_env && *from_env == '\0')
        from_env = NULL;
    if (setting->kind == SETTING_SECRET) {
        path = getenv(arena_printf(&kept, "%s_FILE", setting->name).ptr);
        if (path && *path == '\0')
            path = NULL;
    }
    if (from_env && path)
        return complain(setting, NULL, "set it or its _FILE, not both");
    if (path) {
        from_env = read_secret(path);
        if (!from_env) {
            fprintf(stderr, "%s_FILE=%s: %m\n", setting->name, path);
            return false;
        }
        if (*from_env == '\0')
            return complain(setting, NULL, "the file that _FILE names is empty");
    }
    *value = from_env ? from_env : setting->fallback;
    if (!*value)
        return complain(setting, NULL, setting->kind == SETTING_SECRET ? "is required; set it or its _FILE" : "is required");
    return true;
}

static bool store_int(const struct setting *setting, const char *value, int64_t *into)
{
    char wants[96];
    char *end;
    long long number;

    errno = 0;
    number = strtoll(value, &end, 10);
    if (errno != 0 || *end != '\0' || end == value || (*value != '-' && (*value < '0' || *value > '9')) ||
        number < setting->min || number > setting->max) {
        snprintf(wants, sizeof wants, "takes an integer from %" PRId64 " to %" PRId64, setting->min, setting->max);
        return complain(setting, value, wants);
    }
    *into = number;
    return true;
}

bool setting_store(const struct setting *setting, const char *value, void *into)
{
    void *member = (char *)into + setting->offset;
    enum log_level level;

    switch (setting->kind) {
    case SETTING_TEXT:
    case SETTING_SECRET:
        memcpy(member, &value, sizeof value);
        return true;
    case SETTING_INT:
        return store_int(setting, value, member);
    case SETTING_LEVEL:
        if (!log_level_parse(text_of(value), &level))
            return complain(setting, value, "takes debug, info, warn or error");
        *(int64_t *)member = level;
        return true;
    case SETTING_BOOL:
        if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
            return complain(setting, value, "takes true or false");
        *(bool *)member = *value == 't';
        return true;
    }
    return complain(setting, NULL, "has no known kind");
}

bool settings_from_environment(const struct setting *settings, size_t count, void *into)
{
    bool valid = true;

    for (size_t i = 0; i < count; i++) {
        const char *value;

        valid = find_value(&settings[i], &value) && setting_store(&settings[i], value, into) && valid;
    }
    return valid;
}

static void print_help(const struct program *program)
{
    printf("%s - %s\n\nUsage: %s [--help | --version | --print-config]\n\nSettings, from the environment:\n", program->name,
           program->summary, program->name);
    for (size_t i = 0; i < program->setting_count; i++) {
        const struct setting *setting = &program->settings[i];

        printf("  %-22s %s", setting->name, setting->help);
        if (!setting->fallback)
            printf(" (required%s)", setting->kind == SETTING_SECRET ? "; or the file in <NAME>_FILE" : "");
        else if (setting->kind == SETTING_INT)
            printf(" (default %s; %" PRId64 "..%" PRId64 ")", setting->fallback, setting->min, setting->max);
        else if (*setting->fallback != '\0')
            printf(" (default %s)", setting->kind == SETTING_SECRET ? mask : setting->fallback);
        putchar('\n');
    }
}

static void print_config(const struct program *program, const void *from)
{
    for (size_t i = 0; i < program->setting_count; i++) {
        const struct setting *setting = &program->settings[i];
        const void *member = (const char *)from + setting->offset;

        printf("%s=", setting->name);
        switch (setting->kind) {
        case SETTING_TEXT:
            puts(*(const char *const *)member);
            break;
        case SETTING_SECRET:
            puts(mask);
            break;
        case SETTING_INT:
            printf("%" PRId64 "\n", *(const int64_t *)member);
            break;
        case SETTING_LEVEL:
            puts(log_level_name((enum log_level) * (const int64_t *)member));
            break;
        case SETTING_BOOL:
            puts(*(const bool *)member ? "true" : "false");
            break;
        }
    }
}

void settings_read(const struct program *program, int argc, char **argv, void *into)
{
    bool print = argc == 2 && strcmp(argv[1], "--print-config") == 0;

    /* NOLINTBEGIN(concurrency-mt-unsafe): exit, before any thread has started */
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_help(program);
        exit(EXIT_SUCCESS);
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("%s %s\n", program->name, ORDERLINE_VERSION);
        exit(EXIT_SUCCESS);
    }
    if (argc > 1 && !print) {
        fprintf(stderr,
                "%s: takes no arguments but --help, --version or --print-config; settings are environment variables\n",
                program->name);
        exit(EX_USAGE);
    }
    if (!settings_from_environment(program->settings, program->setting_count, into))
        exit(EX_CONFIG);
    if (print) {
        print_config(program, into);
        exit(EXIT_SUCCESS);
    }
    /* NOLINTEND(concurrency-mt-unsafe) */
}
