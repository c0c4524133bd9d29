/* Samples from the source: instant selectors, range selectors, subqueries; @ and offset; duration
 * expressions. */
#include "query/eval/promql_eval.h"

static status duration_value(struct evaluator *ev, const struct promql_duration *d, double *ret)
{
    double l = 0, r = 0;
    if (d->lhs) TRY(duration_value(ev, d->lhs, &l));
    if (d->rhs) TRY(duration_value(ev, d->rhs, &r));
    switch (d->op) {
    case DUR_LITERAL: *ret = d->seconds; break;
    case DUR_STEP: *ret = eval_step_seconds(ev); break;
    case DUR_RANGE: *ret = (double)(ev->opt.end_ms - ev->opt.start_ms) / 1000; break;
    case DUR_ADD: *ret = l + r; break;
    case DUR_SUB: *ret = l - r; break;
    case DUR_MUL: *ret = l * r; break;
    case DUR_DIV: *ret = l / r; break;
    case DUR_MOD: *ret = fmod(l, r); break;
    case DUR_POW: *ret = pow(l, r); break;
    case DUR_NEG: *ret = -l; break;
    case DUR_MIN: *ret = l < r ? l : r; break;
    case DUR_MAX: *ret = l > r ? l : r; break;
    case DUR_PAREN: *ret = l; break;
    }
    if ((d->op == DUR_DIV || d->op == DUR_MOD) && r == 0)
        return err_set(ev->err, ST_EXECUTION, d->op_at, "%s by zero",
                       d->op == DUR_DIV ? "division" : "modulo");
    if (!(fabs(*ret) < 9223372036.0))
        return err_set(ev->err, ST_EXECUTION, d->start, "duration out of range");
    return ST_OK;
}

static status duration_ms(struct evaluator *ev, const struct promql_duration *d, bool positive,
                          int64_t *ret)
{
    double seconds;
    TRY(duration_value(ev, d, &seconds));
    *ret = (int64_t)round(seconds * 1000);
    if (positive && *ret <= 0)
        return err_set(ev->err, ST_EXECUTION, d->start, "duration must be greater than 0");
    return ST_OK;
}

/* The moment a selector looks at from step `i`. */
static int64_t moment(const struct evaluator *ev, const struct promql_shift *s, int64_t offset,
                      int64_t t)
{
    switch (s->at) {
    case AT_NONE: break;
    case AT_TIME: t = s->at_ms; break;
    case AT_START: t = ev->opt.start_ms; break;
    case AT_END: t = ev->opt.end_ms; break;
    }
    return t - offset;
}

status eval_moment(struct evaluator *ev, const struct promql_shift *s, int64_t *io_t)
{
    int64_t offset = 0;
    if (s->offset) TRY(duration_ms(ev, s->offset, false, &offset));
    *io_t = moment(ev, s, offset, *io_t);
    return ST_OK;
}

static status moments(struct evaluator *ev, const struct promql_shift *s, struct grid g,
                      int64_t **ret)
{
    int64_t offset = 0;
    if (s->offset) TRY(duration_ms(ev, s->offset, false, &offset));
    int64_t *at = arena_array(ev->arena, int64_t, g.n);
    for (uint32_t i = 0; i < g.n; i++) at[i] = moment(ev, s, offset, grid_at(g, i));
    *ret = at;
    return ST_OK;
}

/* Where the store does not say whether the counter was reset, look. */
static void tell_resets(struct evaluator *ev, struct raw_series *s)
{
    struct histogram_sample *h =
        arena_array(ev->arena, struct histogram_sample, s->n_histograms + 1);
    for (uint32_t i = 0; i < s->n_histograms; i++) {
        h[i] = s->histograms[i];
        if (i == 0 || h[i].h->hint != HINT_UNKNOWN) continue;
        bool reset = histogram_is_reset(ev->arena, h[i].h, s->histograms[i - 1].h);
        h[i].h = histogram_with_hint(ev->arena, h[i].h, reset ? HINT_RESET : HINT_NOT_RESET);
    }
    s->histograms = h;
}

/* `horizon` NULL: it has to be the samples themselves. */
static status fetch(struct evaluator *ev, struct promql_expr *e, int64_t from, int64_t to,
                    struct series_set *ret, struct horizon *horizon)
{
    struct series_source *src = ev->source;
    if (e->selector.reach) from -= ev->opt.lookback_ms;
    if (e->selector.reach == REACH_SMOOTHED) to += ev->opt.lookback_ms;
    if (horizon && src->select_rolled && !e->selector.reach)
        TRY(src->select_rolled(src, ev->arena, e->selector.matchers, e->selector.n_matchers, from,
                               to, ev->warnings, ret, horizon, ev->err));
    else
        TRY(src->select(src, ev->arena, e->selector.matchers, e->selector.n_matchers, from, to,
                        ev->warnings, ret, ev->err));
    for (uint32_t i = 0; ev->stats && i < ret->n; i++) tell_resets(ev, &ret->list[i]);
    uint64_t n = 0;
    for (uint32_t i = 0; i < ret->n; i++)
        n += ret->list[i].n + ret->list[i].n_histograms + ret->list[i].n_rolled;
    ev->read += n;
    return eval_samples(ev, n);
}

static void smoothed_row(struct evaluator *ev, const struct promql_expr *e,
                         const struct raw_series *s, const int64_t *at, struct grid g,
                         struct rows *rows)
{
    struct row *r = NULL;
    for (uint32_t i = 0; i < g.n; i++) {
        struct cell c;
        if (!eval_smoothed_at(ev, e, s, at[i], &c)) continue;
        if (!r) r = rows_add(ev, rows, s->labels, g.n);
        row_put_cell(ev, r, i, g.n, c);
    }
}

status eval_selector(struct evaluator *ev, struct promql_expr *e, struct grid g,
                     enum select_what what, struct value *ret)
{
    int64_t *at;
    TRY(moments(ev, &e->selector.shift, g, &at));
    struct series_set set;
    struct horizon horizon = {};
    int64_t lookback = ev->opt.lookback_ms;
    TRY(fetch(ev, e, at[0] - lookback + 1, at[g.n - 1], &set,
              what == SELECT_STARTS ? NULL : &horizon));
    if (horizon.any) eval_note_rounded(ev, e, &horizon, at, g.n, 0);
    struct rows rows = {};
    for (uint32_t k = 0; k < set.n; k++) {
        const struct raw_series *s = &set.list[k];
        struct row *r = NULL;
        if (e->selector.reach == REACH_SMOOTHED && what == SELECT_VALUES) {
            smoothed_row(ev, e, s, at, g, &rows);
            continue;
        }
        uint32_t next = 0, next_h = 0; /* the first sample after the moment */
        for (uint32_t i = 0; i < g.n; i++) {
            while (next < s->n && s->samples[next].t <= at[i]) next++;
            while (next_h < s->n_histograms && s->histograms[next_h].t <= at[i]) next_h++;
            const struct histogram *h = NULL;
            struct sample last = next ? s->samples[next - 1] : (struct sample){INT64_MIN, 0};
            if (next + next_h == 0) {
                struct cell c;
                if (!eval_rolled_last(s, &horizon, at[i], lookback, &last.t, &c)) continue;
                if (!r) r = rows_add(ev, &rows, s->labels, g.n);
                ev->queryable++;
                if (what == SELECT_TIMES)
                    row_put(r, i, (double)last.t / 1000);
                else
                    row_put_cell(ev, r, i, g.n, c);
                continue;
            }
            int64_t start = next && s->starts ? s->starts[next - 1] : 0;
            if (next_h && s->histograms[next_h - 1].t > last.t) {
                h = s->histograms[next_h - 1].h;
                start = s->histograms[next_h - 1].start;
                last = (struct sample){s->histograms[next_h - 1].t, h->sum};
            }
            if (last.t <= at[i] - lookback || is_stale(last.v)) continue;
            if (!r) r = rows_add(ev, &rows, s->labels, g.n);
            ev->queryable++;
            if (what == SELECT_TIMES)
                row_put(r, i, (double)last.t / 1000);
            else if (what == SELECT_STARTS)
                row_put(r, i, (double)start / 1000);
            else
                row_put_cell(ev, r, i, g.n, (struct cell){last.v, h});
        }
        TRY(eval_check(ev));
    }
    *ret = rows_value(rows, g);
    return ST_OK;
}

/* Stale markers end a series for a selector, and are nothing to a range. */
static void drop_stale(struct evaluator *ev, struct raw_series *s)
{
    uint32_t stale = 0, kept = 0;
    struct histogram_sample *h =
        arena_array(ev->arena, struct histogram_sample, s->n_histograms + 1);
    for (uint32_t i = 0; i < s->n_histograms; i++)
        if (!is_stale(s->histograms[i].h->sum)) h[kept++] = s->histograms[i];
    s->histograms = h;
    s->n_histograms = kept;
    for (uint32_t i = 0; i < s->n; i++) stale += is_stale(s->samples[i].v);
    if (!stale) return;
    struct sample *out = arena_array(ev->arena, struct sample, s->n - stale + 1);
    int64_t *starts = s->starts ? arena_array(ev->arena, int64_t, s->n - stale + 1) : NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        if (is_stale(s->samples[i].v)) continue;
        if (starts) starts[n] = s->starts[i];
        out[n++] = s->samples[i];
    }
    s->starts = starts;
    s->samples = out;
    s->n = n;
}

static status range_selector(struct evaluator *ev, struct promql_expr *e, struct grid g,
                             bool rolled, struct ranges *ret)
{
    struct promql_expr *sel = e->range.selector;
    TRY(duration_ms(ev, e->range.length, true, &ret->length));
    TRY(moments(ev, &sel->selector.shift, g, &ret->ends));
    struct series_set set;
    ret->horizon = (struct horizon){};
    TRY(fetch(ev, sel, ret->ends[0] - ret->length + 1, ret->ends[g.n - 1], &set,
              rolled ? &ret->horizon : NULL));
    if (ret->horizon.any) eval_note_rounded(ev, e, &ret->horizon, ret->ends, g.n, ret->length);
    for (uint32_t i = 0; i < set.n; i++) drop_stale(ev, &set.list[i]);
    ret->series = set.list;
    ret->n = set.n;
    return ST_OK;
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* Samples of a subquery do not follow each other as the stored ones do: what the hints say does not
 * hold. */
static const struct histogram *unhinted(struct evaluator *ev, const struct histogram *h)
{
    return h->hint == HINT_GAUGE ? h : histogram_with_hint(ev->arena, h, HINT_UNKNOWN);
}

/* The inner steps are multiples of the subquery's step. */
static status subquery(struct evaluator *ev, struct promql_expr *e, struct grid g,
                       struct ranges *ret)
{
    TRY(duration_ms(ev, e->subquery.length, true, &ret->length));
    TRY(moments(ev, &e->subquery.shift, g, &ret->ends));
    int64_t step = ev->opt.default_step_ms;
    if (e->subquery.step) TRY(duration_ms(ev, e->subquery.step, true, &step));
    int64_t from = ret->ends[0] - ret->length, to = ret->ends[g.n - 1];
    struct grid inner = {.start = (floor_div(from, step) + 1) * step, .step = step};
    ret->series = NULL;
    ret->n = 0;
    if (inner.start > to) return ST_OK;
    uint64_t n = (uint64_t)((to - inner.start) / step) + 1;
    if (n > ev->opt.max_samples) return eval_samples(ev, n);
    inner.n = (uint32_t)n;
    struct value v;
    TRY(eval_expr(ev, e->subquery.expr, inner, &v));
    ret->series = arena_array(ev->arena, struct raw_series, v.n_rows + 1);
    ret->n = v.n_rows;
    for (uint32_t i = 0; i < v.n_rows; i++) {
        const struct row *r = &v.rows[i];
        struct sample *out = arena_array(ev->arena, struct sample, n);
        struct histogram_sample *h =
            r->h ? arena_array(ev->arena, struct histogram_sample, n) : NULL;
        uint32_t kept = 0, kept_h = 0;
        for (uint32_t k = 0; k < inner.n; k++) {
            if (r->has[k] == POINT_FLOAT) out[kept++] = (struct sample){grid_at(inner, k), r->v[k]};
            if (r->has[k] == POINT_HISTOGRAM)
                h[kept_h++] =
                    (struct histogram_sample){grid_at(inner, k), unhinted(ev, r->h[k]), 0};
        }
        struct labels l = r->drop_name ? without_name(ev, r->labels) : r->labels;
        ret->series[i] = (struct raw_series){l, out, kept, h, kept_h, NULL, NULL, 0};
    }
    return eval_samples(ev, n * v.n_rows);
}

status eval_ranges(struct evaluator *ev, struct promql_expr *e, struct grid g, bool rolled,
                   struct ranges *ret)
{
    e = promql_bare(e);
    ret->horizon = (struct horizon){};
    return e->kind == PROMQL_SUBQUERY ? subquery(ev, e, g, ret)
                                      : range_selector(ev, e, g, rolled, ret);
}

static status select_memory(struct series_source *src, struct arena *a,
                            const struct label_matcher *m, uint32_t n, int64_t from, int64_t to,
                            struct notes *, struct series_set *ret, struct err *)
{
    const struct memory_source *mem = (const struct memory_source *)src;
    *ret = (struct series_set){.list = arena_array(a, struct raw_series, mem->n + 1)};
    for (uint32_t i = 0; i < mem->n; i++) {
        const struct raw_series *s = &mem->list[i];
        uint32_t k = 0, lo = 0, hi = s->n;
        while (k < n && matcher_accepts(&m[k], labels_get(s->labels, m[k].name))) k++;
        if (k < n) continue;
        while (lo < hi && s->samples[lo].t < from) lo++;
        while (hi > lo && s->samples[hi - 1].t > to) hi--;
        uint32_t low = 0, high = s->n_histograms;
        while (low < high && s->histograms[low].t < from) low++;
        while (high > low && s->histograms[high - 1].t > to) high--;
        if (lo < hi || low < high)
            ret->list[ret->n++] = (struct raw_series){s->labels,  s->samples + lo,
                                                      hi - lo,    s->histograms + low,
                                                      high - low, s->starts ? s->starts + lo : NULL,
                                                      NULL,       0};
    }
    return ST_OK;
}

void memory_source_init(struct memory_source *m, const struct raw_series *list, uint32_t n)
{
    *m = (struct memory_source){.source = {.select = select_memory}, .list = list, .n = n};
}
