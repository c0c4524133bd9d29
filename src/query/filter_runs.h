/* filter_runs: what the filters say of a search (plan/filter_plan.h), fetched. Private to query. */
#pragma once

#include "query/ir/job.h"
#include "query/plan/filter_plan.h"

struct filter_runs {
    struct filter_run *v; /* rising by `first` */
    size_t n;
    bool known; /* rows in none of them are not among what is searched for */
};

/* For [from, to). In the job's arena. */
[[nodiscard]] status filter_runs_of_spans(struct query_job *j, const struct trace_search *q,
                                          nanos from, nanos to, struct filter_runs *ret,
                                          struct err *err);

/* The same of log lines: by time alone, so runs that touch, or have less than `gap` between them,
 * are one. */
[[nodiscard]] status filter_runs_of_lines(struct query_job *j, const struct logql_log *log,
                                          nanos from, nanos to, nanos gap, struct filter_runs *ret,
                                          struct err *err);

/* Those of them that have rows in [from, to). */
struct filter_runs filter_runs_between(struct query_job *j, const struct filter_runs *runs,
                                       nanos from, nanos to);
