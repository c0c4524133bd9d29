/* batch_compare: do two batches hold the same telemetry? For tests and fuzz targets, which compare
 * what came out of a way there and back. Pure; thread: any.
 *
 * Rows are compared with the resource, scope and metric they name, and runs by what is in them:
 * where these lie in the arrays does not matter, nor does an entry that no row names. NaN is NaN
 * whatever its bits. What the rows do not hold (received_at, counts of rejected items) is not
 * looked at. */
#pragma once

#include "base/err.h"
#include "model/batch.h"

/* ST_OK: the same. ST_INVALID: *err names the first difference ("row 3: attrs[2].key"). */
[[nodiscard]] status batch_compare(const struct telemetry_batch *a, const struct telemetry_batch *b,
                                   struct err *err);
