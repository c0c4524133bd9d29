/* literal: values written in a configuration, with the type that their text has: true and false,
 * whole numbers, numbers, and text for the rest and for what is in quotes. */
#pragma once

#include "base/tree.h"
#include "model/attr.h"

/* Of a scalar; borrows from the tree. */
struct attr_value literal_of(const struct tree *t);

/* Reads the key's scalar; *ret_found is false when it is absent or null. */
[[nodiscard]] status literal_read(const struct tree *map, str key, struct attr_value *ret,
                                  bool *ret_found, struct err *err);

/* The value with its text copied into the arena. */
struct attr_value literal_copy(struct arena *a, const struct attr_value *v);
