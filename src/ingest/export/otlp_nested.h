/* otlp_nested: what is in the JSON text that the model keeps of a nested value (model/attr.h), read
 * back for AnyValue. Pure.
 *
 * The text is of the plain value, so some things cannot be told apart again: bytes are the text of
 * their base64, a double without fraction below 1e21 is an int when it fits into 64 bits, NaN and
 * the infinities are their names as text. All else comes back as it was. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/json_in.h"

enum { NESTED_DEPTH_MAX = 40 }; /* decode takes 32 levels; a processor may add some around them */

enum nested_number { NESTED_INT, NESTED_DOUBLE, NESTED_NO_NUMBER };

/* A JSON number: an int when it is written without fraction and exponent and fits; "-0" is a
 * double. NESTED_NO_NUMBER: no double is as large. */
enum nested_number nested_number(str text, int64_t *ret_int, double *ret_double);

/* Is all of the text one JSON value of at most NESTED_DEPTH_MAX levels? Others are sent as text. */
bool nested_is_sound(struct arena *scratch, str text);
