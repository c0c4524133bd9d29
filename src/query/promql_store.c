#include "query/promql_store.h"

#include <math.h>
#include <stdlib.h>

#include "base/num.h"
#include "query/plan/promql_plan.h"
#include "query/promql_native_row.h"
#include "query/promql_reading.h"
#include "query/promql_rolled.h"

/* Bits of otel_metrics.present (model/batch.h) and of its flags (OTLP). */
enum {
    PRESENT_SUM = 1,
    PRESENT_NO_VALUE = 16,
    FLAG_NO_RECORDED_VALUE = 1,
    TEMPORALITY_IS_DELTA = 1
};

status reading_column(const struct native_block *b, const char *name,
                      const struct native_column **ret, struct err *err)
{
    *ret = native_find(b, (str){name, strlen(name)});
    return *ret ? ST_OK
                : err_set(err, ST_INTERNAL, ERR_NOPOS, "the store's answer has no column %s", name);
}

static bool wanted(const struct reading *r, struct labels l)
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
    if (!wanted(r, l)) return NULL;
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
    if (s->type == STORED_EXP_HISTOGRAM) {
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

static void warn_delta(struct reading *r, str name)
{
    struct buf b;
    buf_init(&b, 4096);
    buf_printf(&b, "metric \"" STR_FMT "\" has series of delta temporality, which are left out",
               STR_ARG(name));
    notes_add(r->warnings, buf_str(&b));
    buf_done(&b);
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

static status add_series(void *ctx, const struct native_block *b, struct err *err)
{
    struct reading *r = ctx;
    const struct native_column *id, *name, *labels, *metric, *type, *temporality, *bounds;
    TRY(reading_column(b, "series_id", &id, err));
    TRY(reading_column(b, "prometheus_name", &name, err));
    TRY(reading_column(b, "prometheus_labels", &labels, err));
    TRY(reading_column(b, "metric_name", &metric, err));
    TRY(reading_column(b, "type", &type, err));
    TRY(reading_column(b, "temporality", &temporality, err));
    TRY(reading_column(b, "explicit_bounds", &bounds, err));
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
        s->name = arena_str(r->arena, native_str(name, i));
        s->metric_name = arena_str(r->arena, native_str(metric, i));
        s->labels = read_labels(r->arena, labels, i);
        uint64_t from = native_begin(bounds, i);
        s->n_bounds = (uint32_t)(native_end(bounds, i) - from);
        s->bounds = arena_array(r->arena, double, s->n_bounds + 1);
        for (uint32_t k = 0; k < s->n_bounds; k++)
            s->bounds[k] = native_f64(&bounds->child[0], from + k);
        expand(r, s);
        if (!s->n_outputs && s->type != STORED_SUMMARY) continue;
        if (native_u64(temporality, i) == TEMPORALITY_IS_DELTA && s->type != STORED_GAUGE)
            warn_delta(r, s->name);
        else
            r->n++;
    }
    return job_check(r->job, err);
}

/* Room for `n` more. A series' first rows are of one hour mostly: as many are expected of each
 * hour, while that is little of the job's memory. */
static void reserve(struct reading *r, struct output *o, uint32_t n)
{
    if (n <= o->cap - o->n) return;
    uint64_t cap = (uint64_t)o->cap * 2 + n, expected = (uint64_t)n * r->hours;
    if (n > 1 && o->cap == 0 && expected < r->expected_most) cap = expected;
    if (cap < 16) cap = 16;
    struct sample *list = arena_array(r->arena, struct sample, cap);
    if (o->n) memcpy(list, o->samples, o->n * sizeof *list);
    o->samples = list;
    o->cap = (uint32_t)cap;
}

/* A later row of one moment is the same sample sent again: it replaces the earlier. */
static void put(struct reading *r, struct output *o, int64_t t, double v)
{
    if (o->n && o->samples[o->n - 1].t == t) {
        o->samples[o->n - 1].v = v;
        return;
    }
    reserve(r, o, 1);
    o->samples[o->n++] = (struct sample){t, v};
}

static void put_histogram(struct reading *r, struct output *o, int64_t t, const struct histogram *h)
{
    bool again = o->n_h && o->histograms[o->n_h - 1].t == t;
    uint32_t before = o->n_h - again;
    bool follows = before && (!o->n || o->samples[o->n - 1].t < o->histograms[before - 1].t);
    h = histogram_with_hint(
        r->arena, h,
        histogram_hint_after(r->arena, h, follows ? o->histograms[before - 1].h : NULL));
    if (o->n_h == o->cap_h) {
        uint32_t cap = o->cap_h * 2 + 64;
        struct histogram_sample *list = arena_array(r->arena, struct histogram_sample, cap);
        if (o->n_h) memcpy(list, o->histograms, o->n_h * sizeof *list);
        o->histograms = list;
        o->cap_h = cap;
    }
    o->histograms[before] = (struct histogram_sample){.t = t, .h = h};
    o->n_h = before + 1;
}

struct columns {
    const struct native_column *id, *t, *flags, *present, *value, *count, *sum, *buckets,
        *quantiles, *quantile_values;
    struct native_row_columns native;
    bool has_native;
};

static void put_native(struct reading *r, const struct stored *s, struct output *o,
                       const struct columns *c, uint64_t row, int64_t t)
{
    bool has_sum = native_u64(c->present, row) & PRESENT_SUM;
    const struct histogram *h =
        c->has_native ? native_row_histogram(r->arena, &c->native, row, has_sum) : NULL;
    if (h) {
        put_histogram(r, o, t, h);
        return;
    }
    struct buf b;
    buf_init(&b, 4096);
    buf_printf(&b,
               "metric \"" STR_FMT
               "\" has histograms of a scale below -4, which are left out: there is no such schema",
               STR_ARG(s->name));
    notes_add(r->warnings, buf_str(&b));
    buf_done(&b);
}

static double below(const struct native_column *buckets, uint64_t row, const struct stored *s,
                    double bound)
{
    uint64_t from = native_begin(buckets, row), n = native_end(buckets, row) - from;
    double sum = 0;
    for (uint64_t i = 0; i < n && i < s->n_bounds && s->bounds[i] <= bound; i++)
        sum += (double)native_u64(&buckets->child[0], from + i);
    return sum;
}

static void put_quantiles(struct reading *r, struct stored *s, const struct columns *c,
                          uint64_t row, int64_t t, bool gone)
{
    uint64_t from = native_begin(c->quantiles, row), to = native_end(c->quantiles, row);
    for (uint64_t i = from; i < to; i++) {
        double q = native_f64(&c->quantiles->child[0], i);
        struct output *o = NULL;
        for (uint32_t k = 0; k < s->n_outputs && !o; k++)
            if (s->outputs[k].part == PART_QUANTILE && s->outputs[k].bound == q) o = &s->outputs[k];
        if (!o) o = reading_output(r, s, PART_QUANTILE, "", S("quantile"), q);
        if (o) put(r, o, t, gone ? stale_nan() : native_f64(&c->quantile_values->child[0], i));
    }
    for (uint32_t k = 0; gone && k < s->n_outputs; k++)
        if (s->outputs[k].part == PART_QUANTILE) put(r, &s->outputs[k], t, stale_nan());
}

static void put_row(struct reading *r, struct stored *s, const struct columns *c, uint64_t row)
{
    int64_t t = native_i64(c->t, row);
    uint64_t present = native_u64(c->present, row);
    bool gone = native_u64(c->flags, row) & FLAG_NO_RECORDED_VALUE;
    for (uint32_t i = 0; i < s->n_outputs; i++) {
        struct output *o = &s->outputs[i];
        double v = 0;
        if (o->part == PART_QUANTILE) continue;
        if (o->part == PART_NATIVE && !gone) {
            put_native(r, s, o, c, row, t);
            continue;
        }
        if (o->part == PART_VALUE && (present & PRESENT_NO_VALUE) && !gone) continue;
        if (o->part == PART_SUM && !(present & PRESENT_SUM) && !gone && s->type != STORED_SUMMARY)
            continue;
        switch (o->part) {
        case PART_VALUE: v = native_f64(c->value, row); break;
        case PART_COUNT: v = native_f64(c->count, row); break;
        case PART_SUM: v = native_f64(c->sum, row); break;
        case PART_BUCKET:
            v = isinf(o->bound) ? native_f64(c->count, row) : below(c->buckets, row, s, o->bound);
            break;
        case PART_NATIVE:
        case PART_QUANTILE: break;
        }
        put(r, o, t, gone ? stale_nan() : v);
    }
    if (s->type == STORED_SUMMARY) put_quantiles(r, s, c, row, t, gone);
}

/* The bytes of a column whose rows lie there one after the other, `width` bytes each; NULL: they do
 * not. */
static const char *packed(const struct native_column *c, uint32_t width)
{
    return c && !c->nulls && !c->index && c->width == width ? c->data : NULL;
}

static uint64_t packed_u64(const char *p, uint64_t row)
{
    uint64_t v;
    memcpy(&v, p + row * sizeof v, sizeof v);
    return v;
}

static bool any_is_special(const char *flags, const char *present, uint64_t from, uint64_t to)
{
    uint32_t all_flags = 0;
    uint8_t all_present = 0;
    for (uint64_t i = from; i < to; i++) {
        uint32_t f;
        memcpy(&f, flags + i * sizeof f, sizeof f);
        all_flags |= f;
        all_present |= (uint8_t)present[i];
    }
    return all_flags & FLAG_NO_RECORDED_VALUE || all_present & PRESENT_NO_VALUE;
}

/* Rows [from, to) of a gauge or sum, all at once. False: they need a look at each (put_row). */
static bool put_values(struct reading *r, struct stored *s, const struct columns *c, uint64_t from,
                       uint64_t to)
{
    const char *flags = packed(c->flags, 4), *present = packed(c->present, 1), *t = packed(c->t, 8),
               *value = packed(c->value, 8);
    if (s->n_outputs != 1 || s->outputs[0].part != PART_VALUE || to - from > UINT32_MAX / 2 ||
        !flags || !present || !t || !value || any_is_special(flags, present, from, to))
        return false;
    struct output *o = &s->outputs[0];
    reserve(r, o, (uint32_t)(to - from));
    uint32_t n = o->n;
    for (uint64_t i = from; i < to; i++) {
        struct sample x;
        memcpy(&x.t, t + i * sizeof x.t, sizeof x.t);
        memcpy(&x.v, value + i * sizeof x.v, sizeof x.v);
        if (n && o->samples[n - 1].t == x.t) n--; /* as in put */
        o->samples[n++] = x;
    }
    o->n = n;
    return true;
}

struct stored *reading_find(struct reading *r, uint64_t id)
{
    if (r->at && r->at->id == id) return r->at;
    uint32_t lo = 0, hi = r->n; /* the series came in the order of their ids */
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (r->list[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < r->n && r->list[lo].id == id ? (r->at = &r->list[lo]) : NULL;
}

static status add_samples(void *ctx, const struct native_block *b, struct err *err)
{
    struct reading *r = ctx;
    struct columns c = {};
    TRY(reading_column(b, "series_id", &c.id, err));
    TRY(reading_column(b, "t", &c.t, err));
    TRY(reading_column(b, "flags", &c.flags, err));
    TRY(reading_column(b, "present", &c.present, err));
    c.value = native_find(b, S("value"));
    c.count = native_find(b, S("count"));
    c.sum = native_find(b, S("sum"));
    c.buckets = native_find(b, S("bucket_counts"));
    c.quantiles = native_find(b, S("quantiles"));
    c.quantile_values = native_find(b, S("quantile_values"));
    c.has_native = native_row_columns(b, &c.native);
    const char *ids = packed(c.id, 8);
    for (uint64_t i = 0, end; i < b->rows; i = end) {
        uint64_t id = native_u64(c.id, i);
        end = i + 1;
        if (ids)
            while (end < b->rows && packed_u64(ids, end) == id) end++;
        struct stored *s = reading_find(r, id);
        if (!s || put_values(r, s, &c, i, end)) continue;
        for (; i < end; i++) put_row(r, s, &c, i);
    }
    if (arena_over(r->arena))
        return err_set(err, ST_EXECUTION, ERR_NOPOS,
                       "the query needs more memory than its limit of %zu bytes: narrow it",
                       r->arena->budget);
    return job_check(r->job, err);
}

/* Samples came in runs of rising time, the runs in any order: neighbouring runs are merged until
 * there is one. Of samples of one moment the last counts. */
static uint32_t merge(const struct sample *a, uint32_t n, const struct sample *b, uint32_t m,
                      struct sample *out)
{
    uint32_t k = 0;
    for (uint32_t i = 0, j = 0; i < n || j < m;) {
        struct sample s = j == m || (i < n && a[i].t <= b[j].t) ? a[i++] : b[j++];
        if (k && out[k - 1].t == s.t) k--;
        out[k++] = s;
    }
    return k;
}

static uint32_t run_end(const struct sample *s, uint32_t from, uint32_t n)
{
    uint32_t i = from + 1;
    while (i < n && s[i].t > s[i - 1].t) i++;
    return i < n ? i : n;
}

static void sort_samples(struct arena *a, struct output *o)
{
    struct sample *other = NULL;
    while (o->n > 1 && run_end(o->samples, 0, o->n) < o->n) {
        uint32_t kept = 0;
        if (!other) other = arena_array(a, struct sample, o->n);
        for (uint32_t i = 0; i < o->n;) {
            uint32_t mid = run_end(o->samples, i, o->n), end = run_end(o->samples, mid, o->n);
            kept += merge(o->samples + i, mid - i, o->samples + mid, end - mid, other + kept);
            i = end;
        }
        struct sample *was = o->samples;
        o->samples = other;
        other = was;
        o->n = kept;
    }
}

static int by_labels(const void *a, const void *b)
{
    return labels_compare(((const struct raw_series *)a)->labels,
                          ((const struct raw_series *)b)->labels);
}

static void unite_histograms(struct arena *a, struct raw_series *to, const struct raw_series *from)
{
    uint32_t n = 0, i = 0, k = 0;
    struct histogram_sample *out =
        arena_array(a, struct histogram_sample, (size_t)to->n_histograms + from->n_histograms + 1);
    while (i < to->n_histograms || k < from->n_histograms) {
        bool left = k == from->n_histograms ||
                    (i < to->n_histograms && to->histograms[i].t <= from->histograms[k].t);
        struct histogram_sample s = left ? to->histograms[i++] : from->histograms[k++];
        if (n && out[n - 1].t == s.t) continue;
        out[n++] = s;
    }
    to->histograms = out;
    to->n_histograms = n;
}

/* Of two windows of one time the one with more samples holds. */
static void unite_rolled(struct arena *a, struct raw_series *to, const struct raw_series *from)
{
    uint32_t n = 0, i = 0, k = 0;
    struct rolled *out = arena_array(a, struct rolled, (size_t)to->n_rolled + from->n_rolled + 1);
    while (i < to->n_rolled || k < from->n_rolled) {
        bool left =
            k == from->n_rolled || (i < to->n_rolled && to->rolled[i].end <= from->rolled[k].end);
        struct rolled w = left ? to->rolled[i++] : from->rolled[k++];
        if (n && out[n - 1].end == w.end) {
            if (w.n > out[n - 1].n) out[n - 1] = w;
            continue;
        }
        out[n++] = w;
    }
    to->rolled = out;
    to->n_rolled = n;
}

/* Stored series that differ only in what Prometheus does not see are one to it. */
static void unite(struct arena *a, struct raw_series *to, const struct raw_series *from)
{
    struct sample *out = arena_array(a, struct sample, (size_t)to->n + from->n + 1);
    uint32_t n = 0, i = 0, k = 0;
    while (i < to->n || k < from->n) {
        bool left = k == from->n || (i < to->n && to->samples[i].t <= from->samples[k].t);
        struct sample s = left ? to->samples[i++] : from->samples[k++];
        if (n && out[n - 1].t == s.t) continue;
        out[n++] = s;
    }
    to->samples = out;
    to->n = n;
    unite_histograms(a, to, from);
    unite_rolled(a, to, from);
}

static void collect(struct reading *r, bool with_samples, struct series_set *ret)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < r->n; i++) n += r->list[i].n_outputs;
    struct raw_series *list = arena_array(r->arena, struct raw_series, n + 1);
    uint32_t kept = 0, out = 0;
    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t k = 0; k < r->list[i].n_outputs; k++) {
            struct output *o = &r->list[i].outputs[k];
            sort_samples(r->arena, o);
            if (o->n || o->n_h || o->n_rolled || !with_samples)
                list[kept++] = (struct raw_series){.labels = o->labels,
                                                   .rolled = o->rolled,
                                                   .n_rolled = o->n_rolled,
                                                   .samples = o->samples,
                                                   .n = o->n,
                                                   .histograms = o->histograms,
                                                   .n_histograms = o->n_h};
        }
    if (kept) qsort(list, kept, sizeof *list, by_labels);
    for (uint32_t i = 0; i < kept; i++) {
        if (out && labels_equal(list[out - 1].labels, list[i].labels))
            unite(r->arena, &list[out - 1], &list[i]);
        else
            list[out++] = list[i];
    }
    *ret = (struct series_set){list, out};
}

static status read_series(struct reading *r, const struct promql_scope *scope, struct err *err)
{
    struct sql sql;
    sql_init(&sql, r->arena);
    uint64_t limit = r->job->limits->max_series;
    promql_plan_series(&sql, scope, limit + 1);
    TRY(fetch_rows(r->job->fetcher, &sql, add_series, r, err));
    if (r->n > limit)
        return err_set(err, ST_EXECUTION, ERR_NOPOS,
                       "the query selects more than %llu series: narrow it",
                       (unsigned long long)limit);
    return ST_OK;
}

void reading_wanted(struct reading *r, struct wanted *ret)
{
    uint64_t *ids = arena_array(r->arena, uint64_t, r->n + 1);
    str *names = arena_array(r->arena, str, r->n + 1);
    uint32_t n_names = 0;
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
        c.summary |= s->type == STORED_SUMMARY;
    }
    *ret = (struct wanted){names, n_names, ids, r->n, c};
}

static status read_samples(struct reading *r, const struct promql_scope *scope,
                           const struct wanted *w, struct err *err)
{
    struct sql sql;
    sql_init(&sql, r->arena);
    uint64_t room = r->arena->budget / 4 / sizeof(struct sample) / r->n;
    r->expected_most = room < UINT32_MAX ? (uint32_t)room : UINT32_MAX;
    r->hours = (uint32_t)((scope->to_ms - scope->from_ms) / 3'600'000 + 2);
    promql_plan_samples(&sql, scope, w->names, w->n_names, w->ids, w->n_ids, w->columns);
    return fetch_rows(r->job->fetcher, &sql, add_samples, r, err);
}

static status select_all(struct promql_store *s, struct arena *a, const struct label_matcher *m,
                         uint32_t n, int64_t from, int64_t to, struct notes *warnings,
                         struct series_set *ret, struct horizon *ret_horizon, struct err *err)
{
    struct promql_scope scope = {m, n, from, to};
    struct reading r = {
        .job = s->job, .arena = a, .matchers = m, .n_matchers = n, .warnings = warnings};
    struct wanted wanted;
    *ret = (struct series_set){0};
    if (!promql_scope_clamp(&scope)) return ST_OK;
    nanos begun = clock_monotonic();
    TRY(read_series(&r, &scope, err));
    if (r.n) {
        reading_wanted(&r, &wanted);
        TRY(rolled_read(s, &r, &wanted, &scope, ret_horizon, err));
        if (scope.from_ms <= scope.to_ms) {
            TRY(read_samples(&r, &scope, &wanted, err));
            s->used |= PROMQL_USED_RAW;
        }
        collect(&r, true, ret);
    }
    s->spent += clock_monotonic() - begun;
    return ST_OK;
}

static status select_stored(struct series_source *src, struct arena *a,
                            const struct label_matcher *m, uint32_t n, int64_t from, int64_t to,
                            struct notes *warnings, struct series_set *ret, struct err *err)
{
    return select_all((struct promql_store *)src, a, m, n, from, to, warnings, ret, NULL, err);
}

static status select_rolled(struct series_source *src, struct arena *a,
                            const struct label_matcher *m, uint32_t n, int64_t from, int64_t to,
                            struct notes *warnings, struct series_set *ret,
                            struct horizon *ret_horizon, struct err *err)
{
    return select_all((struct promql_store *)src, a, m, n, from, to, warnings, ret, ret_horizon,
                      err);
}

void promql_store_init(struct promql_store *s, struct query_job *job)
{
    *s = (struct promql_store){.source = {.select = select_stored, .select_rolled = select_rolled},
                               .job = job};
}

status promql_store_series(struct promql_store *s, const struct selector *selectors, uint32_t n,
                           int64_t from, int64_t to, struct notes *warnings, struct label_sets *ret,
                           struct err *err)
{
    struct series_set *sets = arena_array(s->job->arena, struct series_set, n + 1);
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct promql_scope scope = {selectors[i].matchers, selectors[i].n, from, to};
        struct reading r = {.job = s->job,
                            .arena = s->job->arena,
                            .matchers = scope.matchers,
                            .n_matchers = scope.n,
                            .warnings = warnings};
        sets[i] = (struct series_set){0};
        if (!promql_scope_clamp(&scope)) continue;
        TRY(read_series(&r, &scope, err));
        collect(&r, false, &sets[i]);
        total += sets[i].n;
    }
    struct raw_series *all = arena_array(s->job->arena, struct raw_series, total + 1);
    struct labels *out = arena_array(s->job->arena, struct labels, total + 1);
    uint32_t at = 0, kept = 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < sets[i].n; k++) all[at++] = sets[i].list[k];
    if (at) qsort(all, at, sizeof *all, by_labels);
    for (uint32_t i = 0; i < at; i++)
        if (!kept || !labels_equal(out[kept - 1], all[i].labels)) out[kept++] = all[i].labels;
    *ret = (struct label_sets){out, kept};
    return ST_OK;
}

static double bound_below(const struct stored *s, double bound)
{
    double below = -INFINITY;
    for (uint32_t i = 0; i < s->n_bounds && s->bounds[i] < bound; i++) below = s->bounds[i];
    return below;
}

static uint32_t add_exemplar_series(const struct stored *s, struct exemplar_series *to)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_outputs; i++) {
        const struct output *o = &s->outputs[i];
        if (o->part != PART_VALUE && o->part != PART_BUCKET) continue;
        to[n] = (struct exemplar_series){.id = s->id,
                                         .metric_name = s->metric_name,
                                         .labels = o->labels,
                                         .whole = o->part == PART_VALUE};
        if (o->part == PART_BUCKET) {
            to[n].above = bound_below(s, o->bound);
            to[n].upto = o->bound;
        }
        n++;
    }
    return n;
}

status promql_store_exemplar_series(struct promql_store *s, const struct selector *selectors,
                                    uint32_t n, int64_t from, int64_t to, struct notes *warnings,
                                    struct exemplar_series **ret, uint32_t *ret_n, struct err *err)
{
    struct reading *r = arena_array(s->job->arena, struct reading, n + 1);
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct promql_scope scope = {selectors[i].matchers, selectors[i].n, from, to};
        r[i] = (struct reading){.job = s->job,
                                .arena = s->job->arena,
                                .matchers = scope.matchers,
                                .n_matchers = scope.n,
                                .warnings = warnings};
        if (promql_scope_clamp(&scope)) TRY(read_series(&r[i], &scope, err));
        for (uint32_t k = 0; k < r[i].n; k++) total += r[i].list[k].n_outputs;
    }
    *ret = arena_array(s->job->arena, struct exemplar_series, total + 1);
    *ret_n = 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < r[i].n; k++)
            *ret_n += add_exemplar_series(&r[i].list[k], *ret + *ret_n);
    return ST_OK;
}
