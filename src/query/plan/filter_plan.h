/* filter_plan: where the rows may be that a search is after, as their filters tell
 * (model/filter.h): what is in none of these runs is not among what is searched for. Pure. */
#pragma once

#include "query/ir/logql.h"
#include "query/ir/sql.h"
#include "query/ir/trace.h"

/* Rows as they were stored together: between two times and, of spans, two trace ids, all of them
 * included. */
struct filter_run {
    nanos first, last;
    struct trace_id first_id, last_id;
};

/* Columns first, last (ns) and, of spans, first_id and last_id: the runs that begin before `to` and
 * end at or after `from` and may hold what passes the tags or the line filters, and such as no
 * filter knows of. False, and nothing written, when the filters cannot tell: no tag with a value of
 * its own, no line filter for a text of FILTER_GRAM bytes. */
bool filter_plan_spans(struct sql *q, const struct trace_search *s, nanos from, nanos to);
bool filter_plan_lines(struct sql *q, const struct logql_log *log, nanos from, nanos to);

/* May the tag be one that Jaeger derives from a span's own members, which are in no filter? */
bool filter_knows_tag(const struct trace_tag *t);

/* "\n  AND (...)": rows in one of the runs (by time alone, or by trace id too). */
void filter_add_runs(struct sql *q, const struct filter_run *runs, size_t n, bool by_id);
