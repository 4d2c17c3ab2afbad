/* read_orders.c - what order-api makes of bodies: one a line on standard input, one line of answer each. For tests that
 * compare it with another implementation: "ok DECIMALS TOTAL_MINOR", or "no" and the places of the violations. */
#include "fcgi/order_request.h"
#include <stdio.h>
#include <stdlib.h>

static void answer(struct text body, struct arena *arena)
{
    struct violations violations = VIOLATIONS_IN(arena);
    struct order order;

    if (order_request_read(body, arena, &order, &violations)) {
        printf("ok %d %ld\n", order.currency_decimals, order.total_minor);
        return;
    }
    printf("no");
    for (size_t i = 0; i < violations.count; i++)
        printf(" %.*s", TEXT_FMT(violations.list[i].pointer));
    printf("\n");
}

int main(void)
{
    ARENA_SCOPE arena = { 0 };
    char *line = NULL;
    size_t size = 0;
    ssize_t len;

    while ((len = getline(&line, &size, stdin)) > 0) {
        answer((struct text){ line, (size_t)len }, &arena);
        arena_reset(&arena);
    }
    free(line);
    return 0;
}
