/* settings.h - a program's settings as one table: name, kind, default, limits, help; read from the environment. */
#pragma once

#include "base/cleanup.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum setting_kind {
    SETTING_TEXT,   /* const char *: lives as long as the process */
    SETTING_SECRET, /* as TEXT, masked wherever it is shown; <NAME>_FILE names a file that holds it instead */
    SETTING_INT,    /* int64_t within [min, max] */
    SETTING_LEVEL,  /* enum log_level as int64_t: debug, info, warn, error */
    SETTING_BOOL,   /* bool: true or false */
};

/* One line of the table. OFFSET is where the value goes in the program's settings struct. */
struct setting {
    const char *name; /* the environment variable */
    enum setting_kind kind;
    size_t offset;
    const char *fallback; /* default as text; NULL: required */
    int64_t min, max;     /* SETTING_INT only, both inclusive */
    const char *help;     /* one line: what it does, its unit */
};

/* A program's own words for --help. */
struct program {
    const char *name;    /* "outbox-relay" */
    const char *summary; /* one line */
    const struct setting *settings;
    size_t setting_count;
};

/* Handles --help, --version and --print-config (each prints and exits 0), refuses any other argument (exit 64), then
 * fills INTO from the environment. An unknown kind of value, a missing one or one out of its limits ends the process with
 * exit 78 (EX_CONFIG) and one line on stderr a fault, that names the variable and what it takes. Call first in main. */
void settings_read(const struct program *program, int argc, char **argv, void *into);

/* The parts of settings_read, for programs with a command line of their own. Each fault is one line on stderr; false, and
 * all others are still read. The strings in VALUE have to live as long as INTO. */
MUST_CHECK bool settings_from_environment(const struct setting *settings, size_t count, void *into);

/* Checks VALUE as SETTING, whose name is shown with it ("--rate=x: takes ..."), and stores it. */
MUST_CHECK bool setting_store(const struct setting *setting, const char *value, void *into);
