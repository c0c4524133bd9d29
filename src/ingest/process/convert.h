/* convert: a value as one of another type. False, and *ret is not to be used, when it cannot be:
 * text that is no number, a double that no int64 holds, arrays, lists, bytes, nothing. Doubles lose
 * their fraction; true is 1. */
#pragma once

#include "model/attr.h"

bool attr_to_int(const struct attr_value *v, int64_t *ret);
bool attr_to_double(const struct attr_value *v, double *ret);
bool attr_to_bool(const struct attr_value *v, int64_t *ret); /* 0 or 1; text: true or false */
