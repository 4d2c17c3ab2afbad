#include "ctl/options.h"
#include <stdio.h>

/* The option that WORD names up to LEN; NULL: none. */
static const struct setting *find(const struct command *command, const char *word, size_t len)
{
    for (size_t i = 0; i < command->option_count; i++) {
        const char *name = command->options[i].name;

        if (strlen(name) == len && memcmp(name, word, len) == 0)
            return &command->options[i];
    }
    return NULL;
}

static bool complain(const char *word, const char *what)
{
    fprintf(stderr, "orderctl: %s: %s\n", word, what);
    return false;
}

/* One option at ARGV[*AT], its value in the same word or the next one. GIVEN: which were there. */
static bool read_option(const struct command *command, int count, char **argv, int *at, bool *given)
{
    const char *word = argv[*at];
    size_t len = strcspn(word, "=");
    const struct setting *option = find(command, word, len);
    const char *value = word[len] == '=' ? word + len + 1 : NULL;

    if (!option)
        return complain(word, "no option of this command; --help lists them");
    if (option->kind == SETTING_BOOL) {
        if (value)
            return complain(word, "takes no value");
        value = "true";
    } else if (!value) {
        if (*at + 1 >= count)
            return complain(word, "takes a value");
        value = argv[++*at];
    }
    given[option - command->options] = true;
    return setting_store(option, value, command->into);
}

static bool set_defaults(const struct command *command, const bool *given)
{
    bool complete = true;

    for (size_t i = 0; i < command->option_count; i++) {
        const struct setting *option = &command->options[i];

        if (given[i])
            continue;
        if (!option->fallback)
            complete = complain(option->name, "is required");
        else
            complete = setting_store(option, option->fallback, command->into) && complete;
    }
    return complete;
}

static bool arguments_fit(const struct command *command, int count)
{
    if (count >= command->arguments_min && count <= command->arguments_max)
        return true;
    if (command->arguments_max == 0)
        fprintf(stderr, "orderctl: the command takes no arguments; --help tells more\n");
    else
        fprintf(stderr, "orderctl: the command takes %s; --help tells more\n", command->arguments);
    return false;
}

enum options_verdict options_read(const struct command *command, int count, char **argv, struct ctl *ctl)
{
    const char **arguments = arena_array(ctl->arena, (size_t)count + 1, sizeof *arguments);
    bool *given = arena_array(ctl->arena, command->option_count + 1, sizeof *given);
    bool valid = true, words_only = false;

    ctl->arguments = arguments;
    for (int i = 0; i < count; i++) {
        if (words_only || strncmp(argv[i], "--", 2) != 0)
            arguments[ctl->argument_count++] = argv[i];
        else if (strcmp(argv[i], "--") == 0)
            words_only = true;
        else if (strcmp(argv[i], "--help") == 0)
            return OPTIONS_HELP;
        else if (strcmp(argv[i], "--json") == 0)
            ctl->json = true;
        else
            valid = read_option(command, count, argv, &i, given) && valid;
    }
    valid = set_defaults(command, given) && valid;
    valid = arguments_fit(command, ctl->argument_count) && valid;
    return valid ? OPTIONS_READ : OPTIONS_WRONG;
}
