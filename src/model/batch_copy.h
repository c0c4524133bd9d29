/* batch_copy: rows that outlive their request. Pure. */
#pragma once

#include "model/batch.h"

/* The rows of a batch of spans or log records, and what they name, in an arena of their own
 * (malloc'ed): a few rows that were kept do not hold all that came with them. The text of the first
 * rejection is left out. telemetry_batch_free ends it. */
struct telemetry_batch *batch_copy(const struct telemetry_batch *from);
