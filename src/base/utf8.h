/* utf8: is it, and how long is the next character. RFC 3629: no surrogates, no overlong forms.
 * Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Bytes of the character at `p` (1 to 4), or 0 when it is malformed or cut off. `n` > 0. */
size_t utf8_length(const char *p, size_t n);
bool utf8_valid(str s);

/* Writes code point `c` as 1 to 4 bytes; returns how many. Surrogates and values past U+10FFFF
 * become U+FFFD. */
size_t utf8_put(uint32_t c, char out[4]);
