/* fuzz.h - what all targets share: the entry point that libFuzzer calls, and properties that have to hold.
 *
 * Each target is one file <name>.c. Under the preset `fuzz` libFuzzer drives it; under every other one replay.c runs it over
 * corpus/<name>. */
#pragma once

#include "base/buf.h"
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* DATA is valid for SIZE bytes and no further. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process where CONDITION does not hold for this input: a finding. */
#define PROPERTY(condition) property_((condition), #condition, __FILE__, __LINE__)

static inline void property_(bool holds, const char *condition, const char *file, int line)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

static inline struct text text_of_input(const uint8_t *data, size_t size)
{
    return (struct text){ (const char *)data, size };
}
