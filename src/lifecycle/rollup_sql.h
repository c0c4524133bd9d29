/* rollup_sql: the statements that compute windows, from the parts in rollups/. Pure. Private to
 * lifecycle.
 *
 * Each is one INSERT ... SELECT that computes whole windows from the rows of its source.
 * Parameters: from and to (s since 1970: rows with from < time <= to), windows (their ends),
 * version, and for metrics slices and slice (only series with series_id % slices = slice). */
#pragma once

#include "base/buf.h"
#include "lifecycle/rollup.h"

struct rollup_text {
    const char *name, *text;
};
extern const struct rollup_text rollup_texts[]; /* rollups/NAME.sql */
extern const size_t n_rollup_texts;

enum { ROLLUP_STATEMENTS_MAX = 3 };

/* Appends the i-th statement that computes a window; false when there is none. */
bool rollup_sql_add(struct buf *out, enum rollup_id id, unsigned i);
