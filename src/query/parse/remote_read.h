/* remote_read: Prometheus' remote read, what is asked (prometheus.ReadRequest). Pure. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "query/ir/labels.h"

struct remote_read_query {
    int64_t from_ms, to_ms; /* inclusive */
    const struct label_matcher *matchers;
    uint32_t n_matchers;
};

struct remote_read {
    const struct remote_read_query *queries;
    uint32_t n_queries;
    bool chunks; /* answered in chunks (STREAMED_XOR_CHUNKS); otherwise in samples */
};

enum { REMOTE_READ_QUERIES_MAX = 1000, REMOTE_READ_MATCHERS_MAX = 1000 };

/* Texts are borrowed from `body`. Hints are passed over: they say what the asker could do with less
 * than all samples of the range. ST_INVALID: malformed, with the byte position; more than the
 * limits; a regular expression that is none; no form of answer that is known here. */
[[nodiscard]] status remote_read_parse(struct arena *a, str body, struct remote_read *ret,
                                       struct err *err);
