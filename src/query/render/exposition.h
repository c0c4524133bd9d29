/* exposition: samples in Prometheus' text exposition format 0.0.4. Pure. */
#pragma once

#include "base/buf.h"
#include "query/ir/series.h"

/* Writes one sample of each series, its last: families are untyped and native histograms have their
 * count and sum. `set` is sorted by __name__; a family's TYPE line stands before its first sample.
 * A series without an instance gets an empty one, so that who scrapes the answer does not add its
 * own. Times are in ms. `utf8`: names beyond [a-zA-Z0-9_:] are quoted; else what is beyond becomes
 * an underscore. Begins at series *io_next and goes on until `enough` bytes were added. True: that
 * was all. */
bool exposition_write(struct buf *out, const struct series_set *set, bool utf8, uint32_t *io_next,
                      size_t enough);
