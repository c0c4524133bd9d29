#include "query/promql_rolled.h"

#include <math.h>

#include "query/promql_native_row.h"

/* No retention is shorter than a day, and a rollup's source is taken for gone two hours early. */
static const int64_t surely_raw_ms = 20 * 3600 * 1000;

enum { PRESENT_SUM = 1 };

/* --- the horizon */

static status add_horizon(void *ctx, const struct native_block *b, struct err *err)
{
    struct horizon *h = ctx;
    const struct native_column *rollup, *since;
    TRY(reading_column(b, "rollup", &rollup, err));
    TRY(reading_column(b, "since", &since, err));
    for (uint64_t i = 0; i < b->rows; i++) {
        int64_t t = native_i64(since, i) * 1000;
        if (str_eq(native_str(rollup, i), S("metrics_5m")))
            h->raw_after = t;
        else
            h->fine_after = t;
    }
    return ST_OK;
}

/* Once a query, so that all its selectors see one. */
static status read_horizon(struct promql_store *s, struct err *err)
{
    struct sql sql;
    if (s->horizon_read) return ST_OK;
    sql_init(&sql, s->job->arena);
    promql_plan_horizon(&sql);
    TRY(fetch_rows(s->job->fetcher, &sql, add_horizon, &s->horizon, err));
    if (s->horizon.fine_after > s->horizon.raw_after) s->horizon.fine_after = s->horizon.raw_after;
    s->horizon.any = s->horizon.raw_after > 0;
    s->horizon_read = true;
    return ST_OK;
}

/* --- windows */

struct columns {
    const struct native_column *id, *t, *version, *samples, *first_t, *last_t, *first, *last,
        *increase;
    const struct native_column *flags, *present, *min, *max, *sum;         /* NULL: only the ends */
    const struct native_column *first_count, *last_count, *count_increase; /* may be NULL, as are */
    const struct native_column *first_le, *last_le, *le_increase, *quantiles, *quantile_values;
    struct native_row_columns native;
    bool has_native;
};

static status find_columns(const struct native_block *b, struct columns *c, struct err *err)
{
    TRY(reading_column(b, "series_id", &c->id, err));
    TRY(reading_column(b, "t", &c->t, err));
    TRY(reading_column(b, "version", &c->version, err));
    TRY(reading_column(b, "samples", &c->samples, err));
    TRY(reading_column(b, "first_t", &c->first_t, err));
    TRY(reading_column(b, "last_t", &c->last_t, err));
    TRY(reading_column(b, "first", &c->first, err));
    TRY(reading_column(b, "last", &c->last, err));
    TRY(reading_column(b, "increase", &c->increase, err));
    c->flags = native_find(b, S("flags"));
    c->present = native_find(b, S("present"));
    c->min = native_find(b, S("min"));
    c->max = native_find(b, S("max"));
    c->sum = native_find(b, S("sum"));
    c->first_count = native_find(b, S("first_count"));
    c->last_count = native_find(b, S("last_count"));
    c->count_increase = native_find(b, S("count_increase"));
    c->first_le = native_find(b, S("first_le"));
    c->last_le = native_find(b, S("last_le"));
    c->le_increase = native_find(b, S("le_increase"));
    c->quantiles = native_find(b, S("quantiles"));
    c->quantile_values = native_find(b, S("quantile_values"));
    c->has_native = native_row_columns(b, &c->native);
    return ST_OK;
}

/* Of one window the newer version holds. */
static void put(struct reading *r, struct output *o, struct rolled w)
{
    if (o->n_rolled && o->rolled[o->n_rolled - 1].end == w.end) {
        if (w.version > o->rolled[o->n_rolled - 1].version) o->rolled[o->n_rolled - 1] = w;
        return;
    }
    if (o->n_rolled == o->cap_rolled) {
        uint32_t cap = o->cap_rolled * 2 + (r->windows ? r->windows : 64);
        struct rolled *list = arena_array(r->room, struct rolled, cap);
        if (o->n_rolled) memcpy(list, o->rolled, o->n_rolled * sizeof *list);
        o->rolled = list;
        o->cap_rolled = cap;
    }
    o->rolled[o->n_rolled++] = w;
}

static void of_counter(struct rolled *w, double first, double last, double increase)
{
    w->known = ROLLED_COUNTER;
    w->first.v = first;
    w->last.v = last;
    w->increase = increase;
}

static double at_bound(const struct native_column *le, uint64_t row, uint64_t i)
{
    uint64_t from = native_begin(le, row), n = native_end(le, row) - from;
    return i < n ? (double)native_u64(&le->child[0], from + i) : 0;
}

/* The last of a window of an explicit histogram: le has what lies at or below each bound. */
static const struct histogram *last_custom(struct reading *r, const struct stored *s,
                                           const struct columns *c, uint64_t row, double sum)
{
    uint32_t n = (uint32_t)(native_end(c->last_le, row) - native_begin(c->last_le, row));
    double *counts = arena_array(r->arena, double, n + 1), before = 0;
    for (uint32_t i = 0; i < n; i++) {
        double upto = at_bound(c->last_le, row, i);
        counts[i] = upto - before;
        before = upto;
    }
    return native_row_custom(r->arena, s->bounds, s->n_bounds, counts, n,
                             native_f64(c->last_count, row), sum);
}

/* `sum` of a window is the sum of its sums. */
static const struct histogram *with_sum(struct arena *a, const struct histogram *h, double sum)
{
    struct histogram *out = arena_new(a, struct histogram);
    *out = *h;
    out->sum = sum;
    return out;
}

/* The last of deltas alone tells nothing. */
static void note_delta(struct reading *r, const struct stored *s)
{
    struct buf b;
    buf_init(&b, 4096);
    buf_printf(
        &b,
        "metric \"" STR_FMT
        "\" has native histograms of delta temporality, which are left out where samples are "
        "kept as windows of 5 minutes or 1 hour",
        STR_ARG(s->name));
    notes_add(r->warnings, buf_str(&b));
    buf_done(&b);
}

static void put_part(struct reading *r, const struct stored *s, struct output *o, struct rolled w,
                     const struct columns *c, uint64_t row)
{
    bool has_sum = c->present && native_u64(c->present, row) & PRESENT_SUM;
    uint64_t bucket = 0;
    switch (o->part) {
    case PART_VALUE:
        of_counter(&w, native_f64(c->first, row), native_f64(c->last, row),
                   native_f64(c->increase, row));
        if (!c->sum) break;
        w.known = ROLLED_ALL;
        w.min = native_f64(c->min, row);
        w.max = native_f64(c->max, row);
        w.sum = native_f64(c->sum, row);
        break;
    case PART_SUM:
        if (!has_sum && s->type != STORED_SUMMARY) return;
        of_counter(&w, native_f64(c->first, row), native_f64(c->last, row),
                   native_f64(c->increase, row));
        break;
    case PART_BUCKET:
        if (!isinf(o->bound)) {
            while (bucket < s->n_bounds && s->bounds[bucket] != o->bound) bucket++;
            of_counter(&w, at_bound(c->first_le, row, bucket), at_bound(c->last_le, row, bucket),
                       at_bound(c->le_increase, row, bucket));
            break;
        }
        [[fallthrough]];
    case PART_COUNT:
        of_counter(&w, native_f64(c->first_count, row), native_f64(c->last_count, row),
                   native_f64(c->count_increase, row));
        break;
    case PART_NATIVE:
        if (s->delta) {
            note_delta(r, s);
            return;
        }
        if (s->type == STORED_HISTOGRAM) {
            w.h = last_custom(r, s, c, row, has_sum ? native_f64(c->last, row) : 0);
            break;
        }
        w.h = c->has_native ? native_row_histogram(r->arena, &c->native, row, 0) : NULL;
        if (!w.h) return;
        if (has_sum) w.h = with_sum(r->arena, w.h, native_f64(c->last, row));
        break;
    case PART_QUANTILE: return;
    }
    put(r, o, w);
}

/* Of quantiles the last are kept, and nothing else. */
static void put_quantiles(struct reading *r, struct stored *s, struct rolled w,
                          const struct columns *c, uint64_t row)
{
    for (uint64_t i = native_begin(c->quantiles, row); i < native_end(c->quantiles, row); i++) {
        double q = native_f64(&c->quantiles->child[0], i);
        struct output *o = NULL;
        for (uint32_t k = 0; k < s->n_outputs && !o; k++)
            if (s->outputs[k].part == PART_QUANTILE && s->outputs[k].bound == q) o = &s->outputs[k];
        if (!o) o = reading_output(r, s, PART_QUANTILE, "", S("quantile"), q);
        if (!o) continue;
        w.last.v = native_f64(&c->quantile_values->child[0], i);
        put(r, o, w);
    }
}

struct windows {
    struct reading *r;
    int64_t width;
    bool any;
};

static status add_windows(void *ctx, const struct native_block *b, struct err *err)
{
    struct windows *x = ctx;
    struct columns c = {};
    TRY(find_columns(b, &c, err));
    for (uint64_t i = 0; i < b->rows; i++) {
        struct stored *s = reading_find(x->r, native_u64(c.id, i));
        if (!s) continue;
        x->any = true;
        struct rolled w = {.end = native_i64(c.t, i),
                           .version = native_u64(c.version, i),
                           .width = x->width,
                           .n = (uint32_t)native_u64(c.samples, i),
                           .ended = c.flags && native_u64(c.flags, i) & 1,
                           .first = {.t = native_i64(c.first_t, i)},
                           .last = {.t = native_i64(c.last_t, i)}};
        for (uint32_t k = 0; k < s->n_outputs; k++) put_part(x->r, s, &s->outputs[k], w, &c, i);
        if (s->type == STORED_SUMMARY) put_quantiles(x->r, s, w, &c, i);
    }
    return job_check(x->r->job, err);
}

status rolled_windows(struct reading *r, const struct wanted *w, int64_t from, int64_t to,
                      bool coarse, unsigned *io_used, struct err *err)
{
    if (from >= to) return ST_OK;
    struct promql_scope scope = {.from_ms = from, .to_ms = to};
    struct windows x = {.r = r, .width = coarse ? ROLLED_COARSE : ROLLED_FINE};
    struct sql sql;
    sql_init(&sql, r->room);
    promql_plan_windows(&sql, &scope, coarse, w->names, w->n_names, w->ids, w->n_ids, w->columns);
    TRY(fetch_rows(r->job->fetcher, &sql, add_windows, &x, err));
    if (x.any) *io_used |= coarse ? PROMQL_USED_1H : PROMQL_USED_5M;
    return ST_OK;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t greatest(int64_t a, int64_t b) { return a > b ? a : b; }

status rolled_reaches(struct promql_store *s, const struct promql_scope *scope, bool *ret,
                      struct err *err)
{
    *ret = false;
    if (scope->from_ms > s->job->now / NANOS_MS - surely_raw_ms) return ST_OK;
    TRY(read_horizon(s, err));
    *ret = s->horizon.any && scope->from_ms <= s->horizon.raw_after;
    return ST_OK;
}

status rolled_read(struct promql_store *s, struct reading *r, const struct wanted *w,
                   struct promql_scope *io_scope, struct horizon *ret_horizon, struct err *err)
{
    bool reaches;
    TRY(rolled_reaches(s, io_scope, &reaches, err));
    const struct horizon *h = &s->horizon;
    if (!reaches) return ST_OK;
    if (!ret_horizon) {
        notes_add(
            r->warnings,
            S("the query needs raw samples, which are not kept for as long as its time range: "
              "its older part is empty or incomplete"));
        return ST_OK;
    }
    /* Ranges are rounded to windows, and an hour's has to be there whole. */
    int64_t from = greatest(io_scope->from_ms - 2 * ROLLED_COARSE, 0);
    TRY(rolled_windows(r, w, from, least(io_scope->to_ms, h->fine_after), true, &s->used, err));
    TRY(rolled_windows(r, w, greatest(from, h->fine_after), least(io_scope->to_ms, h->raw_after),
                       false, &s->used, err));
    io_scope->from_ms = h->raw_after + 1;
    *ret_horizon = *h;
    return ST_OK;
}

status rolled_is_raw_from(struct promql_store *s, int64_t from_ms, bool *ret, struct err *err)
{
    *ret = true;
    if (from_ms > s->job->now / NANOS_MS - surely_raw_ms) return ST_OK;
    TRY(read_horizon(s, err));
    *ret = !s->horizon.any || from_ms > s->horizon.raw_after + 2 * ROLLED_COARSE;
    return ST_OK;
}
