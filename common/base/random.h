/* random.h - unpredictable bytes without a system call each. */
#pragma once

#include <stddef.h>

/* Fills OUT with LEN bytes of the kernel's generator, drawn in large portions per thread. Thread safe. A child of fork()
 * without exec would repeat its parent's bytes: no program here forks after start. */
void random_bytes(void *out, size_t len);
