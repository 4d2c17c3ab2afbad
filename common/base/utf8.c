#include "base/utf8.h"

static bool is_continuation(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

size_t utf8_char_len(struct text text)
{
    const unsigned char *at = (const unsigned char *)text.ptr;
    unsigned char low = 0x80, high = 0xBF; /* limits of the second byte */
    size_t len;

    if (text.len == 0)
        return 0;
    if (at[0] < 0x80)
        return 1;
    if (at[0] >= 0xC2 && at[0] <= 0xDF)
        len = 2;
    else if (at[0] >= 0xE0 && at[0] <= 0xEF)
        len = 3;
    else if (at[0] >= 0xF0 && at[0] <= 0xF4)
        len = 4;
    else
        return 0;
    switch (at[0]) {
    case 0xE0: /* overlong below */
        low = 0xA0;
        break;
    case 0xED: /* surrogates above */
        high = 0x9F;
        break;
    case 0xF0: /* overlong below */
        low = 0x90;
        break;
    case 0xF4: /* past U+10FFFF above */
        high = 0x8F;
        break;
    default:
        break;
    }
    if (text.len < len || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if (!is_continuation(at[i]))
            return 0;
    }
    return len;
}

bool utf8_is_valid(struct text text)
{
    while (text.len > 0) {
        size_t len = utf8_char_len(text);

        if (len == 0)
            return false;
        text.ptr += len;
        text.len -= len;
    }
    return true;
}
