/* utf8.h - well-formed UTF-8 (Unicode table 3-7): no surrogates, no overlong forms, nothing past U+10FFFF. */
#pragma once

#include "base/text.h"

/* Bytes of the character that TEXT starts with, 1..4; 0 when it is empty or not well-formed there. Pure. */
size_t utf8_char_len(struct text text);

/* Whether all of TEXT is well-formed. Pure. */
bool utf8_is_valid(struct text text);
