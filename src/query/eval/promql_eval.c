/* The evaluator's spine: each kind of expression to the file that does it; literals, parentheses
 * and signs here. */
#include "query/eval/promql_eval.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/num.h"

status eval_check(struct evaluator *ev)
{
    if (arena_over(ev->arena))
        return err_set(ev->err, ST_EXECUTION, ERR_NOPOS,
                       "the query needs more memory than its limit of %zu bytes: narrow it",
                       ev->arena->budget);
    if (ev->samples > ev->opt.max_samples)
        return err_set(
            ev->err, ST_EXECUTION, ERR_NOPOS,
            "query processing would load too many samples into memory in query execution");
    return ev->opt.check ? ev->opt.check(ev->opt.check_ctx, ev->err) : ST_OK;
}

status eval_samples(struct evaluator *ev, uint64_t more)
{
    if (__builtin_add_overflow(ev->samples, more, &ev->samples)) ev->samples = UINT64_MAX;
    if (ev->samples > ev->peak) ev->peak = ev->samples;
    return eval_check(ev);
}

status eval_unsupported(struct evaluator *ev, const struct promql_expr *e, const char *what)
{
    struct buf b;
    buf_init(&b, 64);
    promql_place(&b, ev->query, e->start);
    status s = err_set(ev->err, ST_EXECUTION, e->start, STR_FMT ": %s is not supported yet",
                       STR_ARG(buf_str(&b)), what);
    buf_done(&b);
    return s;
}

/* What is said of two places is said of the last only. */
static void note_once(struct notes *to, str text, size_t n_said)
{
    for (uint32_t i = 0; i < to->n; i++)
        if (to->list[i].len > n_said + 1 && memcmp(to->list[i].ptr, text.ptr, n_said) == 0 &&
            memcmp(to->list[i].ptr + n_said, " (", 2) == 0 &&
            !memchr(to->list[i].ptr + n_said + 2, '(', to->list[i].len - n_said - 2)) {
            to->list[i] = arena_str(to->arena, text);
            return;
        }
    notes_add(to, text);
}

/* Within brackets. Prometheus has a subquery's samples in place of its text: at the beginning. */
static uint32_t note_place(const struct promql_expr *e)
{
    while (e->kind == PROMQL_PAREN) e = e->paren;
    return e->kind == PROMQL_SUBQUERY ? 0 : e->start;
}

static void note(struct evaluator *ev, struct notes *to, const char *head,
                 const struct promql_expr *e, const char *fmt, va_list ap)
{
    char text[512];
    ev->noted++;
    vsnprintf(text, sizeof text, fmt, ap);
    struct buf b;
    buf_init(&b, 1024);
    buf_printf(&b, "PromQL %s: %s (", head, text);
    promql_place(&b, ev->query, note_place(e));
    buf_char(&b, ')');
    note_once(to, buf_str(&b), strlen("PromQL : ") + strlen(head) + strlen(text));
    buf_done(&b);
}

void eval_warn(struct evaluator *ev, const struct promql_expr *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    note(ev, ev->warnings, "warning", e, fmt, ap);
    va_end(ap);
}

void eval_info(struct evaluator *ev, const struct promql_expr *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    note(ev, ev->infos, "info", e, fmt, ap);
    va_end(ap);
}

void eval_warn_quantile(struct evaluator *ev, const struct promql_expr *e, double q)
{
    char text[NUM_MAX];
    eval_warn(ev, e, "quantile value should be between 0 and 1, got %.*s",
              (int)num_format_go(q, text), text);
}

/* What one step gave, on every step of `g`. */
static void broadcast(struct evaluator *ev, struct value *v, struct grid g)
{
    v->grid = g;
    if (v->kind == VALUE_SCALAR) {
        double one = v->scalar[0];
        v->scalar = arena_array(ev->arena, double, g.n);
        for (uint32_t i = 0; i < g.n; i++) v->scalar[i] = one;
    }
    for (uint32_t r = 0; v->kind == VALUE_VECTOR && r < v->n_rows; r++) {
        struct row *row = &v->rows[r];
        double one = row->v[0];
        uint8_t has = row->has[0];
        const struct histogram *h = row->h ? row->h[0] : NULL;
        row->v = arena_array(ev->arena, double, g.n);
        row->has = arena_array(ev->arena, uint8_t, g.n);
        memset(row->has, has, g.n);
        for (uint32_t i = 0; i < g.n; i++) row->v[i] = one;
        if (!h) continue;
        row->h = arena_array(ev->arena, const struct histogram *, g.n);
        for (uint32_t i = 0; i < g.n; i++) row->h[i] = h;
    }
}

static status eval_number(struct evaluator *ev, double v, struct grid g, struct value *ret)
{
    *ret = (struct value){
        .kind = VALUE_SCALAR, .grid = g, .scalar = arena_array(ev->arena, double, g.n)};
    for (uint32_t i = 0; i < g.n; i++) ret->scalar[i] = v;
    return ST_OK;
}

static status eval_unary(struct evaluator *ev, struct promql_expr *e, struct grid g,
                         struct value *ret)
{
    TRY(eval_expr(ev, e->unary.expr, g, ret));
    if (!e->unary.minus) return ST_OK;
    if (ret->kind == VALUE_SCALAR)
        for (uint32_t i = 0; i < g.n; i++) ret->scalar[i] = -ret->scalar[i];
    for (uint32_t r = 0; ret->kind == VALUE_VECTOR && r < ret->n_rows; r++) {
        struct row *row = &ret->rows[r];
        row_drop_name(ev, row);
        for (uint32_t i = 0; i < g.n; i++) {
            row->v[i] = -row->v[i];
            if (row->has[i] == POINT_HISTOGRAM) row->h[i] = histogram_mul(ev->arena, row->h[i], -1);
        }
    }
    return ev->opt.delayed_names || ret->kind != VALUE_VECTOR ? ST_OK : rows_unite(ev, ret);
}

/* Whether what the call works on needs the count and sum of histograms only. */
static bool wants_stats(const struct promql_expr *call, bool before)
{
    static const char *const yes[] = {"histogram_count", "histogram_sum", "histogram_avg"};
    static const char *const no[] = {"histogram_quantile", "histogram_quantiles",
                                     "histogram_stddev", "histogram_stdvar", "histogram_fraction"};
    for (int i = 0; i < 3; i++)
        if (strcmp(call->call.fn->name, yes[i]) == 0) return true;
    for (int i = 0; i < 5; i++)
        if (strcmp(call->call.fn->name, no[i]) == 0) return false;
    return before;
}

static status eval_kind(struct evaluator *ev, struct promql_expr *e, struct grid g,
                        struct value *ret)
{
    switch (e->kind) {
    case PROMQL_NUMBER: return eval_number(ev, e->number.value, g, ret);
    case PROMQL_TEXT:
        *ret = (struct value){.kind = VALUE_STRING, .grid = g, .text = e->text};
        return ST_OK;
    case PROMQL_SELECTOR: return eval_selector(ev, e, g, SELECT_VALUES, ret);
    case PROMQL_CALL: {
        bool before = ev->stats;
        ev->stats = wants_stats(e, before);
        status s = eval_call(ev, e, g, ret);
        ev->stats = before;
        return s;
    }
    case PROMQL_AGGREGATE: return eval_aggregate(ev, e, g, ret);
    case PROMQL_BINARY: return eval_binary(ev, e, g, ret);
    case PROMQL_UNARY: return eval_unary(ev, e, g, ret);
    case PROMQL_PAREN: return eval_expr(ev, e->paren, g, ret);
    case PROMQL_RANGE:
    case PROMQL_SUBQUERY: break; /* only as arguments and at the top */
    }
    return err_set(ev->err, ST_INTERNAL, e->start, "a range vector where none can be");
}

static status eval_steps(struct evaluator *ev, struct promql_expr *e, struct grid g,
                         struct value *ret)
{
    if (!e->invariant || e->kind == PROMQL_NUMBER || e->kind == PROMQL_TEXT)
        return eval_kind(ev, e, g, ret);
    struct grid one = {g.start, g.step, 1};
    uint64_t before = ev->queryable, *per_step = ev->per_step, *reads = ev->reads, read = 0;
    bool was_inner = ev->inner;
    ev->inner = true;
    ev->per_step = NULL;
    ev->reads = reads ? &read : NULL;
    status s = eval_kind(ev, e, one, ret);
    ev->inner = was_inner;
    uint64_t each = ev->queryable - before; /* evaluated once, looked at by every step */
    ev->queryable = before;
    ev->per_step = per_step;
    ev->reads = reads;
    TRY(s);
    for (uint32_t i = 0; i < g.n; i++) eval_count(ev, i, each, i ? 0 : read);
    if (g.n == 1) return ST_OK;
    TRY(eval_samples(ev, (uint64_t)g.n * ret->n_rows));
    broadcast(ev, ret, g);
    return ST_OK;
}

status eval_expr(struct evaluator *ev, struct promql_expr *e, struct grid g, struct value *ret)
{
    TRY(eval_check(ev));
    if (e == ev->given_for) {
        *ret = ev->given;
        return ST_OK;
    }
    struct shared *shared = eval_shared(ev, e);
    if (!shared) return eval_steps(ev, e, g, ret);
    if (eval_take_shared(ev, shared, g, ret)) return eval_check(ev);
    struct counted before = eval_counted(ev);
    TRY(eval_steps(ev, e, g, ret));
    eval_keep_shared(ev, shared, &before, ret);
    return ST_OK;
}

/* x[5m] at the top of an instant query: the samples themselves. */
static status eval_matrix(struct evaluator *ev, struct promql_expr *e, struct grid g,
                          struct value *ret)
{
    if (e->kind == PROMQL_RANGE && e->range.selector->selector.reach)
        return eval_unsupported(ev, e, "an anchored or smoothed range by itself");
    struct ranges r;
    TRY(eval_ranges(ev, e, g, false, &r));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r.n; i++) {
        struct raw_series *s = &r.series[i];
        uint32_t lo = 0, hi = s->n;
        while (lo < hi && s->samples[lo].t <= r.ends[0] - r.length) lo++;
        while (hi > lo && s->samples[hi - 1].t > r.ends[0]) hi--;
        uint32_t low = 0, high = s->n_histograms;
        while (low < high && s->histograms[low].t <= r.ends[0] - r.length) low++;
        while (high > low && s->histograms[high - 1].t > r.ends[0]) high--;
        if (lo == hi && low == high) continue;
        uint32_t n = hi - lo + high - low;
        if (e->kind == PROMQL_RANGE) eval_count(ev, 0, n, n);
        r.series[kept++] = (struct raw_series){
            s->labels, s->samples + lo, hi - lo, s->histograms + low, high - low, NULL, NULL, 0, 0};
    }
    if (e->kind == PROMQL_SUBQUERY) eval_count(ev, 0, r.queryable, 0);
    *ret = (struct value){.kind = VALUE_MATRIX, .grid = g, .matrix = {r.series, kept}};
    return ST_OK;
}

/* Names marked to go are dropped, steps without any value too. */
static status finish(struct evaluator *ev, struct value *v)
{
    if (v->kind != VALUE_VECTOR) return ST_OK;
    uint32_t n = 0;
    for (uint32_t i = 0; i < v->n_rows; i++) {
        struct row r = v->rows[i];
        if (!memchr(r.has, POINT_FLOAT, v->grid.n) && !memchr(r.has, POINT_HISTOGRAM, v->grid.n))
            continue;
        if (r.drop_name) r.labels = without_name(ev, r.labels);
        v->rows[n++] = r;
    }
    v->n_rows = n;
    return rows_unite(ev, v);
}

status promql_eval(struct arena *a, str query, struct promql_expr *e,
                   const struct promql_eval_options *opt, struct series_source *source,
                   struct notes *warnings, struct notes *infos, struct value *ret, struct err *err)
{
    struct evaluator ev = {.arena = a,
                           .room = a,
                           .main = a,
                           .query = query,
                           .opt = *opt,
                           .source = source,
                           .warnings = warnings,
                           .infos = infos,
                           .err = err};
    if (!ev.opt.lookback_ms) ev.opt.lookback_ms = 300000;
    if (!ev.opt.default_step_ms) ev.opt.default_step_ms = 60000;
    if (!ev.opt.max_samples) ev.opt.max_samples = 50000000;
    if (opt->counts && opt->counts_steps) {
        ev.per_step = arena_array(a, uint64_t, 2 * (uint64_t)opt->grid.n);
        memset(ev.per_step, 0, 2 * opt->grid.n * sizeof *ev.per_step);
        ev.reads = ev.per_step + opt->grid.n;
    }
    uint64_t *per_step = ev.per_step, *reads = ev.reads;
    if (!per_step) eval_find_shared(&ev, e); /* steps are counted where they are evaluated */
    struct value v;
    struct promql_expr *bare = promql_bare(e);
    if (bare->kind == PROMQL_RANGE || bare->kind == PROMQL_SUBQUERY)
        TRY(eval_matrix(&ev, bare, opt->grid, &v));
    else
        TRY(eval_expr(&ev, e, opt->grid, &v));
    TRY(finish(&ev, &v));
    int64_t sorting = 0;
    if (opt->is_range && v.kind == VALUE_VECTOR) {
        if (opt->clock) sorting = -opt->clock();
        rows_sort(&v);
        if (opt->clock) sorting += opt->clock();
    }
    eval_note_forced(&ev);
    TRY(eval_check(&ev));
    if (opt->counts)
        *opt->counts = (struct promql_counts){.queryable = ev.queryable,
                                              .peak = ev.peak > ev.samples ? ev.peak : ev.samples,
                                              .per_step = per_step,
                                              .reads = reads,
                                              .sorting = sorting};
    *ret = v;
    return ST_OK;
}
