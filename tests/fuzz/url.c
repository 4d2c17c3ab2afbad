/* url.c - REDIS_URL: its parts, written as a URL again, are the same parts. */
#include "io/redis_url.h"
#include "tests/fuzz/fuzz.h"

static void escape(struct buf *buf, const char *text)
{
    for (; *text; text++)
        buf_printf(buf, "%%%02x", (unsigned)(unsigned char)*text);
}

static const char *write_url(const struct redis_url *url, struct arena *arena)
{
    struct buf buf = BUF_IN(arena);

    if (url->path[0]) {
        buf_printf(&buf, "unix://%s", url->path);
    } else {
        buf_str(&buf, "redis://");
        if (url->user[0] || url->password[0]) {
            escape(&buf, url->user);
            buf_char(&buf, ':');
            escape(&buf, url->password);
            buf_char(&buf, '@');
        }
        buf_printf(&buf, strpbrk(url->host, ":%") ? "[%s]" : "%s", url->host);
        buf_printf(&buf, ":%d/%d", url->port, url->db);
    }
    buf_char(&buf, '\0');
    return buf.ptr;
}

static void check_url(const struct redis_url *url, struct arena *arena)
{
    struct fault fault = { 0 };
    struct redis_url again;

    PROPERTY(url->path[0] ? url->path[0] == '/' : url->host[0] != '\0');
    PROPERTY(url->port >= 1 && url->port <= UINT16_MAX && url->db >= 0);
    PROPERTY(redis_url_parse(write_url(url, arena), &again, &fault));
    PROPERTY(strcmp(again.path, url->path) == 0 && strcmp(again.host, url->host) == 0);
    PROPERTY(strcmp(again.user, url->user) == 0 && strcmp(again.password, url->password) == 0);
    PROPERTY(again.port == url->port && again.db == url->db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE arena = { 0 };
    struct text text = arena_copy(&arena, text_of_input(data, size));
    struct fault fault = { 0 };
    struct redis_url url;

    if (redis_url_parse(text.ptr, &url, &fault))
        check_url(&url, &arena);
    else
        PROPERTY(fault.kind == FAULT_PERMANENT && fault.detail[0] != '\0');
    return 0;
}
