/* Samples from the source: instant selectors, range selectors, subqueries; @ and offset; duration
 * expressions. */
#include "query/eval/promql_eval.h"

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

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
    if (!s->n_histograms) return;
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

static uint64_t count_samples(const struct series_set *set)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < set->n; i++)
        n += set->list[i].n + set->list[i].n_histograms + set->list[i].n_rolled;
    return n;
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
    return eval_samples(ev, count_samples(ret));
}

/* What is done with each set of a selection. */
struct each {
    struct evaluator *ev;
    status (*set)(void *ctx, struct series_set *set);
    void *ctx;
    bool in_order;
    int64_t tail_ms;
    enum series_needs needs;
    int64_t whole_ms;
};

static status take_set(void *ctx, struct arena *room, struct series_set *set, struct err *)
{
    struct each *x = ctx;
    uint64_t n = count_samples(set);
    TRY(eval_samples(x->ev, n));
    struct arena *before = x->ev->room;
    x->ev->room = room;
    status st = x->set(x->ctx, set);
    x->ev->room = before;
    if (room != x->ev->arena) x->ev->samples -= n; /* they go now */
    return st;
}

/* As fetch, set by set where the source can do that. *horizon is set before the first. */
static status fetch_each(struct each *x, struct promql_expr *e, int64_t from, int64_t to,
                         struct horizon *horizon)
{
    struct evaluator *ev = x->ev;
    struct series_source *src = ev->source;
    bool again = !x->tail_ms && eval_reads_again(ev, e);
    const struct series_sink sink = {.take = take_set,
                                     .ctx = x,
                                     .in_order = x->in_order,
                                     .tail_ms = again ? to - from + 1 : x->tail_ms,
                                     .needs = again && !x->whole_ms ? NEEDS_ALL : x->needs,
                                     .whole_ms = x->whole_ms};
    if (src->scan && !e->selector.reach && !ev->stats)
        return src->scan(src, ev->arena, e->selector.matchers, e->selector.n_matchers, from, to,
                         ev->warnings, horizon, &sink, ev->err);
    struct series_set set;
    TRY(fetch(ev, e, from, to, &set, horizon));
    return x->set(x->ctx, &set);
}

/* Steps [first, first + n) whose samples come in one scan, of [from, to]. */
struct slice {
    uint32_t first, n;
    int64_t from, to, tail_ms;
};

/* The slice from step `first` on: up to the next multiple of `every`, counted from the full hour
 * that the first slice begins in, so that the one after can go on from there, when it looks back
 * that far. */
static struct slice slice_from(const int64_t *at, uint32_t first, uint32_t steps, int64_t back,
                               int64_t every)
{
    struct slice s = {first, steps - first, at[first] - back + 1, at[steps - 1], 0};
    if (!every) return s;
    int64_t hour = floor_div(at[0] - back + 1, ROLLED_COARSE) * ROLLED_COARSE;
    int64_t until = hour + (floor_div(at[first] - hour, every) + 1) * every - 1;
    uint32_t end = first + 1;
    while (end < steps && at[end] <= until) end++;
    s.n = end - first;
    s.to = at[end - 1];
    if (end == steps || at[end] - back > until) return s;
    s.to = until;
    s.tail_ms = back;
    return s;
}

/* `run` for some steps after the other. */
static status each_slice(struct evaluator *ev, const struct promql_expr *sel, const int64_t *at,
                         uint32_t steps, int64_t back, enum series_needs needs, int64_t whole_ms,
                         status (*run)(void *ctx, const struct slice *s), void *ctx)
{
    struct series_source *src = ev->source;
    int64_t every = 0;
    if (src->slice && steps > 1 && sel->selector.shift.at == AT_NONE && !sel->selector.reach &&
        !ev->stats)
        TRY(src->slice(src, ev->arena, sel->selector.matchers, sel->selector.n_matchers,
                       at[0] - back + 1, at[steps - 1], back, needs, whole_ms, &every, ev->err));
    uint64_t *per_step = ev->per_step, *reads = ev->reads;
    status st = ST_OK;
    for (uint32_t i = 0; i < steps && st == ST_OK;) {
        struct slice s = slice_from(at, i, steps, back, every);
        if (per_step) ev->per_step = per_step + i;
        if (reads) ev->reads = reads + i;
        st = run(ctx, &s);
        i += s.n;
    }
    ev->per_step = per_step;
    ev->reads = reads;
    return st;
}

static struct grid slice_grid(struct grid g, const struct slice *s)
{
    return (struct grid){grid_at(g, s->first), g.step, s->n};
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

struct selecting {
    struct evaluator *ev;
    struct promql_expr *e;
    struct grid g;
    enum select_what what;
    const int64_t *at;
    struct horizon horizon;
    struct rows rows;
    const struct row_sink *sink; /* NULL: all rows are kept */
};

static void put_selected(const struct selecting *x, struct row *r, uint32_t i, int64_t t,
                         int64_t start, struct cell c)
{
    eval_count(x->ev, i, 1, 1);
    if (x->what == SELECT_TIMES)
        row_put(r, i, (double)t / 1000);
    else if (x->what == SELECT_STARTS)
        row_put(r, i, (double)start / 1000);
    else
        row_put_cell(x->ev, r, i, x->g.n, c);
}

static void select_series(struct selecting *x, const struct raw_series *s)
{
    int64_t lookback = x->ev->opt.lookback_ms;
    struct row *r = NULL;
    uint32_t next = 0, next_h = 0; /* the first sample after the moment */
    for (uint32_t i = 0; i < x->g.n; i++) {
        int64_t at = x->at[i], start = 0;
        while (next < s->n && s->samples[next].t <= at) next++;
        while (next_h < s->n_histograms && s->histograms[next_h].t <= at) next_h++;
        struct sample last = next ? s->samples[next - 1] : (struct sample){INT64_MIN, 0};
        struct cell c = {last.v, NULL};
        if (next + next_h == 0) {
            if (!eval_rolled_last(s, &x->horizon, at, lookback, &last.t, &c)) continue;
        } else {
            if (next && s->starts) start = s->starts[next - 1];
            if (next_h && s->histograms[next_h - 1].t > last.t) {
                const struct histogram_sample *h = &s->histograms[next_h - 1];
                start = h->start;
                c = (struct cell){h->h->sum, h->h};
                last.t = h->t;
            }
            if (last.t <= at - lookback || is_stale(c.v)) continue;
        }
        if (!r) {
            r = rows_add(x->ev, &x->rows, s->labels, x->g.n);
            r->rank = s->rank;
        }
        put_selected(x, r, i, last.t, start, c);
    }
}

static status select_set(void *ctx, struct series_set *set)
{
    struct selecting *x = ctx;
    if (x->horizon.any) eval_note_rounded(x->ev, x->e, &x->horizon, x->at, x->g.n, 0);
    for (uint32_t k = 0; k < set->n; k++) {
        if (x->e->selector.reach == REACH_SMOOTHED && x->what == SELECT_VALUES)
            smoothed_row(x->ev, x->e, &set->list[k], x->at, x->g, &x->rows);
        else
            select_series(x, &set->list[k]);
        TRY(eval_check(x->ev));
    }
    return ST_OK;
}

static status hand_over_set(void *ctx, struct series_set *set)
{
    struct selecting *x = ctx;
    struct arena *arena = x->ev->arena;
    x->ev->arena = x->ev->room; /* rows go with the samples */
    x->rows = (struct rows){};
    status s = select_set(x, set);
    if (s == ST_OK) s = rows_hand_over(x->ev, x->rows, x->g, x->sink);
    x->ev->arena = arena;
    return s;
}

static status select_slice(void *ctx, const struct slice *s)
{
    const struct selecting *all = ctx;
    struct selecting x = *all;
    x.g = slice_grid(all->g, s);
    x.at = all->at + s->first;
    struct each each = {x.ev, hand_over_set, &x, true, s->tail_ms, NEEDS_ALL, 0};
    return fetch_each(&each, x.e, s->from, s->to, &x.horizon);
}

status eval_selector(struct evaluator *ev, struct promql_expr *e, struct grid g,
                     enum select_what what, struct value *ret)
{
    int64_t *at;
    TRY(moments(ev, &e->selector.shift, g, &at));
    struct selecting x = {.ev = ev, .e = e, .g = g, .what = what, .at = at};
    struct each each = {ev, select_set, &x, false, 0, NEEDS_ALL, 0};
    TRY(fetch_each(&each, e, at[0] - ev->opt.lookback_ms + 1, at[g.n - 1],
                   what == SELECT_STARTS ? NULL : &x.horizon));
    *ret = rows_ranked(x.rows, g);
    return ST_OK;
}

status eval_selector_each(struct evaluator *ev, struct promql_expr *e, struct grid g,
                          const struct row_sink *sink)
{
    int64_t *at;
    TRY(moments(ev, &e->selector.shift, g, &at));
    struct selecting x = {.ev = ev, .e = e, .g = g, .what = SELECT_VALUES, .at = at, .sink = sink};
    return each_slice(ev, e, at, g.n, ev->opt.lookback_ms, NEEDS_ALL, 0, select_slice, &x);
}

/* Stale markers end a series for a selector, and are nothing to a range. */
static void drop_stale(struct evaluator *ev, struct raw_series *s)
{
    uint32_t stale = 0, kept = 0;
    if (s->n_histograms) {
        struct histogram_sample *h =
            arena_array(ev->room, struct histogram_sample, s->n_histograms);
        for (uint32_t i = 0; i < s->n_histograms; i++)
            if (!is_stale(s->histograms[i].h->sum)) h[kept++] = s->histograms[i];
        s->histograms = h;
        s->n_histograms = kept;
    }
    for (uint32_t i = 0; i < s->n; i++) stale += is_stale(s->samples[i].v);
    if (!stale) return;
    struct sample *out = arena_array(ev->room, struct sample, s->n - stale + 1);
    int64_t *starts = s->starts ? arena_array(ev->room, int64_t, s->n - stale + 1) : NULL;
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

/* A range selector whose series are being taken. */
struct ranging {
    struct evaluator *ev;
    const struct promql_expr *e;
    struct grid g;
    struct ranges *r;
    bool rolled;
    const struct ranges_sink *sink; /* NULL: all of it is kept, in *r */
    enum series_needs needs;
    int64_t whole_ms; /* as of struct series_sink */
};

static status range_set(void *ctx, struct series_set *set)
{
    struct ranging *x = ctx;
    struct ranges *r = x->r;
    if (r->horizon.any) eval_note_rounded(x->ev, x->e, &r->horizon, r->ends, x->g.n, r->length);
    for (uint32_t i = 0; i < set->n; i++) drop_stale(x->ev, &set->list[i]);
    r->series = set->list;
    r->n = set->n;
    return x->sink ? x->sink->take(x->sink->ctx, r) : ST_OK;
}

static status range_slice(void *ctx, const struct slice *s)
{
    const struct ranging *all = ctx;
    struct ranges r = *all->r;
    struct ranging x = *all;
    r.first = s->first;
    r.ends += s->first;
    x.g = r.g = slice_grid(all->g, s);
    x.r = &r;
    bool one = x.g.n == 1 || x.whole_ms;
    return fetch_each(&(struct each){x.ev, range_set, &x, x.sink->in_order, s->tail_ms,
                                     one && !s->tail_ms ? x.needs : NEEDS_ALL, x.whole_ms},
                      x.e->range.selector, s->from, s->to, x.rolled ? &r.horizon : NULL);
}

/* At whose multiples do all the ranges begin and end? 0: at none that windows have. */
static int64_t whole_windows(const struct ranges *r)
{
    int64_t width = r->length % ROLLED_COARSE ? ROLLED_FINE : ROLLED_COARSE;
    if (r->length % ROLLED_FINE) return 0;
    for (uint32_t i = 0; i < r->g.n; i++) {
        if (r->ends[i] % ROLLED_FINE) return 0;
        if (r->ends[i] % width) width = ROLLED_FINE;
    }
    return width;
}

static status range_selector(struct ranging *x)
{
    struct evaluator *ev = x->ev;
    struct ranges *r = x->r;
    struct promql_expr *sel = x->e->range.selector;
    TRY(duration_ms(ev, x->e->range.length, true, &r->length));
    TRY(moments(ev, &sel->selector.shift, x->g, &r->ends));
    r->g = x->g;
    x->needs = x->sink ? x->sink->needs : NEEDS_ALL;
    if (x->g.n > 1 && (x->needs == NEEDS_CHANGE || x->needs == NEEDS_SUM))
        x->whole_ms = whole_windows(r);
    struct slice all = {0, x->g.n, r->ends[0] - r->length + 1, r->ends[x->g.n - 1], 0};
    if (x->sink && x->sink->in_order)
        return each_slice(ev, sel, r->ends, x->g.n, r->length, x->needs, x->whole_ms, range_slice,
                          x);
    if (x->sink) return range_slice(x, &all);
    struct series_set set;
    TRY(fetch(ev, sel, all.from, all.to, &set, x->rolled ? &r->horizon : NULL));
    return range_set(x, &set);
}

/* Samples of a subquery do not follow each other as the stored ones do: what the hints say does not
 * hold. */
static const struct histogram *unhinted(struct evaluator *ev, const struct histogram *h)
{
    return h->hint == HINT_GAUGE ? h : histogram_with_hint(ev->arena, h, HINT_UNKNOWN);
}

/* What the inner steps read is counted to the first step that looks at them; what none looks at is
 * not. */
static void add_reads(uint64_t *to, struct grid g, const uint64_t *from, struct grid inner,
                      const struct ranges *r)
{
    int64_t offset = g.start - r->ends[0];
    for (uint32_t k = 0; k < inner.n; k++) {
        int64_t t = grid_at(inner, k) + offset, step = 0;
        if (g.n > 1 && t > g.start) step = (t - g.start + g.step - 1) / g.step;
        if (step >= g.n) step = g.n - 1;
        if (g.n > 1 && t <= grid_at(g, (uint32_t)step) - r->length) continue;
        to[step] += from[k];
    }
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
    uint64_t before = ev->queryable, *per_step = ev->per_step, *reads = ev->reads;
    bool was_inner = ev->inner;
    ev->inner = true;
    ev->per_step = NULL;
    if (reads) {
        ev->reads = arena_array(ev->arena, uint64_t, n);
        memset(ev->reads, 0, n * sizeof *reads);
    }
    status s = eval_expr(ev, e->subquery.expr, inner, &v);
    if (reads) add_reads(reads, g, ev->reads, inner, ret);
    ev->inner = was_inner;
    ret->queryable = ev->queryable - before; /* counted are the samples it makes */
    ret->derived = true;
    ev->queryable = before;
    ev->per_step = per_step;
    ev->reads = reads;
    TRY(s);
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
        ret->series[i] = (struct raw_series){l, out, kept, h, kept_h, NULL, NULL, 0, 0};
    }
    return eval_samples(ev, n * v.n_rows);
}

status eval_ranges(struct evaluator *ev, struct promql_expr *e, struct grid g, bool rolled,
                   struct ranges *ret)
{
    e = promql_bare(e);
    *ret = (struct ranges){};
    if (e->kind == PROMQL_SUBQUERY) return subquery(ev, e, g, ret);
    return range_selector(&(struct ranging){.ev = ev, .e = e, .g = g, .r = ret, .rolled = rolled});
}

status eval_ranges_each(struct evaluator *ev, struct promql_expr *e, struct grid g, bool rolled,
                        const struct ranges_sink *sink)
{
    struct ranges r = {};
    e = promql_bare(e);
    if (e->kind == PROMQL_SUBQUERY) {
        TRY(subquery(ev, e, g, &r));
        r.g = g;
        return sink->take(sink->ctx, &r);
    }
    return range_selector(
        &(struct ranging){.ev = ev, .e = e, .g = g, .r = &r, .rolled = rolled, .sink = sink});
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
                                                      NULL,       0,
                                                      s->rank};
    }
    return ST_OK;
}

void memory_source_init(struct memory_source *m, const struct raw_series *list, uint32_t n)
{
    *m = (struct memory_source){.source = {.select = select_memory}, .list = list, .n = n};
}
