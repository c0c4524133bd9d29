/* Jaeger's /api/metrics: rate, errors and durations of services, from the counts per five minutes
 * that are taken as spans come in (otel_traces_red_5m). */
#include "query/jaeger_endpoints.h"

#include <math.h>

#include "native/reader.h"
#include "query/plan/jaeger_plan.h"

/* What a histogram's bucket stands for: its middle, by the logarithm (model/red.h). */
static double bucket_ms(uint64_t index) { return exp2(((double)index + 0.5) / 8) / 1e6; }

struct columns {
    const struct native_column *service, *operation, *t, *count, *errors, *buckets, *counts;
};

static status columns_of(const struct native_block *b, const struct trace_red_query *q,
                         struct columns *ret, struct err *err)
{
    const struct native_column *histogram = native_find(b, S("histogram"));
    *ret = (struct columns){.service = native_find(b, S("service_name")),
                            .operation = native_find(b, S("span_name")),
                            .t = native_find(b, S("t")),
                            .count = native_find(b, S("calls")),
                            .errors = native_find(b, S("failed"))};
    bool there = ret->service && ret->operation && ret->t && ret->count && ret->errors;
    if (q->what == TRACE_RED_LATENCIES && there) {
        there = histogram && histogram->kind == NATIVE_TUPLE && histogram->n_children == 2;
        if (there) {
            ret->buckets = &histogram->child[0];
            ret->counts = &histogram->child[1];
        }
    }
    if (there) return ST_OK;
    return err_set(err, ST_INTERNAL, ERR_NOPOS, "a column of the counts is missing");
}

/* In ms; NaN when nothing was counted. */
static double quantile_of(const struct columns *c, uint64_t row, double quantile)
{
    uint64_t from = native_begin(c->buckets, row), to = native_end(c->buckets, row);
    double total = 0, seen = 0;
    for (uint64_t i = from; i < to; i++) total += native_f64(&c->counts->child[0], i);
    for (uint64_t i = from; i < to; i++) {
        seen += native_f64(&c->counts->child[0], i);
        if (seen >= quantile * total && seen > 0)
            return bucket_ms(native_u64(&c->buckets->child[0], i));
    }
    return NAN;
}

static double value_of(const struct trace_red_query *q, const struct columns *c, uint64_t row)
{
    double count = native_f64(c->count, row);
    switch (q->what) {
    case TRACE_RED_CALLS: return count / (double)q->rate_s;
    case TRACE_RED_ERRORS: return native_f64(c->errors, row) / count;
    case TRACE_RED_LATENCIES: return quantile_of(c, row, q->quantile);
    }
    return NAN;
}

struct reading {
    struct query_job *job;
    const struct trace_red_query *q;
    struct trace_red_point *v;
    size_t n, cap;
};

static status add_points(void *ctx, const struct native_block *b, struct err *err)
{
    struct reading *r = ctx;
    struct arena *a = r->job->arena;
    struct columns c;
    TRY(columns_of(b, r->q, &c, err));
    for (uint64_t i = 0; i < b->rows; i++) {
        double value = value_of(r->q, &c, i);
        if (isnan(value)) continue;
        if (r->n == r->cap) {
            size_t cap = r->cap ? r->cap * 2 : 256;
            struct trace_red_point *v = arena_array(a, struct trace_red_point, cap);
            if (r->n) memcpy(v, r->v, r->n * sizeof *v);
            r->v = v;
            r->cap = cap;
        }
        struct trace_red_point *p = &r->v[r->n], *before = r->n ? p - 1 : NULL;
        str service = native_str(c.service, i), operation = native_str(c.operation, i);
        bool same =
            before && str_eq(before->service, service) && str_eq(before->operation, operation);
        *p = (struct trace_red_point){.service = same ? before->service : arena_str(a, service),
                                      .operation =
                                          same ? before->operation : arena_str(a, operation),
                                      .time = native_i64(c.t, i),
                                      .value = value};
        r->n++;
    }
    return job_check(r->job, err);
}

status jaeger_metrics(struct query_job *j, struct err *err)
{
    if (str_eq(j->segment, S("minstep"))) {
        jaeger_render_number(&j->body, TRACE_RED_SECONDS * 1000);
        return ST_OK;
    }
    struct trace_red_query q;
    TRY(jaeger_red_query(j, &q, err));
    struct sql sql;
    sql_init(&sql, j->arena);
    jaeger_plan_red(&sql, &q);
    struct reading r = {.job = j, .q = &q};
    TRY(fetch_rows(j->fetcher, &sql, add_points, &r, err));
    jaeger_render_red(&j->body, &q, r.v, r.n);
    return ST_OK;
}
