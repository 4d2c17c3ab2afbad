/* main.c - orderctl: finds the command, reads its options and the settings, runs it. */
#include "base/log.h"
#include "ctl/groups.h"
#include "ctl/help.h"
#include "ctl/options.h"
#include <stdio.h>

static const struct group *find_group(const char *name)
{
    for (size_t i = 0; i < group_count; i++)
        if (strcmp(groups[i]->name, name) == 0)
            return groups[i];
    return NULL;
}

/* The command that NAME means; the only one of a group that is its command, whatever NAME is. */
static const struct command *find_command(const struct group *group, const char *name)
{
    for (size_t i = 0; i < group->command_count; i++) {
        const struct command *command = &group->commands[i];

        if (!command->name || (name && strcmp(command->name, name) == 0))
            return command;
    }
    return NULL;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static enum ctl_exit run(const struct group *group, const struct command *command, int count, char **words, struct ctl *ctl)
{
    enum ctl_exit code;

    switch (options_read(command, count, words, ctl)) {
    case OPTIONS_HELP:
        help_command(group, command, stdout);
        return CTL_OK;
    case OPTIONS_WRONG:
        return CTL_USAGE;
    case OPTIONS_READ:
        break;
    }
    if (!settings_from_environment(ctl_settings_table, ctl_settings_count, &ctl->settings))
        return CTL_CONFIG;
    code = command->run(ctl);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "orderctl: cannot write to stdout: %m\n");
        return CTL_FAILED;
    }
    return code;
}

int main(int argc, char **argv)
{
    ARENA_SCOPE arena = { 0 };
    struct ctl ctl = { .arena = &arena };
    const struct group *group;
    const struct command *command;
    int words;

    log_start("orderctl", LOG_ERROR);
    if (argc < 2 || is_help(argv[1])) {
        help_program(argc < 2 ? stderr : stdout);
        return argc < 2 ? CTL_USAGE : CTL_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("orderctl " ORDERLINE_VERSION);
        return CTL_OK;
    }
    if (strcmp(argv[1], "--man") == 0) {
        help_man(stdout);
        return CTL_OK;
    }
    group = find_group(argv[1]);
    if (!group) {
        fprintf(stderr, "orderctl: there is no command \"%s\"; `orderctl --help` lists them\n", argv[1]);
        return CTL_USAGE;
    }
    command = find_command(group, argc > 2 ? argv[2] : NULL);
    if (!command) {
        bool asked = argc > 2 && is_help(argv[2]);

        help_group(group, asked ? stdout : stderr);
        return asked ? CTL_OK : CTL_USAGE;
    }
    words = command->name ? 3 : 2;
    return (int)run(group, command, argc - words, argv + words, &ctl);
}
