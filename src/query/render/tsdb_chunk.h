/* tsdb_chunk: samples as Prometheus' TSDB holds them in chunks: XOR chunks of floats, chunks of
 * float histograms. Pure.
 *
 * Spec: Prometheus, tsdb/docs/format/chunks.md and "Native Histograms". */
#pragma once

#include "base/buf.h"
#include "query/ir/series.h"

enum tsdb_encoding { TSDB_XOR = 1, TSDB_FLOAT_HISTOGRAM = 3 };
enum { TSDB_SAMPLES = 120 }; /* in a chunk, as Prometheus cuts them */

/* One chunk of the `n` samples (at least 1, at most 65,535), in the order of time. */
void tsdb_xor_chunk(struct buf *out, const struct sample *s, uint32_t n);

/* How many of the `n` histograms (at least 1) the next chunk takes: those of one layout, of which
 * each after the first is known to go on from the one before, or gauges. */
uint32_t tsdb_histograms_alike(const struct histogram_sample *h, uint32_t n);
/* One chunk of those. */
void tsdb_histogram_chunk(struct buf *out, const struct histogram_sample *h, uint32_t n);
