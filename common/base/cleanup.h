/* cleanup.h - attributes for ownership and checked results, used everywhere. */
#pragma once

#include <stddef.h>

/* The caller has to look at the result. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* Calls FUNCTION with the variable's address when it leaves scope. */
#define CLEANUP(function) __attribute__((cleanup(function)))

/* The parameter at position AT is a printf format, its arguments start at FIRST. */
#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
