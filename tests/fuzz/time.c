/* time.c - times of queries: what was understood is printed as the same instant. */
#include "base/clock.h"
#include "tests/fuzz/fuzz.h"

static const int64_t year_10000_ms = INT64_C(253402300800000);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[CLOCK_RFC3339_LEN + 1];
    int64_t unix_ms, again;

    if (!clock_parse_rfc3339(text_of_input(data, size), &unix_ms))
        return 0;
    PROPERTY(unix_ms > -year_10000_ms && unix_ms < year_10000_ms + 86400000);
    if (unix_ms < 0 || unix_ms >= year_10000_ms)
        return 0; /* not among what is ever printed */
    clock_rfc3339(unix_ms, text);
    PROPERTY(clock_parse_rfc3339(text_of(text), &again));
    PROPERTY(again == unix_ms);
    return 0;
}
