/* promql_tree: the tree of a PromQL expression as JSON, as Prometheus' /api/v1/parse_query answers.
 * Pure.
 */
#pragma once

#include "base/json_out.h"
#include "query/ir/promql.h"

/* Writes one value: {"type":"binaryExpr",...}. Members stand in the order of the alphabet. Lengths
 * and offsets are in milliseconds; what duration expressions make of step() and range() is what
 * promql_parse left there. */
void promql_tree(struct json_out *j, const struct promql_expr *e);
