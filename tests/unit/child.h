/* child.h - runs a function in a child process and tells what it printed and how it ended. */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    char out[16384]; /* stdout and stderr, NUL-terminated */
    int status;      /* as waitpid gives it */
};

/* BODY may exit by itself; when it returns the child exits with 0. */
static inline struct child child_run(void (*body)(void *), void *arg)
{
    struct child child = { .status = -1 };
    FILE *file = tmpfile();
    pid_t pid;

    if (!file)
        abort();
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        dup2(fileno(file), STDOUT_FILENO);
        dup2(fileno(file), STDERR_FILENO);
        body(arg);
        fflush(NULL);
        _exit(0);
    }
    while (waitpid(pid, &child.status, 0) < 0 && errno == EINTR)
        continue;
    rewind(file);
    child.out[fread(child.out, 1, sizeof child.out - 1, file)] = '\0';
    fclose(file);
    return child;
}

/* The exit code, or -1 when a signal ended it. */
static inline int child_exit_code(const struct child *child)
{
    return WIFEXITED(child->status) ? WEXITSTATUS(child->status) : -1;
}
