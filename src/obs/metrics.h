/* metrics: weir's own counters, gauges and histograms, in Prometheus' text format at /metrics.
 *
 * One table, metrics.def, declares all. Labels are fixed lists, so a metric is an array of atomics:
 * adding is one relaxed atomic add. thread: any. */
#pragma once

#include <stdint.h>

#include "base/buf.h"

enum metric_id {
#define X(id, kind, labels, name, help) M_##id,
#include "obs/metrics.def"
#undef X
    METRIC_COUNT
};

/* `slot` is the index of the label combination: see the label lists in metrics.c. METRIC_SLOT_MAX
 * bounds it. */
enum { METRIC_SLOT_MAX = 128 };

void metric_add(enum metric_id m, unsigned slot, uint64_t n);     /* counter */
void metric_set(enum metric_id m, unsigned slot, int64_t v);      /* gauge */
void metric_move(enum metric_id m, unsigned slot, int64_t delta); /* gauge, up or down */
void metric_observe(enum metric_id m, unsigned slot,
                    double seconds);                  /* histogram: 0.1 ms to 100 s */
uint64_t metric_get(enum metric_id m, unsigned slot); /* counter or gauge */

/* The tables that metrics tell apart, by slot. METRIC_SLOT_MAX: not one of them. */
enum { METRIC_TABLES = 13 };
extern const char *const metric_tables[METRIC_TABLES];
unsigned metric_table_slot(str name);

/* Slots of SIGNAL_REASON metrics. */
static inline unsigned metric_signal_reason(unsigned signal, unsigned reason)
{
    return signal * 8 + reason;
}

/* Slots of ROUTE_POLICY metrics. */
static inline unsigned metric_route_policy(unsigned route, unsigned policy)
{
    return route * 8 + policy;
}

/* Names of ROUTE (at most METRIC_ROUTES_MAX), PROCESSOR and JOB slots, which are known at start
 * only. A slot without names is not rendered. thread: one, before metrics_render is called */
enum { METRIC_ROUTES_MAX = METRIC_SLOT_MAX / 8 };
void metric_label_route(unsigned slot, str pipeline, str exporter, const char *signal);
void metric_label_processor(unsigned slot, str pipeline, str processor);
enum { METRIC_JOBS_MAX = 16 };
void metric_label_job(unsigned slot, const char *name); /* a constant */

/* The text exposition format, version 0.0.4. */
void metrics_render(struct buf *out);
