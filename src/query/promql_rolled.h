/* promql_rolled: the part of a selection that raw samples are gone for, from rollups. Private to
 * query. thread: query */
#pragma once

#include "query/promql_reading.h"
#include "query/promql_store.h"

/* Are raw samples gone for a part of the scope? */
[[nodiscard]] status rolled_reaches(struct promql_store *s, const struct promql_scope *scope,
                                    bool *ret, struct err *err);
/* Reads windows into the outputs of `r` for the part of *io_scope before the store's horizon, and
 * cuts that part off. `ret_horizon` NULL: who asks needs samples; then nothing is read, and a
 * warning says what is missing. */
[[nodiscard]] status rolled_read(struct promql_store *s, struct reading *r, const struct wanted *w,
                                 struct promql_scope *io_scope, struct horizon *ret_horizon,
                                 struct err *err);

/* Reads windows that end in (from, to] (ms) into the outputs of `r`, and adds to *io_used which
 * (PROMQL_USED_...) if there are any. */
[[nodiscard]] status rolled_windows(struct reading *r, const struct wanted *w, int64_t from,
                                    int64_t to, bool coarse, unsigned *io_used, struct err *err);

/* Are samples from `from_ms` on told by themselves, with no window in sight of them, in this query
 * and in any other? */
[[nodiscard]] status rolled_is_raw_from(struct promql_store *s, int64_t from_ms, bool *ret,
                                        struct err *err);
