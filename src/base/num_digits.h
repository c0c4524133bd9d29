/* num_digits: the decimal digits of doubles. Pure; private to base. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { NUM_DIGITS_MAX = 24 };

/* The fewest decimal digits, of 15 or more before the zeros at the end go, that read back as `v`, a
 * finite number above 0: v = d.ddd * 10^exp. Returns how many. */
size_t num_digits(double v, char digits[NUM_DIGITS_MAX], int *ret_exp);

/* The same by the C library: it prints 15, 16 and 17 digits and reads them. */
size_t num_digits_plain(double v, char digits[NUM_DIGITS_MAX], int *ret_exp);
