/* traceparent.c - trace headers of clients and messages: what is taken is a valid header of version 00 and stays as it is.
 */
#include "base/traceparent.h"
#include "tests/fuzz/fuzz.h"

static const char layout[] = "00-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-0f";

static bool fits(char c, char expected)
{
    if (expected == 'h')
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    return expected == 'f' ? c == '0' || c == '1' : c == expected;
}

static void check_trace(const struct traceparent *trace)
{
    struct traceparent again, child = traceparent_child(trace);

    PROPERTY(strlen(trace->text) == TRACEPARENT_LEN);
    for (size_t i = 0; i < TRACEPARENT_LEN; i++)
        PROPERTY(fits(trace->text[i], layout[i]));
    PROPERTY(traceparent_parse(text_of(trace->text), &again));
    PROPERTY(strcmp(again.text, trace->text) == 0);
    PROPERTY(traceparent_parse(text_of(child.text), &again));
    PROPERTY(text_equal(traceparent_trace_id(&child), traceparent_trace_id(trace)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text header = text_of_input(data, size);
    struct traceparent trace = { "untouched" };
    size_t ids = TRACEPARENT_LEN - 2; /* between the version and the flags nothing changes */

    if (!traceparent_parse(header, &trace)) {
        PROPERTY(strcmp(trace.text, "untouched") == 0);
        return 0;
    }
    check_trace(&trace);
    PROPERTY(memcmp(trace.text + 2, header.ptr + 2, ids - 2) == 0);
    return 0;
}
