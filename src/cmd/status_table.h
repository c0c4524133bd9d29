/* status_table: a JSON answer as text for people: members one a line, a list of objects as a table
 * with a column for each member. Pure. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* ST_INVALID: not a JSON object. */
[[nodiscard]] status status_table(struct arena *a, str json, struct buf *out, struct err *err);
