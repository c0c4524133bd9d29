/* graph_name: names of components: "type" or "type/suffix". */
#pragma once

#include "base/err.h"
#include "base/tree.h"

/* The type of a component called `name`. ST_INVALID with the place of `at` (its key when
 * `at_key`): no name of a component. */
[[nodiscard]] status graph_type_of(const struct tree *at, bool at_key, str name, str *ret_type,
                                   struct err *err);

/* "; did you mean \"x\"?" or nothing, in `out`: the nearest of the names. */
const char *graph_nearest(str wrong, const str *names, size_t n, char out[160]);

/* The same among the keys of a map. */
const char *graph_nearest_key(str wrong, const struct tree *map, char out[160]);
