#include "base/failpoint.h"

#ifdef ORDERLINE_FAILPOINTS
#include "base/cleanup.h"
#include "base/clock.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { POINTS_MAX = 32, NAME_MAX_LEN = 63 };

enum action { ACTION_KILL, ACTION_SLEEP, ACTION_FAIL };

struct point {
    char name[NAME_MAX_LEN + 1];
    enum action action;
    long sleep_ms;
    unsigned long on; /* the passage that acts, 0 for all */
    atomic_ulong passages;
};

static struct point points[POINTS_MAX];
static size_t point_count;

static void sleep_ms(long ms)
{
    int64_t deadline = clock_mono_ms() + ms;
    int left;

    while ((left = clock_left_ms(deadline)) > 0) {
        struct timespec pause = { left / 1000, left % 1000 * 1000000L };

        nanosleep(&pause, NULL); /* a signal does not cut it short */
    }
}

/* NAME=ACTION[:ARG][@N] */
static bool parse_point(const char *word, struct point *point)
{
    char action[16] = "";
    const char *at;
    char *end;
    int used = 0;

    if (sscanf(word, "%63[^=]=%15[a-z]%n", point->name, action, &used) != 2)
        return false;
    at = word + used;
    if (strcmp(action, "kill") == 0)
        point->action = ACTION_KILL;
    else if (strcmp(action, "fail") == 0)
        point->action = ACTION_FAIL;
    else if (strcmp(action, "sleep") == 0)
        point->action = ACTION_SLEEP;
    else
        return false;
    if ((*at == ':') != (point->action == ACTION_SLEEP))
        return false;
    if (*at == ':') {
        point->sleep_ms = strtol(at + 1, &end, 10);
        if (end == at + 1 || point->sleep_ms < 0)
            return false;
        at = end;
    }
    if (*at == '@') {
        point->on = strtoul(at + 1, &end, 10);
        if (end == at + 1 || point->on == 0)
            return false;
        at = end;
    }
    return *at == '\0';
}

void failpoint_init(void)
{
    const char *value = getenv("FAILPOINTS");
    char *words, *rest;

    if (!value)
        return;
    words = rest = strdup(value);
    for (char *word = strtok_r(rest, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        if (point_count == POINTS_MAX || !parse_point(word, &points[point_count])) {
            fprintf(stderr, "FAILPOINTS: cannot read \"%s\": NAME=kill|sleep:MS|fail[@N],... up to %d\n", word, POINTS_MAX);
            exit(EX_CONFIG);
        }
        point_count++;
    }
    free(words);
}

bool failpoint_hit(const char *name)
{
    bool failed = false;

    for (size_t i = 0; i < point_count; i++) {
        struct point *point = &points[i];

        if (strcmp(point->name, name) != 0)
            continue;
        if (atomic_fetch_add(&point->passages, 1) + 1 != point->on && point->on != 0)
            continue;
        switch (point->action) {
        case ACTION_KILL:
            kill(getpid(), SIGKILL);
            break;
        case ACTION_SLEEP:
            sleep_ms(point->sleep_ms);
            break;
        case ACTION_FAIL:
            failed = true;
            break;
        }
    }
    return failed;
}
#endif
