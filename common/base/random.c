#include "base/random.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

enum { DRAW = 2048 };

static _Thread_local unsigned char pool[DRAW];
static _Thread_local size_t left; /* unused bytes, at the end of the pool */

static void refill(void)
{
    for (size_t got = 0; got < sizeof pool;) {
        ssize_t n = getrandom(pool + got, sizeof pool - got, 0);

        if (n > 0) {
            got += (size_t)n;
        } else if (errno != EINTR) {
            fprintf(stderr, "no random bytes from the kernel: %m\n");
            abort();
        }
    }
    left = sizeof pool;
}

void random_bytes(void *out, size_t len)
{
    unsigned char *at = out;

    while (len > 0) {
        size_t n;

        if (left == 0)
            refill();
        n = len < left ? len : left;
        memcpy(at, pool + sizeof pool - left, n);
        memset(pool + sizeof pool - left, 0, n); /* what was handed out is not kept */
        left -= n;
        at += n;
        len -= n;
    }
}
