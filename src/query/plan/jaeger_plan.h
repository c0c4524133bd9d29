/* jaeger_plan: what is asked about traces into SQL. Pure; every value from outside is bound. */
#pragma once

#include "query/ir/sql.h"
#include "query/ir/trace.h"
#include "query/plan/filter_plan.h"

/* A half-open run of time. */
struct time_slice {
    nanos from, to;
};

/* The next slice of a search over [start, end], newest first: five minutes, then ever wider, so
 * that a search that finds enough soon reads little and one that finds nothing asks few questions.
 * False when all is covered. Begin with *s zeroed. */
bool jaeger_next_slice(const struct trace_search *q, struct time_slice *s);

/* trace_id, newest (ticks of ns): traces with a matching span that starts in the slice, and lies in
 * one of the runs where there are any (n > 0), newest first. */
void jaeger_plan_search(struct sql *sql, const struct trace_search *q,
                        const struct time_slice *slice, const struct filter_run *runs, size_t n);

/* hour (seconds): the hours in which the traces have spans. */
void jaeger_plan_hours(struct sql *sql, const struct trace_id *ids, size_t n);

/* All spans of the traces, from the time slices named. What trace_rows reads. */
void jaeger_plan_spans(struct sql *sql, const struct trace_id *ids, size_t n,
                       const struct time_slice *in, size_t n_in);

/* Sorts hours (seconds, in place) and makes slices of them, at most `max`: the smallest gaps are
 * closed first. Returns how many. */
size_t jaeger_hour_slices(int64_t *hours, size_t n, struct time_slice *out, size_t max);

void jaeger_plan_services(struct sql *sql); /* service_name */
void jaeger_plan_operations(struct sql *sql, str service,
                            int kind); /* span_name, span_kind; kind -1: all */
/* service_name, span_name (empty unless by_operation), t (s), calls, failed and for latencies
 * histogram, in this order: a row for each point that has spans. */
void jaeger_plan_red(struct sql *sql, const struct trace_red_query *q);

void jaeger_plan_dependencies(struct sql *sql, nanos from, nanos to); /* parent, child, calls */
