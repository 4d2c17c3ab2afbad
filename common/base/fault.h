/* fault.h - why something failed, as a value: its kind decides the HTTP status and the worker's verdict. */
#pragma once

#include "base/cleanup.h"
#include <stdbool.h>

enum fault_kind {
    FAULT_NONE,      /* nothing failed */
    FAULT_INVALID,   /* the input is at fault; repeating it cannot help */
    FAULT_NOT_FOUND, /* the thing named does not exist */
    FAULT_CONFLICT,  /* the thing exists in a state that forbids the operation */
    FAULT_BUSY,      /* a bounded queue is full or another holds the thing; later may work */
    FAULT_TRANSIENT, /* connection, serialization, deadlock, lock wait: the whole unit may be repeated */
    FAULT_TIMEOUT,   /* a deadline passed; as FAULT_TRANSIENT, but told apart in answers and metrics */
    FAULT_UNKNOWN,   /* COMMIT was sent and no answer came: done or not, look before repeating */
    FAULT_PERMANENT, /* a constraint, a missing object, a refused configuration: an operator is needed */
};

/* A value; lives where the caller declares it. Zero-initialised means no fault. */
struct fault {
    enum fault_kind kind;
    char code[32];    /* machine word: an SQLSTATE, "redis_io", ... may be empty */
    char detail[256]; /* one sentence for people: what failed and what to do; never holds secrets */
};

/* Fills FAULT and returns false, so that failing reads `return fault_set(...)`. Over-long text is cut. */
bool fault_set(struct fault *fault, enum fault_kind kind, const char *code, const char *format, ...) PRINTF_LIKE(4, 5);

/* Whether the same unit of work may be tried again as it is (TRANSIENT, TIMEOUT, BUSY). Pure. */
bool fault_is_retryable(const struct fault *fault);

/* The kind's word for logs: "transient", ... Pure; never NULL. */
const char *fault_kind_name(enum fault_kind kind);
