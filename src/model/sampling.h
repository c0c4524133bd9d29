/* How many spans a sampled one stands for. Spec: W3C tracestate, OpenTelemetry's `ot` entry, `th`.
 */
#pragma once

#include "base/str.h"

/* 1 / probability, from the rejection threshold in "ot=th:...". 1 when none is stated. */
double sampling_adjusted_count(str trace_state);
