/* promql_printer: parts of the printed form that its one-line and its pretty form share. Private to
 * parse. */
#pragma once

#include "base/buf.h"
#include "query/ir/promql.h"

/* "* on (a) group_left (b)" */
void promql_print_operator(struct buf *out, const struct promql_expr *binary);
/* "sum by (a) ": what stands before the parenthesis */
void promql_print_grouping(struct buf *out, const struct promql_expr *aggregate);
/* "[5m:1m] offset 1m" */
void promql_print_subquery(struct buf *out, const struct promql_expr *subquery);
