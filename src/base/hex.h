/* hex and base64: bytes to text and back. Pure; outputs go where the caller says. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* The value of a hexadecimal digit of either case, else -1. */
int hex_digit(char c);

/* Writes 2*n lower-case digits to `out`; no NUL. */
void hex_encode(const void *bytes, size_t n, char *out);

/* Reads exactly 2*n digits of either case. False when `s` has another length or a bad digit. */
bool hex_decode(str s, void *out, size_t n);

/* 4*ceil(n/3) characters, padded; returns how many were written. */
size_t base64_encode(str bytes, char *out);
static inline size_t base64_size(size_t n) { return (n + 2) / 3 * 4; }

/* Standard or URL alphabet, padding optional. `out` has room for 3*ceil(len/4). False when
 * malformed. */
bool base64_decode(str s, char *out, size_t *ret_len);
