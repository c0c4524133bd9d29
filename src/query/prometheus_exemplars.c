/* query_exemplars: from otel_metric_exemplars. An exemplar of a histogram is told with the bucket
 * it fell into, as Prometheus does. Times are kept to the millisecond. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/num.h"
#include "query/ir/series.h"
#include "query/plan/promql_plan.h"
#include "query/prometheus_endpoints.h"
#include "query/render/prometheus_json.h"

struct exemplar {
    uint32_t series;
    int64_t t;
    double value;
    struct labels labels;
};

struct found {
    struct query_job *job;
    const struct exemplar_series *series; /* sorted by id, then labels */
    uint32_t n_series;
    struct exemplar *list;
    uint32_t n, cap;
    uint64_t rows;
};

static int by_id(const void *x, const void *y)
{
    const struct exemplar_series *a = x, *b = y;
    if (a->id != b->id) return a->id < b->id ? -1 : 1;
    return labels_compare(a->labels, b->labels);
}

static void add(struct found *f, struct exemplar e)
{
    if (f->n == f->cap) {
        uint32_t cap = f->cap * 2 + 64;
        struct exemplar *list = arena_array(f->job->arena, struct exemplar, cap);
        if (f->n) memcpy(list, f->list, f->n * sizeof *list);
        f->list = list;
        f->cap = cap;
    }
    f->list[f->n++] = e;
}

static uint32_t first_of(const struct found *f, uint64_t id)
{
    uint32_t lo = 0, hi = f->n_series;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (f->series[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* A hexadecimal id; none when all of it is zero. */
static void add_id(struct arena *a, struct label *list, uint32_t *n, str name, str bytes)
{
    bool any = false;
    for (size_t i = 0; i < bytes.len; i++) any |= bytes.ptr[i] != 0;
    if (!any) return;
    char *text = arena_alloc(a, bytes.len * 2, 1);
    hex_encode(bytes.ptr, bytes.len, text);
    list[(*n)++] = (struct label){name, {text, bytes.len * 2}};
}

struct columns {
    const struct native_column *id, *t, *number, *trace, *span, *attributes;
};

static struct labels labels_of(struct arena *a, const struct columns *c, uint64_t row)
{
    uint64_t from = native_begin(c->attributes, row), to = native_end(c->attributes, row);
    struct label *list = arena_array(a, struct label, to - from + 2);
    uint32_t n = 0;
    for (uint64_t i = from; i < to; i++)
        list[n++] = (struct label){arena_str(a, native_str(&c->attributes->child[0], i)),
                                   arena_str(a, native_str(&c->attributes->child[1], i))};
    add_id(a, list, &n, S("trace_id"), native_str(c->trace, row));
    add_id(a, list, &n, S("span_id"), native_str(c->span, row));
    return labels_make(a, list, n);
}

static status add_rows(void *ctx, const struct native_block *b, struct err *err)
{
    struct found *f = ctx;
    const struct columns c = {native_find(b, S("series_id")), native_find(b, S("t")),
                              native_find(b, S("number")),    native_find(b, S("trace_id")),
                              native_find(b, S("span_id")),   native_find(b, S("attributes"))};
    if (!c.id || !c.t || !c.number || !c.trace || !c.span || !c.attributes)
        return err_set(err, ST_INTERNAL, ERR_NOPOS, "the store's answer lacks a column");
    for (uint64_t i = 0; i < b->rows; i++) {
        uint64_t id = native_u64(c.id, i);
        double v = native_f64(c.number, i);
        struct labels l = labels_of(f->job->arena, &c, i);
        for (uint32_t k = first_of(f, id); k < f->n_series && f->series[k].id == id; k++)
            if (f->series[k].whole || (v > f->series[k].above && v <= f->series[k].upto))
                add(f, (struct exemplar){k, native_i64(c.t, i), v, l});
        f->rows++;
    }
    return job_check(f->job, err);
}

static status fetch(struct found *f, int64_t from, int64_t to, struct err *err)
{
    struct promql_scope scope = {.from_ms = from, .to_ms = to};
    if (!f->n_series || !promql_scope_clamp(&scope)) return ST_OK;
    struct arena *a = f->job->arena;
    uint64_t *ids = arena_array(a, uint64_t, f->n_series);
    str *names = arena_array(a, str, f->n_series);
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->n_series; i++) {
        if (i && f->series[i].id == f->series[i - 1].id) continue;
        ids[n] = f->series[i].id;
        names[n++] = f->series[i].metric_name;
    }
    uint32_t n_names = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool seen = false;
        for (uint32_t k = n_names; k > 0 && !seen && n_names - k < 64; k--)
            seen = str_eq(names[k - 1], names[i]);
        if (!seen) names[n_names++] = names[i];
    }
    struct sql sql;
    sql_init(&sql, a);
    promql_plan_exemplars(&sql, &scope, names, n_names, ids, n, f->job->limits->max_entries);
    return fetch_rows(f->job->fetcher, &sql, add_rows, f, err);
}

/* The series in the order of their labels, the exemplars of each in the order of time. */
static int by_series(const void *x, const void *y, void *ctx)
{
    const struct exemplar *a = x, *b = y;
    const struct exemplar_series *s = ctx;
    int c = labels_compare(s[a->series].labels, s[b->series].labels);
    return c ? c : (a->t > b->t) - (a->t < b->t);
}

static void render_one(struct json_out *out, const struct exemplar *e)
{
    char text[NUM_MAX], time[40];
    json_object(out);
    json_key(out, S("labels"));
    render_labels(out, e->labels);
    json_key(out, S("value"));
    json_str(out, (str){text, num_format_prometheus(e->value, text)});
    json_key(out, S("timestamp"));
    int n = snprintf(time, sizeof time, "%lld.%03lld", (long long)(e->t / 1000),
                     (long long)(e->t % 1000));
    json_raw(out, (str){time, (size_t)n});
    json_end(out);
}

static void render(struct json_out *out, const struct found *f)
{
    json_array(out);
    for (uint32_t i = 0; i < f->n && !out->out->over;) {
        struct labels l = f->series[f->list[i].series].labels;
        json_object(out);
        json_key(out, S("seriesLabels"));
        render_labels(out, l);
        json_key(out, S("exemplars"));
        json_array(out);
        for (; i < f->n && labels_equal(f->series[f->list[i].series].labels, l); i++)
            render_one(out, &f->list[i]);
        json_end(out);
        json_end(out);
    }
    json_end(out);
}

status prometheus_exemplars(struct query_job *j, const struct selector *selectors, uint32_t n,
                            int64_t from, int64_t to, struct notes *warnings, struct json_out *out,
                            struct err *err)
{
    struct promql_store store;
    struct exemplar_series *series = NULL;
    struct found f = {.job = j};
    promql_store_init(&store, j);
    TRY(promql_store_exemplar_series(&store, selectors, n, from, to, warnings, &series, &f.n_series,
                                     err));
    if (f.n_series) qsort(series, f.n_series, sizeof *series, by_id);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < f.n_series; i++)
        if (!kept || by_id(&series[kept - 1], &series[i]) != 0) series[kept++] = series[i];
    f.series = series;
    f.n_series = kept;
    TRY(fetch(&f, from, to, err));
    if (f.rows == j->limits->max_entries) notes_add(warnings, S("results truncated due to limit"));
    if (f.n) qsort_r(f.list, f.n, sizeof *f.list, by_series, series);
    render(out, &f);
    return ST_OK;
}
