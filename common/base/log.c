#include "base/log.h"
#include "base/clock.h"
#include "base/utf8.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINE_MAX_LEN = 4096, /* newline included; not above PIPE_BUF, so that lines of several writers never mix */
    ID_MAX_LEN = 128,    /* bytes of an id before escaping: client bytes must not push the message out */
};

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARN] = "warn",
    [LOG_ERROR] = "error",
};

static const char *service_name = "";
static enum log_level lowest = LOG_INFO;
static int log_fd = STDERR_FILENO;
static bool nonblocking;

/* Text that is only ever cut between characters; at most LIMIT bytes. */
struct line {
    char bytes[LINE_MAX_LEN];
    size_t len;
    size_t limit;
};

static bool line_add(struct line *line, const char *bytes, size_t len)
{
    if (len > line->limit - line->len)
        return false;
    memcpy(line->bytes + line->len, bytes, len);
    line->len += len;
    return true;
}

/* TEXT escaped, as much of it as fits; what is not UTF-8 becomes U+FFFD. */
static void line_escape(struct line *line, struct text text)
{
    while (text.len > 0) {
        unsigned char c = (unsigned char)text.ptr[0];
        size_t used = utf8_char_len(text);
        char escape[8];
        bool fits;

        if (used == 0) {
            used = 1;
            fits = line_add(line, "\\ufffd", 6);
        } else if (c == '"' || c == '\\') {
            fits = line_add(line, (char[]){ '\\', (char)c }, 2);
        } else if (c < 0x20 || c == 0x7F) {
            snprintf(escape, sizeof escape, "\\u%04x", c);
            fits = line_add(line, escape, 6);
        } else {
            fits = line_add(line, text.ptr, used);
        }
        if (!fits)
            return;
        text.ptr += used;
        text.len -= used;
    }
}

/* ,"NAME":"VALUE" - all ids together stay below the limit of a line whatever is in them. */
static void line_id(struct line *line, const char *name, const char *value)
{
    if (!value)
        return;
    line_add(line, ",\"", 2);
    line_add(line, name, strlen(name));
    line_add(line, "\":\"", 3);
    line_escape(line, (struct text){ value, strnlen(value, ID_MAX_LEN) });
    line_add(line, "\"", 1);
}

bool log_level_parse(struct text name, enum log_level *level)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
        if (text_is(name, level_names[i])) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

void log_start(const char *service, enum log_level level)
{
    struct stat stat;

    service_name = service;
    lowest = level;
    signal(SIGPIPE, SIG_IGN); /* a reader that went away must not take the process with it */

    /* O_NONBLOCK on fd 2 itself would change it for everyone who shares it, a terminal's shell included; a pipe can be
     * opened a second time. Whatever else stderr may be is asked by poll() before each line. */
    if (!nonblocking && fstat(STDERR_FILENO, &stat) == 0 && S_ISFIFO(stat.st_mode)) {
        int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);

        if (fd >= 0) {
            log_fd = fd;
            nonblocking = true;
        }
    }
}

static void line_write(const struct line *line)
{
    struct pollfd pollfd = { .fd = log_fd, .events = POLLOUT };

    if (!nonblocking && (poll(&pollfd, 1, 0) != 1 || !(pollfd.revents & POLLOUT)))
        return;
    if (write(log_fd, line->bytes, line->len) < 0)
        return; /* a line lost is all that may happen */
}

void log_write(enum log_level level, const struct log_context *context, const char *format, ...)
{
    char now[CLOCK_RFC3339_LEN + 1];
    char message[LINE_MAX_LEN];
    struct line line, ids;
    va_list args;

    if (level < lowest)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);

    ids.len = 0;
    ids.limit = sizeof ids.bytes;
    if (context) {
        line_id(&ids, "request_id", context->request_id);
        line_id(&ids, "trace_id", context->trace_id);
        line_id(&ids, "order_id", context->order_id);
        line_id(&ids, "event_id", context->event_id);
    }
    clock_rfc3339(clock_unix_ms(), now);
    line.len =
        (size_t)snprintf(line.bytes, sizeof line.bytes, "{\"ts\":\"%s\",\"level\":\"%s\",\"service\":\"%.64s\",\"msg\":\"",
                         now, level_names[level], service_name);
    line.limit = sizeof line.bytes - ids.len - sizeof "\"}";
    line_escape(&line, text_of(message));
    line.limit = sizeof line.bytes;
    line_add(&line, "\"", 1);
    line_add(&line, ids.bytes, ids.len);
    line_add(&line, "}\n", 2);
    line_write(&line);
}
