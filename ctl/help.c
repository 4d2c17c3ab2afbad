#include "ctl/help.h"
#include <inttypes.h>

enum { WIDTH = 100 }; /* of paragraphs */

static const struct {
    enum ctl_exit code;
    const char *meaning;
} exits[] = {
    { CTL_OK, "done; all is well" },
    { CTL_NO, "the answer is no: an invariant is broken, there is no such order, its state forbids it" },
    { CTL_FAILED, "a server could not be reached, failed, or did not answer in time" },
    { CTL_USAGE, "wrong command line" },
    { CTL_CONFIG, "wrong or missing setting" },
};

/* "order show ORDER-ID" */
static void synopsis(const struct group *group, const struct command *command, FILE *out)
{
    fputs(group->name, out);
    if (command->name)
        fprintf(out, " %s", command->name);
    if (*command->arguments)
        fprintf(out, " %s", command->arguments);
}

/* TEXT broken at spaces into lines of WIDTH. */
static void paragraph(const char *text, FILE *out)
{
    while (*text) {
        size_t len = strlen(text);

        if (len > WIDTH) {
            len = WIDTH;
            while (len > 0 && text[len] != ' ')
                len--;
            len = len ? len : strcspn(text, " ");
        }
        fprintf(out, "%.*s\n", (int)len, text);
        text += len;
        text += strspn(text, " ");
    }
}

static const char *metavar(const struct setting *option)
{
    switch (option->kind) {
    case SETTING_BOOL:
        return "";
    case SETTING_INT:
        return " N";
    default:
        return " TEXT";
    }
}

/* " (default 64; 1..1024)" and the like. */
static void limits(const struct setting *setting, FILE *out)
{
    bool shown = setting->fallback && *setting->fallback && setting->kind != SETTING_BOOL;

    if (!setting->fallback)
        fputs(" (required)", out);
    else if (setting->kind == SETTING_INT)
        fprintf(out, " (default %s; %" PRId64 "..%" PRId64 ")", setting->fallback, setting->min, setting->max);
    else if (shown)
        fprintf(out, " (default %s)", setting->fallback);
    if (setting->kind == SETTING_SECRET)
        fprintf(out, "; or the file in %s_FILE", setting->name);
}

static void indented(const char *lines, FILE *out)
{
    while (*lines) {
        size_t len = strcspn(lines, "\n");

        fprintf(out, "  %.*s\n", (int)len, lines);
        lines += len + (lines[len] == '\n');
    }
}

void help_program(FILE *out)
{
    fputs("Usage: orderctl COMMAND [ARGUMENT...] [OPTION...]\n\nThe operator's tool of Orderline.\n\n", out);
    for (size_t g = 0; g < group_count; g++) {
        for (size_t c = 0; c < groups[g]->command_count; c++) {
            const struct command *command = &groups[g]->commands[c];
            char line[64];
            FILE *words = fmemopen(line, sizeof line, "w");

            if (!words)
                return;
            synopsis(groups[g], command, words);
            fclose(words);
            fprintf(out, "  %-34s %s\n", line, command->summary);
        }
    }
    fputs("\nEvery command takes --json, for one JSON value on stdout, and --help, which tells its options and examples.\n"
          "`orderctl --man | man -l -` shows all of it.\n\nSettings, from the environment:\n",
          out);
    for (size_t i = 0; i < ctl_settings_count; i++) {
        fprintf(out, "  %-16s %s", ctl_settings_table[i].name, ctl_settings_table[i].help);
        limits(&ctl_settings_table[i], out);
        fputc('\n', out);
    }
    fputs("\nExit status:\n", out);
    for (size_t i = 0; i < ARRAY_LEN(exits); i++)
        fprintf(out, "  %-3d %s\n", exits[i].code, exits[i].meaning);
}

void help_group(const struct group *group, FILE *out)
{
    fprintf(out, "orderctl %s - %s\n\n", group->name, group->summary);
    for (size_t c = 0; c < group->command_count; c++) {
        const struct command *command = &group->commands[c];

        fprintf(out, "  %s %s%s%s\n      %s\n", group->name, command->name ? command->name : "",
                *command->arguments ? " " : "", command->arguments, command->summary);
    }
}

void help_command(const struct group *group, const struct command *command, FILE *out)
{
    fputs("Usage: orderctl ", out);
    synopsis(group, command, out);
    fprintf(out, " [OPTION...]\n\n%s\n", command->summary);
    if (command->details) {
        fputc('\n', out);
        paragraph(command->details, out);
    }
    fputs("\nOptions:\n", out);
    for (size_t i = 0; i < command->option_count; i++) {
        const struct setting *option = &command->options[i];

        fprintf(out, "  %s%-*s %s", option->name, (int)(22 - strlen(option->name)), metavar(option), option->help);
        limits(option, out);
        fputc('\n', out);
    }
    fputs("  --json                 one JSON value on stdout\n  --help                 this\n\nExamples:\n", out);
    indented(command->examples, out);
}

/* ---- the man page ---- */

/* TEXT as roff reads it literally. */
static void roff(const char *text, FILE *out)
{
    bool at_start = true;

    for (; *text; text++) {
        if (at_start && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
        at_start = *text == '\n';
    }
}

static void roff_command(const struct group *group, const struct command *command, FILE *out)
{
    fputs(".SS ", out);
    roff(group->name, out);
    if (command->name)
        fprintf(out, " %s", command->name);
    if (*command->arguments) {
        fputc(' ', out);
        roff(command->arguments, out);
    }
    fputs("\n", out);
    roff(command->summary, out);
    fputs(".\n", out);
    if (command->details) {
        fputs(".PP\n", out);
        roff(command->details, out);
        fputc('\n', out);
    }
    for (size_t i = 0; i < command->option_count; i++) {
        const struct setting *option = &command->options[i];

        fputs(".TP\n.B ", out);
        roff(option->name, out);
        fprintf(out, "%s\n", metavar(option));
        roff(option->help, out);
        limits(option, out);
        fputc('\n', out);
    }
    fputs(".PP\nExamples:\n.PP\n.nf\n", out);
    roff(command->examples, out);
    fputs(".fi\n", out);
}

void help_man(FILE *out)
{
    fputs(".TH ORDERCTL 1 \"\" \"Orderline " ORDERLINE_VERSION
          "\" \"Orderline\"\n.SH NAME\norderctl \\- the operator's tool of Orderline\n"
          ".SH SYNOPSIS\n.B orderctl\n.I COMMAND\n[\\fIARGUMENT\\fR...] [\\fIOPTION\\fR...]\n.SH DESCRIPTION\n"
          "Looks into a running Orderline, and sets right what needs a person. Every command takes\n.B \\-\\-json\n"
          "for one JSON value on standard output, and\n.BR \\-\\-help .\n.SH COMMANDS\n",
          out);
    for (size_t g = 0; g < group_count; g++)
        for (size_t c = 0; c < groups[g]->command_count; c++)
            roff_command(groups[g], &groups[g]->commands[c], out);
    fputs(".SH ENVIRONMENT\n", out);
    for (size_t i = 0; i < ctl_settings_count; i++) {
        fprintf(out, ".TP\n.B %s\n", ctl_settings_table[i].name);
        roff(ctl_settings_table[i].help, out);
        limits(&ctl_settings_table[i], out);
        fputc('\n', out);
    }
    fputs(".SH EXIT STATUS\n", out);
    for (size_t i = 0; i < ARRAY_LEN(exits); i++)
        fprintf(out, ".TP\n.B %d\n%s\n", exits[i].code, exits[i].meaning);
}
