/* rows: a small result of a statement, read line by line. */
#pragma once

#include "store/store.h"

struct rows {
    struct buf text; /* TabSeparatedRaw: for columns without tabs and newlines */
    str rest;
};

/* ST_LIMIT: more than 16 MiB. */
[[nodiscard]] status rows_read(struct store *s, str sql, const struct store_param *params,
                               size_t n_params, struct rows *ret, struct err *err);
/* The same of a statement that may not take long; until *stop is set (NULL: never): ST_CANCELLED.
 */
[[nodiscard]] status rows_read_until(struct store *s, str sql, uint32_t timeout_ms,
                                     atomic_bool *stop, struct rows *ret, struct err *err);
/* The next row's fields; false at the end. Fields that are missing are empty. */
bool rows_next(struct rows *r, str *fields, size_t n);
void rows_done(struct rows *r);
