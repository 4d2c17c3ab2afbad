#include "base/fault.h"
#include <stdarg.h>
#include <stdio.h>

bool fault_set(struct fault *fault, enum fault_kind kind, const char *code, const char *format, ...)
{
    va_list args;

    fault->kind = kind;
    snprintf(fault->code, sizeof fault->code, "%s", code ? code : "");
    va_start(args, format);
    vsnprintf(fault->detail, sizeof fault->detail, format, args);
    va_end(args);
    return false;
}

bool fault_is_retryable(const struct fault *fault)
{
    return fault->kind == FAULT_TRANSIENT || fault->kind == FAULT_TIMEOUT || fault->kind == FAULT_BUSY;
}

const char *fault_kind_name(enum fault_kind kind)
{
    static const char *const names[] = {
        [FAULT_NONE] = "none",         [FAULT_INVALID] = "invalid", [FAULT_NOT_FOUND] = "not_found",
        [FAULT_CONFLICT] = "conflict", [FAULT_BUSY] = "busy",       [FAULT_TRANSIENT] = "transient",
        [FAULT_TIMEOUT] = "timeout",   [FAULT_UNKNOWN] = "unknown", [FAULT_PERMANENT] = "permanent",
    };

    return (size_t)kind < ARRAY_LEN(names) ? names[kind] : "unknown";
}
