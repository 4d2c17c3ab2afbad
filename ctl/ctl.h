/* ctl.h - what a command of orderctl is made of, and what it is given. A group of commands is one file that defines a
 * `struct group`, its line in groups.c, and its name in CMakeLists.txt; help and man page follow from the tables. */
#pragma once

#include "base/settings.h"
#include "io/pg.h"

/* Exit codes, a part of the contract (help.c tells them to users). */
enum ctl_exit {
    CTL_OK = 0,
    CTL_NO = 1,      /* the question was answered, and the answer is no: an invariant is broken, the thing is not there */
    CTL_FAILED = 2,  /* a server could not be asked, or refused to work */
    CTL_USAGE = 64,  /* EX_USAGE: the command line */
    CTL_CONFIG = 78, /* EX_CONFIG: the settings */
};

/* From the environment. */
struct ctl_settings {
    const char *database_url; /* an administrator's; "" where it was not given, likewise below */
    const char *brokers;
    const char *kafka_security;
    const char *api_url;
    const char *payment_token;
    int64_t payment_timeout_ms;
    int64_t sql_timeout_ms;
};

extern const struct setting ctl_settings_table[];
extern const size_t ctl_settings_count;

/* One run of orderctl. Memory of the arena lives until the program ends. */
struct ctl {
    struct arena *arena;
    struct ctl_settings settings;
    bool json;                    /* --json: one JSON value on stdout instead of text for people */
    const char *const *arguments; /* what the command line has beside options, as many as the command takes */
    int argument_count;
};

struct command {
    const char *name;      /* "show"; NULL: the group is the command */
    const char *arguments; /* as in the usage line: "ORDER-ID"; "" for none */
    int arguments_min, arguments_max;
    const char *summary;           /* one line */
    const char *details;           /* a paragraph for --help; may be NULL */
    const char *examples;          /* one command line a line */
    const struct setting *options; /* named "--rate"; SETTING_BOOL is given without a value; no fallback: required */
    size_t option_count;
    void *into; /* where the options go: the file's own static struct */
    enum ctl_exit (*run)(const struct ctl *ctl);
};

struct group {
    const char *name;
    const char *summary;
    const struct command *commands;
    size_t command_count;
};

/* groups.c: all of them, in the order of the help. */
extern const struct group *const groups[];
extern const size_t group_count;

/* A handle on SCHEMA for the administrator of DATABASE_URL; free it, or declare it with PG_SCOPE. NULL: FAULT says what to
 * set. */
struct pg *ctl_database(const struct ctl *ctl, const char *schema, struct fault *fault);
void ctl_database_close(struct pg **pg);
#define PG_SCOPE CLEANUP(ctl_database_close) struct pg *

/* Reads argument AT as an id; false after a line on stderr. */
MUST_CHECK bool ctl_argument_uuid(const struct ctl *ctl, int at, const char *what, struct uuid *id);

/* "orderctl: DETAIL" on stderr; returns the exit code that the kind of FAULT stands for. */
enum ctl_exit ctl_fail(const struct fault *fault);
