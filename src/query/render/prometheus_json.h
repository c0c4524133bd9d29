/* prometheus_json: the answers of Prometheus' HTTP API. Pure. */
#pragma once

#include "base/err.h"
#include "base/json_out.h"
#include "query/ir/job.h"
#include "query/ir/series.h"

/* {"status":"success","data": ...; the caller writes the value, then ends. */
struct json_out prometheus_begin(struct buf *out);
/* Warnings and infos, at most ten of each, when there are any. */
void prometheus_end(struct json_out *j, const struct notes *warnings, const struct notes *infos);

/* What the parameter stats asks for, in seconds and samples. */
struct prometheus_stats {
    double eval_total, sorting, preparation, inner_eval, queued, exec_total;
    uint64_t queryable, peak, read;
    const uint64_t *per_step, *reads; /* of `queryable` and `read`; per_step NULL: not asked for */
    struct grid grid;
    str resolution; /* where samples came from: "1h, 5m, raw"; empty: no samples */
};

/* The answer that has a value: what it is made of, and how far it is written. */
struct prometheus_answer {
    const struct value *value;
    bool is_range;
    const struct prometheus_stats *stats; /* NULL: not asked for */
    const struct query_trace *trace;      /* the same */
    const struct notes *warnings, *infos;
    struct json_out out; /* zeroed before the first call, as is `next` */
    uint32_t next;       /* row */
};
/* Adds to `out` until that is `enough` bytes, and a row more at most. True: that was all. */
bool prometheus_answer_write(struct prometheus_answer *a, struct buf *out, size_t enough);
/* What the parameter explain asks for. */
void prometheus_explain(struct json_out *j, const struct query_trace *t);
void render_labels(struct json_out *j, struct labels l);

/* {"status":"error","errorType":...,"error":...}; returns the HTTP status. */
unsigned prometheus_error(struct buf *out, status st, str message);
