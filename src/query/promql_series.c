/* The series half of reading: which stored series are wanted, and which of Prometheus' series each
 * of them is. */
#include "query/promql_reading.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

/* Of otel_metric_series.temporality (OTLP). */
enum { TEMPORALITY_IS_DELTA = 1 };

/* Fewer series than this lie in few places: their ids find them, and two threads look in several at
 * once. */
enum { WHOLE_SERIES = 64 };

status reading_column(const struct native_block *b, const char *name,
                      const struct native_column **ret, struct err *err)
{
    *ret = native_find(b, (str){name, strlen(name)});
    return *ret ? ST_OK
                : err_set(err, ST_INTERNAL, ERR_NOPOS, "the store's answer has no column %s", name);
}

bool reading_wants(const struct reading *r, struct labels l)
{
    for (uint32_t i = 0; i < r->n_matchers; i++)
        if (!matcher_accepts(&r->matchers[i], labels_get(l, r->matchers[i].name))) return false;
    return true;
}

struct output *reading_output(struct reading *r, struct stored *s, enum part part, const char *tail,
                              str extra, double bound)
{
    size_t n = strlen(tail);
    char *name = arena_alloc(r->arena, s->name.len + n + 1, 1);
    memcpy(name, s->name.ptr, s->name.len);
    memcpy(name + s->name.len, tail, n);
    struct labels l = labels_set(r->arena, s->labels, LABEL_NAME, (str){name, s->name.len + n});
    if (extra.len) {
        char text[NUM_MAX];
        l = labels_set(r->arena, l, extra,
                       arena_str(r->arena, (str){text, num_format_f(bound, text)}));
    }
    if (!reading_wants(r, l)) return NULL;
    if (s->n_outputs == s->cap_outputs) {
        uint32_t cap = s->cap_outputs * 2 + 4;
        struct output *list = arena_array(r->arena, struct output, cap);
        if (s->n_outputs) memcpy(list, s->outputs, s->n_outputs * sizeof *list);
        s->outputs = list;
        s->cap_outputs = cap;
    }
    struct output *o = &s->outputs[s->n_outputs++];
    *o = (struct output){.labels = l, .part = part, .bound = bound};
    return o;
}

/* The names a stored series answers to, as far as they are wanted. Quantiles are found with the
 * samples. */
static void expand(struct reading *r, struct stored *s)
{
    if (s->type == STORED_GAUGE || s->type == STORED_SUM) {
        reading_output(r, s, PART_VALUE, "", (str){0}, 0);
        return;
    }
    if (s->type == STORED_EXP_HISTOGRAM ||
        (s->type == STORED_HISTOGRAM && reading_naming(r)->custom_buckets)) {
        reading_output(r, s, PART_NATIVE, "", (str){0}, 0);
        return;
    }
    for (uint32_t i = 0; s->type == STORED_HISTOGRAM && i < s->n_bounds; i++)
        reading_output(r, s, PART_BUCKET, "_bucket", S("le"), s->bounds[i]);
    if (s->type == STORED_HISTOGRAM)
        reading_output(r, s, PART_BUCKET, "_bucket", S("le"), INFINITY);
    reading_output(r, s, PART_COUNT, "_count", (str){0}, 0);
    reading_output(r, s, PART_SUM, "_sum", (str){0}, 0);
}

static struct labels read_labels(struct arena *a, const struct native_column *c, uint64_t row)
{
    uint64_t from = native_begin(c, row), to = native_end(c, row);
    struct label *list = arena_array(a, struct label, to - from + 1);
    uint32_t n = 0;
    for (uint64_t i = from; i < to; i++) {
        str name = arena_str(a, native_str(&c->child[0], i));
        if (!str_eq(name, LABEL_NAME))
            list[n++] = (struct label){name, arena_str(a, native_str(&c->child[1], i))};
    }
    return labels_make(a, list, n);
}

/* Name and labels of a row. */
static status name_series(struct reading *r, struct stored *s, const struct native_block *b,
                          uint64_t row, struct err *err)
{
    const struct prometheus_naming *n = reading_naming(r);
    const struct native_column *name, *labels;
    struct name_columns c;
    if (n->strategy == PROMETHEUS_UNDERSCORES_WITH_SUFFIXES && prometheus_labels_are_plain(n)) {
        TRY(reading_column(b, "prometheus_name", &name, err));
        TRY(reading_column(b, "prometheus_labels", &labels, err));
        s->name = arena_str(r->arena, native_str(name, row));
        s->labels = read_labels(r->arena, labels, row);
        return ST_OK;
    }
    TRY(reading_name_columns(b, &c, err));
    s->name = reading_name(r->arena, n, &c, row);
    return reading_labels(r, b, row, native_u64(c.verbatim, row), &s->labels, err);
}

static status add_series(void *ctx, const struct native_block *b, struct err *err)
{
    struct reading *r = ctx;
    const struct native_column *id, *metric, *type, *temporality, *bounds;
    TRY(reading_column(b, "series_id", &id, err));
    TRY(reading_column(b, "metric_name", &metric, err));
    TRY(reading_column(b, "type", &type, err));
    TRY(reading_column(b, "temporality", &temporality, err));
    TRY(reading_column(b, "explicit_bounds", &bounds, err));
    r->rows += b->rows;
    for (uint64_t i = 0; i < b->rows; i++) {
        if (r->n == r->cap) {
            uint32_t cap = r->cap * 2 + 64;
            struct stored *list = arena_array(r->arena, struct stored, cap);
            if (r->n) memcpy(list, r->list, r->n * sizeof *list);
            r->list = list;
            r->cap = cap;
        }
        struct stored *s = &r->list[r->n];
        *s = (struct stored){.id = native_u64(id, i),
                             .type = (enum promql_stored_type)native_u64(type, i)};
        TRY(name_series(r, s, b, i, err));
        s->metric_name = arena_str(r->arena, native_str(metric, i));
        uint64_t from = native_begin(bounds, i);
        s->n_bounds = (uint32_t)(native_end(bounds, i) - from);
        s->bounds = arena_array(r->arena, double, s->n_bounds + 1);
        for (uint32_t k = 0; k < s->n_bounds; k++)
            s->bounds[k] = native_f64(&bounds->child[0], from + k);
        expand(r, s);
        if (!s->n_outputs && s->type != STORED_SUMMARY) continue;
        s->delta = native_u64(temporality, i) == TEMPORALITY_IS_DELTA && s->type >= STORED_SUM &&
                   s->type <= STORED_EXP_HISTOGRAM;
        r->any_delta |= s->delta;
        r->n++;
    }
    return job_check(r->job, err);
}

static int by_id(const void *a, const void *b)
{
    uint64_t x = ((const struct stored *)a)->id, y = ((const struct stored *)b)->id;
    return x < y ? -1 : x > y;
}

status reading_series(struct reading *r, const struct promql_scope *scope, struct err *err)
{
    struct promql_scope s = *scope;
    struct sql sql;
    uint64_t limit = r->job->limits->max_series;
    s.naming = reading_naming(r);
    TRY(reading_stored_names(r, &s, err));
    if (s.names && !s.n_names) return ST_OK;
    sql_init(&sql, r->arena);
    promql_plan_series(&sql, &s, limit + 1);
    TRY(fetch_rows(r->job->fetcher, &sql, add_series, r, err));
    if (r->n) qsort(r->list, r->n, sizeof *r->list, by_id);
    if (r->rows > limit)
        return err_set(err, ST_EXECUTION, ERR_NOPOS,
                       "the query selects more than %llu series: narrow it",
                       (unsigned long long)limit);
    return ST_OK;
}

static bool by_name_only(const struct reading *r)
{
    for (uint32_t i = 0; i < r->n_matchers; i++)
        if (!str_eq(r->matchers[i].name, LABEL_NAME) || r->matchers[i].op != MATCH_EQUAL)
            return false;
    return true;
}

void reading_wanted(struct reading *r, struct wanted *ret)
{
    uint64_t *ids = arena_array(r->room, uint64_t, r->n + 1);
    str *names = arena_array(r->room, str, r->n + 1);
    uint32_t n_names = 0;
    const struct query_limits *limits = r->job->limits;
    struct promql_sample_columns c = {};
    for (uint32_t i = 0; i < r->n; i++) {
        const struct stored *s = &r->list[i];
        ids[i] = s->id;
        bool seen = false;
        for (uint32_t k = n_names; k > 0 && !seen && n_names - k < 64; k--)
            seen = str_eq(names[k - 1], s->metric_name);
        if (!seen) names[n_names++] = s->metric_name;
        c.value |= s->type == STORED_GAUGE || s->type == STORED_SUM;
        c.histogram |= s->type == STORED_HISTOGRAM;
        c.native |= s->type == STORED_EXP_HISTOGRAM;
        c.in_order |= c.native || (c.histogram && reading_naming(r)->custom_buckets);
        c.summary |= s->type == STORED_SUMMARY;
    }
    c.start = r->with_starts;
    c.alone = r->n >= WHOLE_SERIES && limits->cores && limits->cores <= 2;
    c.whole = r->n >= WHOLE_SERIES && by_name_only(r) && !c.in_order;
    *ret = (struct wanted){names, n_names, ids, r->n, c};
}

struct stored *reading_find(struct reading *r, uint64_t id)
{
    if (r->at && r->at->id == id) return r->at;
    uint32_t lo = 0, hi = r->n; /* they are in the order of their ids */
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (r->list[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < r->n && r->list[lo].id == id ? (r->at = &r->list[lo]) : NULL;
}
