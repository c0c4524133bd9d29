/* remote_read_out: Prometheus' remote read, the answers. Pure. */
#pragma once

#include "base/pb_out.h"
#include "query/ir/series.h"

/* One result of a prometheus.ReadResponse, with all of its samples. */
void remote_read_result(struct pb_out *out, const struct series_set *set);

/* The series as prometheus.ChunkedReadResponse, each in one frame or several of about a megabyte:
 * its length, its CRC-32C, the message. `query` is the place of the query in the request. False: a
 * message was larger than what is left of `out`, which is over. */
bool remote_read_frames(struct buf *out, uint64_t query, const struct raw_series *s);
