/* promql_delta: series of delta temporality as counters, which start anew at every full hour (UTC):
 * the sample at t is the sum of what came in (hour, t]. Where a sample was read from changes
 * nothing about it. Pure. Private to query. */
#pragma once

#include "query/promql_reading.h"

/* The full hour before a moment: from when on its sample counts. */
int64_t delta_hour(int64_t t_ms);

/* Sorted samples, histograms and windows, read from a full hour on, to those of the counter.
 * *ret_starts: of each of the samples, when counting began. */
void delta_accumulate(struct arena *a, struct output *o, const int64_t **ret_starts);
