/* problem.h - answers that say no (RFC 9457), and what they say it about. */
#pragma once

#include "base/fault.h"
#include "fcgi/request.h"

/* Each has one line in the table of problem.c, and its meaning under x-problems in openapi/openapi.yaml. */
enum problem {
    PROBLEM_VALIDATION_FAILED,
    PROBLEM_KEY_MISSING,
    PROBLEM_KEY_INVALID,
    PROBLEM_KEY_REUSED,
    PROBLEM_IN_PROGRESS,
    PROBLEM_BAD_REQUEST,
    PROBLEM_NOT_FOUND,
    PROBLEM_METHOD_NOT_ALLOWED,
    PROBLEM_NOT_CANCELLABLE,
    PROBLEM_PAYLOAD_TOO_LARGE,
    PROBLEM_MEDIA_TYPE,
    PROBLEM_INTERNAL,
    PROBLEM_UNAVAILABLE,
    PROBLEM_BACKLOG_FULL,
    PROBLEMS,
};

/* One thing wrong with the input; POINTER is RFC 6901 into the body, or the name of a query parameter. */
struct violation {
    struct text pointer;
    struct text detail;
};

/* Grows in the arena. */
struct violations {
    struct arena *arena;
    struct violation *list;
    size_t count, room;
};

#define VIOLATIONS_IN(arena_ptr) ((struct violations){ .arena = (arena_ptr) })

/* POINTER and DETAIL have to live as long as the arena. */
void violation_add(struct violations *violations, struct text pointer, struct text detail);

/* Answers with PROBLEM: DETAIL is a sentence for people. VIOLATIONS may be NULL. Logs one line. */
void problem_answer(const struct request *request, struct response *response, enum problem problem, struct text detail,
                    const struct violations *violations);

/* Answers with what FAULT means to a client: later may help, or an operator has to. Only the log tells the details. */
void problem_answer_fault(const struct request *request, struct response *response, const struct fault *fault);
