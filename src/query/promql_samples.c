/* The samples half of reading: rows of otel_metrics become samples of the outputs of their series.
 */
#include "query/promql_reading.h"

#include <math.h>
#include <string.h>

#include "query/promql_delta.h"
#include "query/promql_found.h"
#include "query/promql_native_row.h"

/* Bits of otel_metrics.present (model/batch.h) and of its flags (OTLP). */
enum { PRESENT_SUM = 1, PRESENT_NO_VALUE = 16, FLAG_NO_RECORDED_VALUE = 1 };

/* Room for `n` more. A series' first rows are of one hour mostly: as many are expected of each
 * hour, while that is little of the job's memory. */
static void reserve(struct reading *r, struct output *o, uint32_t n)
{
    if (n <= o->cap - o->n) return;
    uint64_t cap = (uint64_t)o->cap * 2 + n, expected = (uint64_t)n * r->hours;
    if (n > 1 && o->cap == 0 && expected < r->expected_most) cap = expected;
    if (cap < 16) cap = 16;
    struct sample *list = arena_array(r->room, struct sample, cap);
    if (o->n) memcpy(list, o->samples, o->n * sizeof *list);
    o->samples = list;
    o->cap = (uint32_t)cap;
}

void reading_put(struct reading *r, struct output *o, int64_t t, double v)
{
    if (o->n && o->samples[o->n - 1].t == t) {
        o->samples[o->n - 1].v = v;
        return;
    }
    reserve(r, o, 1);
    o->samples[o->n++] = (struct sample){t, v};
}

void reading_put_all(struct reading *r, struct output *o, const struct sample *list, uint32_t n)
{
    uint64_t cap = n + (uint64_t)(r->to_ms - r->from_ms) / USUAL_INTERVAL_MS + 16;
    if (!n) return;
    if (cap > r->expected_most) cap = n;
    o->samples = arena_array(r->room, struct sample, cap);
    o->cap = (uint32_t)cap;
    memcpy(o->samples, list, n * sizeof *list);
    o->n = o->rising = n;
}

/* The start times lie in an output of their own, which goes through the same hands; there is none
 * until one of them is known. */
static bool needs_starts(struct reading *r, struct output *o, bool known)
{
    if (o->starts || !known) return o->starts;
    o->starts = arena_new(r->room, struct output);
    reserve(r, o->starts, o->n + 1);
    for (uint32_t i = 0; i < o->n; i++) o->starts->samples[i] = (struct sample){o->samples[i].t, 0};
    o->starts->n = o->n;
    return true;
}

status reading_check(struct reading *r, struct err *err)
{
    if (arena_over(r->room))
        return err_set(err, ST_EXECUTION, ERR_NOPOS,
                       "the query needs more memory than its limit of %zu bytes: narrow it",
                       r->room->budget);
    return job_check(r->job, err);
}

static void put_histogram(struct reading *r, struct output *o, int64_t t, int64_t start,
                          const struct histogram *h)
{
    bool again = o->n_h && o->histograms[o->n_h - 1].t == t;
    uint32_t before = o->n_h - again;
    bool follows = before && (!o->n || o->samples[o->n - 1].t < o->histograms[before - 1].t);
    h = histogram_with_hint(
        r->room, h, histogram_hint_after(r->room, h, follows ? o->histograms[before - 1].h : NULL));
    if (o->n_h == o->cap_h) {
        uint32_t cap = o->cap_h * 2 + 64;
        struct histogram_sample *list = arena_array(r->room, struct histogram_sample, cap);
        if (o->n_h) memcpy(list, o->histograms, o->n_h * sizeof *list);
        o->histograms = list;
        o->cap_h = cap;
    }
    o->histograms[before] = (struct histogram_sample){.t = t, .h = h, .start = start};
    o->n_h = before + 1;
}

struct columns {
    const struct native_column *id, *t, *start, *flags, *present, *value, *int_value, *count, *sum,
        *buckets, *quantiles, *quantile_values;
    struct native_row_columns native;
    bool has_native;
};

static int64_t start_of(const struct columns *c, uint64_t row)
{
    return c->start ? native_i64(c->start, row) : 0;
}

/* Of a gauge or sum: an integer, or else a double (docs/decisions/0025). */
static double number_of(int64_t whole, double value) { return whole ? (double)whole : value; }

static void put_native(struct reading *r, const struct stored *s, struct output *o,
                       const struct columns *c, uint64_t row, int64_t t)
{
    uint64_t present = native_u64(c->present, row);
    const struct histogram *h =
        c->has_native ? native_row_histogram(r->room, &c->native, row, present) : NULL;
    if (h) {
        put_histogram(r, o, t, start_of(c, row), h);
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

static void put_custom(struct reading *r, const struct stored *s, struct output *o,
                       const struct columns *c, uint64_t row, int64_t t)
{
    uint64_t from = native_begin(c->buckets, row);
    uint32_t n = (uint32_t)(native_end(c->buckets, row) - from);
    double *counts = arena_array(r->room, double, n + 1);
    bool has_sum = native_u64(c->present, row) & PRESENT_SUM;
    for (uint32_t i = 0; i < n; i++)
        counts[i] = (double)native_u64(&c->buckets->child[0], from + i);
    put_histogram(r, o, t, start_of(c, row),
                  native_row_custom(r->room, s->bounds, s->n_bounds, counts, n,
                                    native_f64(c->count, row),
                                    has_sum ? native_f64(c->sum, row) : 0));
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
        if (o)
            reading_put(r, o, t, gone ? stale_nan() : native_f64(&c->quantile_values->child[0], i));
    }
    for (uint32_t k = 0; gone && k < s->n_outputs; k++)
        if (s->outputs[k].part == PART_QUANTILE) reading_put(r, &s->outputs[k], t, stale_nan());
}

static void put_row(struct reading *r, struct stored *s, const struct columns *c, uint64_t row)
{
    int64_t t = native_i64(c->t, row);
    if (t < r->from_ms || t > r->to_ms) return;
    uint64_t present = native_u64(c->present, row);
    bool gone = native_u64(c->flags, row) & FLAG_NO_RECORDED_VALUE;
    for (uint32_t i = 0; i < s->n_outputs; i++) {
        struct output *o = &s->outputs[i];
        double v = 0;
        if (o->part == PART_QUANTILE) continue;
        if (o->part == PART_NATIVE && !gone) {
            if (s->type == STORED_HISTOGRAM)
                put_custom(r, s, o, c, row, t);
            else
                put_native(r, s, o, c, row, t);
            continue;
        }
        if (o->part == PART_VALUE && (present & PRESENT_NO_VALUE) && !gone) continue;
        if (o->part == PART_SUM && !(present & PRESENT_SUM) && !gone && s->type != STORED_SUMMARY)
            continue;
        switch (o->part) {
        case PART_VALUE:
            v = number_of(native_i64(c->int_value, row), native_f64(c->value, row));
            break;
        case PART_COUNT: v = native_f64(c->count, row); break;
        case PART_SUM: v = native_f64(c->sum, row); break;
        case PART_BUCKET:
            v = isinf(o->bound) ? native_f64(c->count, row) : below(c->buckets, row, s, o->bound);
            break;
        case PART_NATIVE:
        case PART_QUANTILE: break;
        }
        int64_t start = start_of(c, row);
        if (needs_starts(r, o, start != 0)) reading_put(r, o->starts, t, (double)start);
        reading_put(r, o, t, gone ? stale_nan() : v);
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

/* Columns of a block of gauges and sums. */
struct values {
    const char *t, *value, *whole, *start; /* start: NULL when there is none */
    bool plain;                            /* the rows need no look at each (put_row) */
};

/* The bits that any of the numbers has, of eight bytes at a time and of what is left over. */
static uint64_t any_bits(const char *p, uint64_t bytes)
{
    uint64_t all = 0, rest = 0, i = 0;
    for (; i + sizeof all <= bytes; i += sizeof all) all |= packed_u64(p + i, 0);
    if (i < bytes) memcpy(&rest, p + i, bytes - i);
    return all | rest;
}

/* All rows have a number, and none is a marker. */
static bool none_is_special(const char *flags, const char *present, uint64_t rows)
{
    const uint64_t gone = FLAG_NO_RECORDED_VALUE * 0x0000000100000001u,
                   no_value = PRESENT_NO_VALUE * 0x0101010101010101u;
    return !(any_bits(flags, rows * 4) & gone) && !(any_bits(present, rows) & no_value);
}

static struct values values_of(const struct columns *c, uint64_t rows)
{
    const char *flags = packed(c->flags, 4), *present = packed(c->present, 1);
    struct values v = {packed(c->t, 8), packed(c->value, 8), packed(c->int_value, 8),
                       packed(c->start, 8), false};
    v.plain = flags && present && v.t && v.value && v.whole && (!c->start || v.start) &&
              rows <= UINT32_MAX / 2 && none_is_special(flags, present, rows);
    return v;
}

/* The start times of rows [from, to). */
static void put_starts(struct reading *r, struct output *o, const struct values *x, uint64_t from,
                       uint64_t to)
{
    uint64_t any = 0;
    for (uint64_t i = from; x->start && i < to; i++) any |= packed_u64(x->start, i);
    if (!x->start || !needs_starts(r, o, any != 0)) return;
    for (uint64_t i = from; i < to; i++) {
        int64_t at = (int64_t)packed_u64(x->t, i);
        if (at >= r->from_ms && at <= r->to_ms)
            reading_put(r, o->starts, at, (double)(int64_t)packed_u64(x->start, i));
    }
}

/* Rows [from, to) of a gauge or sum, all at once. False: they need a look at each. */
static bool put_values(struct reading *r, struct stored *s, const struct values *x, uint64_t from,
                       uint64_t to)
{
    if (!x->plain || s->n_outputs != 1 || s->outputs[0].part != PART_VALUE) return false;
    struct output *o = &s->outputs[0];
    put_starts(r, o, x, from, to);
    reserve(r, o, (uint32_t)(to - from));
    struct sample *out = o->samples + o->n;
    int64_t last = o->n ? out[-1].t : INT64_MIN;
    bool rises = o->rising == o->n;
    for (uint64_t i = from; i < to; i++) {
        int64_t t = (int64_t)packed_u64(x->t, i), whole = (int64_t)packed_u64(x->whole, i);
        double v;
        memcpy(&v, x->value + i * sizeof v, sizeof v);
        if (t < r->from_ms || t > r->to_ms) continue;
        if (t == last) out--; /* as in reading_put */
        rises &= t >= last;
        *out++ = (struct sample){t, number_of(whole, v)};
        last = t;
    }
    o->n = (uint32_t)(out - o->samples);
    if (rises) o->rising = o->n;
    return true;
}

/* Where the samples of the next series go: of 900 series each lies in a place of its own, far from
 * the others. */
static void prefetch(struct reading *r, uint64_t id)
{
    const struct stored *s = reading_find(r, id);
    const struct output *o = s && s->n_outputs ? &s->outputs[0] : NULL;
    if (o && o->n) __builtin_prefetch(o->samples + o->n - 1, 1);
}

static status add_samples(void *ctx, const struct native_block *b, struct err *err)
{
    struct reading *r = ctx;
    struct columns c = {};
    TRY(reading_column(b, "series_id", &c.id, err));
    TRY(reading_column(b, "t", &c.t, err));
    TRY(reading_column(b, "flags", &c.flags, err));
    TRY(reading_column(b, "present", &c.present, err));
    c.start = native_find(b, S("start"));
    c.value = native_find(b, S("value"));
    c.int_value = native_find(b, S("int_value"));
    c.count = native_find(b, S("count"));
    c.sum = native_find(b, S("sum"));
    c.buckets = native_find(b, S("bucket_counts"));
    c.quantiles = native_find(b, S("quantiles"));
    c.quantile_values = native_find(b, S("quantile_values"));
    c.has_native = native_row_columns(b, &c.native);
    const char *ids = packed(c.id, 8);
    const struct values values = values_of(&c, b->rows);
    for (uint64_t i = 0, end; i < b->rows; i = end) {
        uint64_t id = native_u64(c.id, i);
        end = i + 1;
        if (ids)
            while (end < b->rows && packed_u64(ids, end) == id) end++;
        struct stored *s = reading_find(r, id);
        if (ids && end < b->rows) prefetch(r, packed_u64(ids, end));
        if (!s || put_values(r, s, &values, i, end)) continue;
        for (; i < end; i++) put_row(r, s, &c, i);
    }
    return reading_check(r, err);
}

/* The hint of the first native histogram is told by the one before, if that is not further away. */
static const int64_t hint_ms = 5 * 60 * 1000;

/* How much room outputs get at first. */
static void expect(struct reading *r, const struct promql_scope *scope)
{
    uint64_t room = r->room->budget / 4 / sizeof(struct sample) / r->n;
    r->expected_most = room < UINT32_MAX ? (uint32_t)room : UINT32_MAX;
    r->hours = (uint32_t)((scope->to_ms - scope->from_ms) / 3'600'000 + 2);
}

status reading_samples(struct reading *r, const struct promql_scope *scope, const struct wanted *w,
                       struct err *err)
{
    struct sql sql;
    struct promql_scope whole = *scope;
    sql_init(&sql, r->room);
    r->from = scope->from_ms;
    r->to_ms = scope->to_ms;
    expect(r, scope);
    if (r->needs) {
        r->from_ms = scope->from_ms;
        promql_plan_needed(&sql, scope, r->needs, w->names, w->n_names, w->ids, w->n_ids,
                           w->columns.whole);
        return fetch_rows(r->job->fetcher, &sql, add_samples, r, err);
    }
    if (r->any_delta) whole.from_ms = delta_hour(scope->from_ms) + 1;
    if (r->any_delta && r->with_starts) whole.from_ms = delta_hour(whole.from_ms - 1) + 1;
    if (w->columns.in_order && !r->any_delta) whole.from_ms -= hint_ms;
    if (whole.from_ms < 0) whole.from_ms = 0;
    r->reads_earlier = r->any_delta || w->columns.in_order;
    r->from_ms = whole.from_ms;
    if (r->found && !r->reads_earlier && !r->with_starts)
        whole.from_ms = found_give_tail(r->found, r, whole.from_ms, whole.to_ms);
    r->from_ms = whole.from_ms;
    r->to_ms = whole.to_ms;
    if (whole.from_ms > whole.to_ms) return ST_OK; /* the scan before has read it */
    promql_plan_samples(&sql, &whole, w->names, w->n_names, w->ids, w->n_ids, w->columns);
    return fetch_rows(r->job->fetcher, &sql, add_samples, r, err);
}

status reading_piece(struct reading *r, const struct promql_scope *scope, const struct wanted *w,
                     struct err *err)
{
    struct sql sql;
    sql_init(&sql, r->room);
    expect(r, scope);
    r->from = r->from_ms = scope->from_ms;
    r->to_ms = scope->to_ms;
    promql_plan_samples(&sql, scope, w->names, w->n_names, w->ids, w->n_ids, w->columns);
    return fetch_rows(r->job->fetcher, &sql, add_samples, r, err);
}
