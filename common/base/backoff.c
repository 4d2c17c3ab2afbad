#include "base/backoff.h"
#include "base/random.h"

#include <stdint.h>

int backoff_ms(int attempt, int first_ms, int max_ms)
{
    int64_t most = first_ms;
    uint32_t random;

    for (int i = 1; i < attempt && most < max_ms; i++)
        most *= 2;
    most = most < max_ms ? most : max_ms;
    random_bytes(&random, sizeof random);
    return (int)(most / 2 + random % (most / 2 + 1));
}
