/* logql_parse: LogQL text to its tree and back. Pure. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "query/ir/logql.h"

enum { LOGQL_MAX_BYTES = 128 << 10, LOGQL_MAX_DEPTH = 100 };

/* The whole of `text` must be one query. Strings in *ret borrow from `text` and the arena.
 * ST_INVALID: not LogQL; ST_UNSUPPORTED: LogQL that is not served here. The message is Loki's:
 * "parse error at line 1, col 5: ...", and err->pos the byte offset (or ERR_NOPOS). */
[[nodiscard]] status logql_parse(struct arena *a, str text, struct logql_expr **ret,
                                 struct err *err);

/* {app="x", env=~"y"} and nothing else; braces may hold nothing. */
[[nodiscard]] status logql_parse_matchers(struct arena *a, str text, struct logql_matchers *ret,
                                          struct err *err);

/* The tree as text, in the form Loki prints it; parses to the same tree. */
void logql_print(struct buf *out, const struct logql_expr *e);
void logql_print_matchers(struct buf *out, const struct logql_matchers *m);
/* A string literal: double quotes and Go's escapes. */
void logql_print_string(struct buf *out, str s);
