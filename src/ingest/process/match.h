/* match: `include` and `exclude` of the attributes processor: which items it acts on. */
#pragma once

#include "ingest/process/processor.h"

struct match;

/* Reads one of the two; NULL when `t` is. ST_INVALID: with the place; a property that items of the
 * signal do not have. */
[[nodiscard]] status match_new(struct arena *a, enum signal_kind signal, const struct tree *t,
                               const struct match **ret, struct err *err);

bool match_row(const struct match *m, struct process_work *w, uint32_t row);
