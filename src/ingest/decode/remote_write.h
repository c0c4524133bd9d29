/* Prometheus remote write 1.0 and 2.0 -> an OTLP metrics request in protobuf, which then takes the
 * one walk of otlp_*.c.
 *
 * A series becomes a Metric whose metadata has prometheus.type, which says that name and labels are
 * Prometheus' own (model/prometheus_name.h). job and instance are the resource's service.name and
 * service.instance.id; the other labels are attributes. Counters (2.0 tells them) are cumulative
 * monotonic sums, other numbers gauges, native histograms exponential ones; a stale marker is a
 * point without a recorded value. Exemplars that come in an entry of their own go with the last
 * sample of the same series in the request.
 *
 * Spec: Prometheus Remote-Write 1.0 and 2.0. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "model/batch.h"

struct remote_write {
    str otlp;                          /* lies in the arena */
    uint32_t rejected[REJECT_REASONS]; /* samples and histograms left out here */
    str first_rejection;               /* why, of the first one; empty when none */
};

/* `version`: 1 or 2. What cannot be kept is left out alone: a series without a name or with a label
 * twice, histograms that are none of Prometheus', times before 1970. The metadata of a 1.0 request
 * is not read. ST_INVALID: malformed, with the byte position. ST_LIMIT:
 * past the arena's budget. */
[[nodiscard]] status remote_write(struct arena *a, unsigned version, str body,
                                  struct remote_write *ret, struct err *err);
