/* parse: query text into a tree. Pure; trees lie in the arena and borrow from the text. thread: any
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "query/ir/promql.h"

struct promql_options {
    bool experimental; /* functions and aggregations that Prometheus hides behind a flag */
};

/* Parses and checks types. ST_INVALID: err->pos is the byte offset and err->msg Prometheus' message
 * without its place. */
[[nodiscard]] status promql_parse(struct arena *a, str query, struct promql_options opt,
                                  struct promql_expr **ret, struct err *err);

/* One vector selector, as in match[]. */
[[nodiscard]] status promql_parse_selector(struct arena *a, str query, struct promql_expr **ret,
                                           struct err *err);

/* Prometheus' String(): the canonical text on one line. */
void promql_print(struct buf *out, const struct promql_expr *e);

/* Prometheus' Pretty(): what is longer than 100 characters is split over lines, its parts indented.
 */
void promql_pretty(struct buf *out, const struct promql_expr *e);

/* 1h30m, in ms. ST_INVALID with Prometheus' message. */
[[nodiscard]] status promql_parse_duration(str text, int64_t *ret_ms, struct err *err);
void promql_print_duration(struct buf *out, int64_t ms);

/* A moment: seconds with a fraction, or RFC 3339. A span: seconds with a fraction, or a duration.
 */
[[nodiscard]] status promql_parse_time(str text, int64_t *ret_ms, struct err *err);
[[nodiscard]] status promql_parse_span(str text, int64_t *ret_ms, struct err *err);

/* The function called `name`, or NULL. */
const struct promql_function *promql_function_find(str name);
const struct promql_function *promql_function_at(size_t i); /* NULL behind the last */

/* The text between the quotes, escapes resolved. ST_INVALID: not a quoted string. */
[[nodiscard]] status promql_unquote(struct arena *a, str quoted, str *ret, struct err *err);
