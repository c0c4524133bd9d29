/* nearest: the valid name nearest to a wrong one. Pure. */
#pragma once

#include <stddef.h>

#include "base/str.h"

/* names(i, ctx) gives the i-th valid name, an empty str past the last; its text may be overwritten
 * by the next call. Empty when nothing is near: more than a third of the letters differ. The answer
 * may be overwritten by the next call. */
str nearest_name(str wrong, str (*names)(size_t i, void *ctx), void *ctx);
