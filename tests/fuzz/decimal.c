/* decimal.c - numbers of requests: an independent grammar, an independent value, and the way back to text.
 *
 * Input: one byte that chooses the decimals, then the token. */
#include "model/decimal.h"
#include "base/json_text.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>

enum { DECIMALS_LARGEST = 9 };

/* JSON's grammar as another file knows it: a text that is one number and nothing around it. */
static bool is_json_number(struct text token, struct arena *arena)
{
    struct json_numbers numbers;
    struct fault fault = { 0 };

    return json_text_check(token, arena, &numbers, &fault) && numbers.count == 1 && numbers.tokens[0].len == token.len;
}

/* The token's value in units of 10^-DECIMALS as libc sees it, good to 18 digits. */
static long double approximate(struct text token, int decimals, struct arena *arena)
{
    return strtold(arena_copy(arena, token).ptr, NULL) * powl(10, decimals);
}

static void reads_back(void (*append)(struct buf *, int64_t, int), struct arena *arena, int64_t value, int decimals)
{
    struct buf text = BUF_IN(arena);
    int64_t again;

    append(&text, value, decimals);
    PROPERTY(is_json_number(buf_view(&text), arena));
    PROPERTY(decimal_parse(buf_view(&text), decimals, &again) == DECIMAL_OK);
    PROPERTY(again == value);
}

static void check_value(struct text token, struct arena *arena, int64_t value, int decimals)
{
    long double about = approximate(token, decimals, arena);
    int64_t finer, ten_times;
    enum decimal_result result;

    PROPERTY(fabsl(about - (long double)value) <= fabsl(about) * 1e-17L);
    reads_back(decimal_append, arena, value, decimals);
    reads_back(decimal_append_short, arena, value, decimals);
    if (decimals == DECIMALS_LARGEST)
        return;
    result = decimal_parse(token, decimals + 1, &finer); /* the same amount in smaller units */
    if (__builtin_mul_overflow(value, 10, &ten_times))
        PROPERTY(result == DECIMAL_TOO_LARGE);
    else
        PROPERTY(result == DECIMAL_OK && finer == ten_times);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE arena = { 0 };
    struct text token;
    int decimals;
    int64_t value;

    if (size == 0)
        return 0;
    decimals = data[0] % (DECIMALS_LARGEST + 1);
    token = text_of_input(data + 1, size - 1);
    switch (decimal_parse(token, decimals, &value)) {
    case DECIMAL_MALFORMED:
        PROPERTY(!is_json_number(token, &arena));
        return 0;
    case DECIMAL_OK:
        check_value(token, &arena, value, decimals);
        break;
    case DECIMAL_TOO_LARGE:
        PROPERTY(fabsl(approximate(token, decimals, &arena)) > 9.2233720368547758e18L);
        break;
    case DECIMAL_TOO_PRECISE:
        break;
    }
    PROPERTY(is_json_number(token, &arena));
    return 0;
}
