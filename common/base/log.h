/* log.h - one JSON object a line on stderr: ts, level, service, msg, then the ids that tie lines together. */
#pragma once

#include "base/cleanup.h"
#include "base/text.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Who and where; members may be NULL and are then left out. Strings are escaped, so client bytes cannot forge lines. */
struct log_context {
    const char *request_id;
    const char *trace_id;
    const char *order_id;
    const char *event_id;
};

/* "debug", "info", "warn", "error". Pure. */
MUST_CHECK bool log_level_parse(struct text name, enum log_level *level);
const char *log_level_name(enum log_level level);

/* Once, before threads. SERVICE has to outlive the process; LEVEL is the lowest that is written.
 * Ignores SIGPIPE. */
void log_start(const char *service, enum log_level level);

/* Writes one line of at most 4 KiB with one write(2); a blocked or closed stderr loses the line, never stops the caller.
 * Thread safe. CONTEXT may be NULL. Callers never pass secrets or personal data. */
void log_write(enum log_level level, const struct log_context *context, const char *format, ...) PRINTF_LIKE(3, 4);

#define log_debug(...) log_write(LOG_DEBUG, NULL, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, NULL, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, NULL, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, NULL, __VA_ARGS__)
