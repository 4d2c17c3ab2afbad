#include "base/traceparent.h"
#include "base/hex.h"
#include "base/random.h"

/* Places inside "00-<trace id>-<span id>-<flags>". */
enum {
    TRACE_ID_AT = 3,
    TRACE_ID_LEN = 32,
    SPAN_ID_AT = 36,
    SPAN_ID_LEN = 16,
    FLAGS_AT = 53,
};

/* LEN lower-case hexadecimal digits, as the specification demands. */
static bool is_hex(const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!(at[i] >= '0' && at[i] <= '9') && !(at[i] >= 'a' && at[i] <= 'f'))
            return false;
    }
    return true;
}

static bool is_id(const char *at, size_t len)
{
    return is_hex(at, len) && strspn(at, "0") < len; /* all zeros mean no id */
}

bool traceparent_parse(struct text header, struct traceparent *trace)
{
    const char *at = header.ptr;

    if (header.len < TRACEPARENT_LEN || !is_hex(at, 2) || memcmp(at, "ff", 2) == 0)
        return false;
    if (header.len > TRACEPARENT_LEN && (memcmp(at, "00", 2) == 0 || at[TRACEPARENT_LEN] != '-'))
        return false; /* only a later version has more, set off by a dash */
    if (at[TRACE_ID_AT - 1] != '-' || at[SPAN_ID_AT - 1] != '-' || at[FLAGS_AT - 1] != '-')
        return false;
    if (!is_id(at + TRACE_ID_AT, TRACE_ID_LEN) || !is_id(at + SPAN_ID_AT, SPAN_ID_LEN) || !is_hex(at + FLAGS_AT, 2))
        return false;
    memcpy(trace->text, at, TRACEPARENT_LEN);
    trace->text[TRACEPARENT_LEN] = '\0';
    /* Version 00 knows one flag, sampled; it has unknown ones handed on as zero. */
    memcpy(trace->text, "00", 2);
    trace->text[FLAGS_AT] = '0';
    trace->text[FLAGS_AT + 1] = strchr("13579bdf", at[FLAGS_AT + 1]) ? '1' : '0';
    return true;
}

/* Writes LEN random hexadecimal digits; never all zeros. */
static void put_random_id(char *at, size_t len)
{
    unsigned char bytes[TRACE_ID_LEN / 2];

    random_bytes(bytes, len / 2);
    bytes[0] |= 1; /* costs one random bit */
    hex_put(at, bytes, len / 2);
}

struct traceparent traceparent_new(void)
{
    struct traceparent trace = { "00-00000000000000000000000000000000-0000000000000000-01" };

    put_random_id(trace.text + TRACE_ID_AT, TRACE_ID_LEN);
    put_random_id(trace.text + SPAN_ID_AT, SPAN_ID_LEN);
    return trace;
}

struct traceparent traceparent_child(const struct traceparent *parent)
{
    struct traceparent child = *parent;

    put_random_id(child.text + SPAN_ID_AT, SPAN_ID_LEN);
    return child;
}

struct text traceparent_trace_id(const struct traceparent *trace)
{
    return (struct text){ trace->text + TRACE_ID_AT, TRACE_ID_LEN };
}

struct text traceparent_span_id(const struct traceparent *trace)
{
    return (struct text){ trace->text + SPAN_ID_AT, SPAN_ID_LEN };
}

bool traceparent_is_sampled(const struct traceparent *trace)
{
    return trace->text[FLAGS_AT + 1] == '1';
}
