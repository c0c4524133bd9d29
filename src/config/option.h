/* option: the rows of options.def, for the readers in this folder. */
#pragma once

#include <stddef.h>

#include "base/str.h"

struct option;

/* NULL: no option has that name. */
const struct option *option_find(str name);

/* The i-th name; empty past the last. For base/nearest.h; the second argument is not used. */
str option_name(size_t i, void *unused);
