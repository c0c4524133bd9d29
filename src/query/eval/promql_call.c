/* Functions on vectors and scalars: the MAP ones and those of their own marked CALL, by
 * promql_functions.def. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "query/eval/promql_eval.h"

static double fn_abs(double v) { return fabs(v); }
static double fn_acos(double v) { return acos(v); }
static double fn_acosh(double v) { return acosh(v); }
static double fn_asin(double v) { return asin(v); }
static double fn_asinh(double v) { return asinh(v); }
static double fn_atan(double v) { return atan(v); }
static double fn_atanh(double v) { return atanh(v); }
static double fn_ceil(double v) { return ceil(v); }
static double fn_cos(double v) { return cos(v); }
static double fn_cosh(double v) { return cosh(v); }
static double fn_deg(double v) { return v * 180 / M_PI; }
static double fn_exp(double v) { return exp(v); }
static double fn_floor(double v) { return floor(v); }
static double fn_ln(double v) { return log(v); }
static double fn_log10(double v) { return log10(v); }
static double fn_log2(double v) { return log2(v); }
static double fn_rad(double v) { return v * M_PI / 180; }
static double fn_sgn(double v) { return v < 0 ? -1 : v > 0 ? 1 : v; }
static double fn_sin(double v) { return sin(v); }
static double fn_sinh(double v) { return sinh(v); }
static double fn_sqrt(double v) { return sqrt(v); }
static double fn_tan(double v) { return tan(v); }
static double fn_tanh(double v) { return tanh(v); }

struct call {
    struct evaluator *ev;
    struct promql_expr *e;
    struct grid g;
    struct value *ret;
};

static status argument(const struct call *c, uint32_t i, struct value *ret)
{
    return eval_expr(c->ev, c->e->call.args[i], c->g, ret);
}

/* Names were dropped: rows may have become equal. */
static status renamed(const struct call *c)
{
    return c->ev->opt.delayed_names ? ST_OK : rows_unite(c->ev, c->ret);
}

static status map_rows(const struct call *c, double (*fn)(double))
{
    for (uint32_t r = 0; r < c->ret->n_rows; r++) {
        struct row *row = &c->ret->rows[r];
        row_drop_histograms(row, c->g.n);
        for (uint32_t i = 0; i < c->g.n; i++)
            if (row->has[i]) row->v[i] = fn(row->v[i]);
        row_drop_name(c->ev, row);
    }
    return renamed(c);
}

static status scalar_of(const struct call *c, double (*at)(const struct call *c, uint32_t step))
{
    *c->ret = (struct value){
        .kind = VALUE_SCALAR, .grid = c->g, .scalar = arena_array(c->ev->arena, double, c->g.n)};
    for (uint32_t i = 0; i < c->g.n; i++) c->ret->scalar[i] = at(c, i);
    return ST_OK;
}

static double at_time(const struct call *c, uint32_t i) { return (double)grid_at(c->g, i) / 1000; }
static double at_pi(const struct call *, uint32_t) { return M_PI; }
static double at_start(const struct call *c, uint32_t)
{
    return (double)c->ev->opt.start_ms / 1000;
}
static double at_end(const struct call *c, uint32_t) { return (double)c->ev->opt.end_ms / 1000; }
static double at_step(const struct call *c, uint32_t) { return eval_step_seconds(c->ev); }
static double at_range(const struct call *c, uint32_t)
{
    return (double)(c->ev->opt.end_ms - c->ev->opt.start_ms) / 1000;
}

static status call_time(const struct call *c) { return scalar_of(c, at_time); }
static status call_pi(const struct call *c) { return scalar_of(c, at_pi); }
static status call_start(const struct call *c) { return scalar_of(c, at_start); }
static status call_end(const struct call *c) { return scalar_of(c, at_end); }
static status call_step(const struct call *c) { return scalar_of(c, at_step); }
static status call_range(const struct call *c) { return scalar_of(c, at_range); }

static status pick_of(const struct call *c, bool max)
{
    struct value other;
    TRY(argument(c, 0, c->ret));
    TRY(argument(c, 1, &other));
    for (uint32_t i = 0; i < c->g.n; i++) {
        double a = c->ret->scalar[i], b = other.scalar[i];
        c->ret->scalar[i] = isnan(a) || isnan(b) ? NAN : (max ? a > b : a < b) ? a : b;
    }
    return ST_OK;
}

static status call_min_of(const struct call *c) { return pick_of(c, false); }
static status call_max_of(const struct call *c) { return pick_of(c, true); }

static status call_scalar(const struct call *c)
{
    struct value v;
    TRY(argument(c, 0, &v));
    *c->ret = (struct value){
        .kind = VALUE_SCALAR, .grid = c->g, .scalar = arena_array(c->ev->arena, double, c->g.n)};
    for (uint32_t i = 0; i < c->g.n; i++) {
        uint32_t n = 0;
        for (uint32_t r = 0; r < v.n_rows; r++)
            if (v.rows[r].has[i] == POINT_FLOAT && n++ == 0) c->ret->scalar[i] = v.rows[r].v[i];
        if (n != 1) c->ret->scalar[i] = NAN;
    }
    return ST_OK;
}

static status call_vector(const struct call *c)
{
    struct value v;
    TRY(argument(c, 0, &v));
    struct rows rows = {};
    struct row *row = rows_add(c->ev, &rows, (struct labels){0}, c->g.n);
    for (uint32_t i = 0; i < c->g.n; i++) row_put(row, i, v.scalar[i]);
    *c->ret = rows_value(rows, c->g);
    return ST_OK;
}

static status call_timestamp(const struct call *c)
{
    struct promql_expr *of = promql_bare(c->e->call.args[0]);
    bool selector = of->kind == PROMQL_SELECTOR;
    if (selector)
        TRY(eval_selector(c->ev, of, c->g, SELECT_TIMES, c->ret));
    else
        TRY(argument(c, 0, c->ret));
    for (uint32_t r = 0; r < c->ret->n_rows; r++) {
        struct row *row = &c->ret->rows[r];
        for (uint32_t i = 0; !selector && i < c->g.n; i++)
            if (row->has[i]) row_put(row, i, at_time(c, i));
        row_drop_name(c->ev, row);
    }
    return renamed(c);
}

/* Only what a selector gives has a start time. */
static status call_start_timestamp(const struct call *c)
{
    struct promql_expr *of = promql_bare(c->e->call.args[0]);
    if (of->kind != PROMQL_SELECTOR) {
        TRY(argument(c, 0, c->ret));
        c->ret->n_rows = 0;
        return ST_OK;
    }
    TRY(eval_selector(c->ev, of, c->g, SELECT_STARTS, c->ret));
    for (uint32_t r = 0; r < c->ret->n_rows; r++) row_drop_name(c->ev, &c->ret->rows[r]);
    return renamed(c);
}

/* Go's math.Max and math.Min: an infinity wins over NaN. */
static double go_max(double a, double b)
{
    if (a == INFINITY || b == INFINITY) return INFINITY;
    return isnan(a) || isnan(b) ? NAN : a > b ? a : b;
}

static double go_min(double a, double b)
{
    if (a == -INFINITY || b == -INFINITY) return -INFINITY;
    return isnan(a) || isnan(b) ? NAN : a < b ? a : b;
}

static status clamp(const struct call *c, const double *low, const double *high)
{
    for (uint32_t r = 0; r < c->ret->n_rows; r++) {
        struct row *row = &c->ret->rows[r];
        row_drop_histograms(row, c->g.n);
        for (uint32_t i = 0; i < c->g.n; i++) {
            if (low && high && low[i] > high[i]) row->has[i] = POINT_NONE;
            if (!row->has[i]) continue;
            if (high) row->v[i] = go_min(high[i], row->v[i]);
            if (low) row->v[i] = go_max(low[i], row->v[i]);
        }
        row_drop_name(c->ev, row);
    }
    return renamed(c);
}

static status call_clamp(const struct call *c)
{
    struct value low, high;
    TRY(argument(c, 0, c->ret));
    TRY(argument(c, 1, &low));
    TRY(argument(c, 2, &high));
    return clamp(c, low.scalar, high.scalar);
}

static status call_clamp_min(const struct call *c)
{
    struct value low;
    TRY(argument(c, 0, c->ret));
    TRY(argument(c, 1, &low));
    return clamp(c, low.scalar, NULL);
}

static status call_clamp_max(const struct call *c)
{
    struct value high;
    TRY(argument(c, 0, c->ret));
    TRY(argument(c, 1, &high));
    return clamp(c, NULL, high.scalar);
}

static status call_round(const struct call *c)
{
    struct value to;
    TRY(argument(c, 0, c->ret));
    if (c->e->call.n_args > 1) TRY(argument(c, 1, &to));
    for (uint32_t r = 0; r < c->ret->n_rows; r++) {
        struct row *row = &c->ret->rows[r];
        row_drop_histograms(row, c->g.n);
        for (uint32_t i = 0; i < c->g.n; i++) {
            double inverse = c->e->call.n_args > 1 ? 1 / to.scalar[i] : 1;
            if (row->has[i]) row->v[i] = floor(row->v[i] * inverse + 0.5) / inverse;
        }
        row_drop_name(c->ev, row);
    }
    return renamed(c);
}

static void split(double v, struct tm *tm)
{
    time_t t = isfinite(v) && fabs(v) < 1e15 ? (time_t)v : 0;
    gmtime_r(&t, tm);
}

static double days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month] + (month == 1 && leap);
}

#define DATE(name, expression)        \
    static double fn_##name(double v) \
    {                                 \
        struct tm tm;                 \
        split(v, &tm);                \
        return expression;            \
    }                                 \
    static status call_##name(const struct call *c) { return date(c, fn_##name); }

static status date(const struct call *c, double (*fn)(double))
{
    if (c->e->call.n_args) {
        TRY(argument(c, 0, c->ret));
        return map_rows(c, fn);
    }
    struct rows rows = {};
    struct row *row = rows_add(c->ev, &rows, (struct labels){0}, c->g.n);
    for (uint32_t i = 0; i < c->g.n; i++) row_put(row, i, fn(at_time(c, i)));
    *c->ret = rows_value(rows, c->g);
    return ST_OK;
}

DATE(day_of_month, tm.tm_mday)
DATE(day_of_week, tm.tm_wday)
DATE(day_of_year, tm.tm_yday + 1)
DATE(days_in_month, days_in(tm.tm_year + 1900, tm.tm_mon))
DATE(hour, tm.tm_hour)
DATE(minute, tm.tm_min)
DATE(month, tm.tm_mon + 1)
DATE(year, tm.tm_year + 1900)

/* NaN last in either order; equal values by labels. */
static int ascending(const void *pa, const void *pb)
{
    const struct row *a = pa, *b = pb;
    if (isnan(a->v[0]) || isnan(b->v[0])) {
        int c = (isnan(a->v[0]) != 0) - (isnan(b->v[0]) != 0);
        return c ? c : labels_compare(a->labels, b->labels);
    }
    int c = (a->v[0] > b->v[0]) - (a->v[0] < b->v[0]);
    return c ? c : labels_compare(a->labels, b->labels);
}

static int descending(const void *pa, const void *pb)
{
    const struct row *a = pa, *b = pb;
    if (isnan(a->v[0]) || isnan(b->v[0])) return (isnan(a->v[0]) != 0) - (isnan(b->v[0]) != 0);
    int c = (a->v[0] < b->v[0]) - (a->v[0] > b->v[0]);
    return c ? c : labels_compare(a->labels, b->labels);
}

/* Of what is the same at every step, one is sorted; a subquery has steps too. */
static void note_range(const struct call *c)
{
    const struct promql_eval_options *o = &c->ev->opt;
    bool outer = o->is_range && o->start_ms != o->end_ms && !c->ev->inner;
    if (c->g.n > 1 || outer) /* a range may be evaluated in parts of one step */
        eval_warn(
            c->ev, c->e,
            "sort is ineffective for range queries since results are always ordered by labels");
}

static status sort(const struct call *c, int (*order)(const void *, const void *))
{
    note_range(c);
    TRY(argument(c, 0, c->ret));
    for (uint32_t r = 0; r < c->ret->n_rows; r++) row_drop_histograms(&c->ret->rows[r], c->g.n);
    if (c->g.n == 1 && c->ret->n_rows)
        qsort(c->ret->rows, c->ret->n_rows, sizeof(struct row), order);
    return ST_OK;
}

static status call_sort(const struct call *c) { return sort(c, ascending); }
static status call_sort_desc(const struct call *c) { return sort(c, descending); }

/* Runs of digits compare as numbers: a2 before a10. */
static int natural(str a, str b)
{
    size_t i = 0, k = 0;
    while (i < a.len && k < b.len) {
        bool da = a.ptr[i] >= '0' && a.ptr[i] <= '9', db = b.ptr[k] >= '0' && b.ptr[k] <= '9';
        if (!da || !db) {
            if (a.ptr[i] != b.ptr[k])
                return (unsigned char)a.ptr[i] < (unsigned char)b.ptr[k] ? -1 : 1;
            i++, k++;
            continue;
        }
        while (i < a.len && a.ptr[i] == '0') i++;
        while (k < b.len && b.ptr[k] == '0') k++;
        size_t m = i, n = k;
        while (m < a.len && a.ptr[m] >= '0' && a.ptr[m] <= '9') m++;
        while (n < b.len && b.ptr[n] >= '0' && b.ptr[n] <= '9') n++;
        if (m - i != n - k) return m - i < n - k ? -1 : 1;
        int c = memcmp(a.ptr + i, b.ptr + k, m - i);
        if (c) return c < 0 ? -1 : 1;
        i = m, k = n;
    }
    return (a.len - i > b.len - k) - (a.len - i < b.len - k);
}

struct by_label {
    const struct promql_expr *e;
    int sign;
};

static int compare_by_label(const void *pa, const void *pb, void *ctx)
{
    const struct row *a = pa, *b = pb;
    const struct by_label *o = ctx;
    for (uint32_t i = 1; i < o->e->call.n_args; i++) {
        str name = o->e->call.args[i]->text;
        int c = natural(labels_get(a->labels, name), labels_get(b->labels, name));
        if (c) return c * o->sign;
    }
    return labels_compare(a->labels, b->labels) * o->sign;
}

static status sort_by_label(const struct call *c, int sign)
{
    note_range(c);
    TRY(argument(c, 0, c->ret));
    for (uint32_t i = 1; i < c->e->call.n_args; i++)
        c->e->call.args[i] = promql_bare(c->e->call.args[i]);
    struct by_label o = {c->e, sign};
    if (c->g.n == 1 && c->ret->n_rows)
        qsort_r(c->ret->rows, c->ret->n_rows, sizeof(struct row), compare_by_label, &o);
    return ST_OK;
}

static status call_sort_by_label(const struct call *c) { return sort_by_label(c, 1); }
static status call_sort_by_label_desc(const struct call *c) { return sort_by_label(c, -1); }

#define ELSEWHERE(name, function) \
    static status call_##name(const struct call *c) { return function(c->ev, c->e, c->g, c->ret); }
ELSEWHERE(absent, eval_absent)
ELSEWHERE(absent_over_time, eval_absent)
ELSEWHERE(label_replace, eval_label_replace)
ELSEWHERE(label_join, eval_label_join)
ELSEWHERE(histogram_quantile, eval_histogram_quantile)
ELSEWHERE(histogram_fraction, eval_histogram_fraction)
ELSEWHERE(info, eval_info_call)
ELSEWHERE(histogram_quantiles, eval_histogram_quantiles)
ELSEWHERE(histogram_avg, eval_native_map)
ELSEWHERE(histogram_count, eval_native_map)
ELSEWHERE(histogram_stddev, eval_native_map)
ELSEWHERE(histogram_stdvar, eval_native_map)
ELSEWHERE(histogram_sum, eval_native_map)

static const struct {
    double (*map)(double);
    status (*call)(const struct call *c);
} table[] = {
#define WINDOW(name) {NULL, NULL},
#define MAP(name) {fn_##name, NULL},
#define CALL(name) {NULL, call_##name},
#define F(name, ret, args, variadic, experimental, how) how(name)
#include "query/ir/promql_functions.def"
#undef F
};

bool eval_is_row_call(const struct promql_expr *call)
{
    static status (*const by_row[])(const struct call *) = {call_clamp, call_clamp_min,
                                                            call_clamp_max, call_round};
    int id = call->call.fn->id;
    for (int i = 0; i < 4; i++)
        if (table[id].call == by_row[i]) return true;
    return table[id].map;
}

status eval_call(struct evaluator *ev, struct promql_expr *e, struct grid g, struct value *ret)
{
    const struct promql_function *f = e->call.fn;
    struct call c = {ev, e, g, ret};
    if (table[f->id].call) return table[f->id].call(&c);
    if (!table[f->id].map) return eval_window_call(ev, e, g, ret);
    TRY(argument(&c, 0, ret));
    return map_rows(&c, table[f->id].map);
}
