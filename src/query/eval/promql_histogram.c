/* Quantiles and fractions: of classic histograms, series with an le label put together again, and
 * of native ones. */
#include <stdlib.h>
#include <time.h>

#include "base/map.h"
#include "base/num.h"
#include "base/utf8.h"
#include "query/eval/promql_eval.h"

struct bucket {
    double le, count;
};

/* Counts that fall by less than this, relatively, are rounding. */
static const double tolerance = 1e-12;

static int by_bound(const void *a, const void *b)
{
    return promql_compare_f64(&((const struct bucket *)a)->le, &((const struct bucket *)b)->le);
}

static bool almost_equal(double a, double b)
{
    if (a == b) return true;
    double sum = fabs(a) + fabs(b);
    if (a == 0 || b == 0 || sum < 2.2250738585072014e-308)
        return fabs(a - b) < tolerance * 2.2250738585072014e-308;
    return fabs(a - b) / (sum < 1.7976931348623157e308 ? sum : 1.7976931348623157e308) < tolerance;
}

/* Buckets of one bound become one. Returns how many are left. */
static uint32_t coalesce(struct bucket *b, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 1; i < n; i++) {
        if (b[i].le == b[kept].le)
            b[kept].count += b[i].count;
        else
            b[++kept] = b[i];
    }
    return kept + 1;
}

/* Counts that fall are lifted. */
static void lift(struct bucket *b, uint32_t n, struct forced *forced)
{
    for (uint32_t i = 1; i < n; i++) {
        if (almost_equal(b[i - 1].count, b[i].count)) {
            b[i].count = b[i - 1].count;
        } else if (b[i].count < b[i - 1].count) {
            double by = b[i - 1].count - b[i].count;
            b[i].count = b[i - 1].count;
            if (!forced->samples || b[i].le < forced->lowest) forced->lowest = b[i].le;
            if (!forced->samples || b[i].le > forced->highest) forced->highest = b[i].le;
            if (!forced->samples || by > forced->by) forced->by = by;
            forced->samples = 1;
        }
    }
}

static double bucket_quantile(double q, struct bucket *b, uint32_t n, struct forced *forced)
{
    if (isnan(q)) return NAN;
    if (q < 0) return -INFINITY;
    if (q > 1) return INFINITY;
    qsort(b, n, sizeof *b, by_bound);
    if (b[n - 1].le != INFINITY) return NAN;
    n = coalesce(b, n);
    lift(b, n, forced);
    if (n < 2) return NAN;
    double all = b[n - 1].count;
    if (all == 0) return NAN;
    double rank = q * all;
    uint32_t at = 0;
    while (at < n - 1 && !(b[at].count >= rank)) at++;
    if (at == n - 1) return b[n - 2].le;
    if (at == 0 && b[0].le <= 0) return b[0].le;
    double start = 0, end = b[at].le, count = b[at].count;
    if (at > 0) {
        start = b[at - 1].le;
        count -= b[at - 1].count;
        rank -= b[at - 1].count;
    }
    return start + (end - start) * (rank / count);
}

/* How many observations are at or below `v`, linear within a bucket. */
static double rank_of(double v, const struct bucket *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        double low = i ? b[i - 1].le : b[0].le > 0 ? 0 : -INFINITY, below = i ? b[i - 1].count : 0;
        if (v <= low) return below;
        if (v > b[i].le) continue;
        if (v == b[i].le) return b[i].count;
        if (isinf(low)) return b[i].count; /* where in it they lie is not known */
        if (isinf(b[i].le)) return below;
        return below + (b[i].count - below) * (v - low) / (b[i].le - low);
    }
    return b[n - 1].count;
}

static double bucket_fraction(double lower, double upper, struct bucket *b, uint32_t n)
{
    qsort(b, n, sizeof *b, by_bound);
    if (b[n - 1].le != INFINITY) return NAN;
    n = coalesce(b, n); /* as they are: nobody lifts them here */
    double all = b[n - 1].count;
    if (all == 0 || isnan(all) || isnan(lower) || isnan(upper)) return NAN;
    if (lower >= upper) return 0;
    double high = rank_of(upper, b, n), low = rank_of(lower, b, n);
    return ((high > all ? all : high) - (low > all ? all : low)) / all;
}

/* The series of each histogram: `of` chains rows of the same labels without le. */
struct chain {
    struct rows heads;
    uint32_t *first, *next;
    double *le;
};

/* As far as it is still known: without delayed names it is gone by then. */
static str metric_suffix(struct evaluator *ev, struct labels l)
{
    str name = labels_get(l, LABEL_NAME);
    struct buf b;
    if (!ev->opt.delayed_names || !name.len) return S("");
    buf_init(&b, 4096);
    buf_add(&b, S(" for metric name "));
    quote_go(&b, name);
    str text = arena_str(ev->arena, buf_str(&b));
    buf_done(&b);
    return text;
}

static void note_bad_le(struct evaluator *ev, const struct promql_expr *e, const struct row *r)
{
    str suffix = metric_suffix(ev, r->labels), le = labels_get(r->labels, S("le"));
    eval_warn(ev, e,
              "bucket label \"le\" is missing or has a malformed value of \"" STR_FMT "\"" STR_FMT,
              STR_ARG(le), STR_ARG(suffix));
}

static void gather(struct evaluator *ev, const struct promql_expr *arg, const struct value *in,
                   struct chain *c)
{
    static const str without[] = {{"le", 2}};
    struct map index;
    map_init(&index, ev->arena, in->n_rows);
    *c = (struct chain){.first = arena_array(ev->arena, uint32_t, in->n_rows + 1),
                        .next = arena_array(ev->arena, uint32_t, in->n_rows + 1),
                        .le = arena_array(ev->arena, double, in->n_rows + 1)};
    for (uint32_t i = in->n_rows; i-- > 0;) {
        const struct row *r = &in->rows[i];
        if (!memchr(r->has, POINT_FLOAT, in->grid.n)) continue;
        if (!num_parse_f64(labels_get(r->labels, S("le")), &c->le[i])) {
            note_bad_le(ev, arg, r);
            continue;
        }
        struct labels l = labels_drop(ev->arena, r->labels, without, 1);
        uint32_t before = c->heads.n;
        struct row *head = rows_with(ev, &c->heads, &index, l, in->grid.n);
        uint32_t h = (uint32_t)(head - c->heads.list);
        c->next[i] = c->heads.n > before ? UINT32_MAX : c->first[h];
        c->first[h] = i;
    }
}

static uint32_t buckets_at(const struct chain *c, const struct value *in, uint32_t head,
                           uint32_t step, struct bucket *out)
{
    uint32_t n = 0;
    for (uint32_t i = c->first[head]; i != UINT32_MAX; i = c->next[i])
        if (in->rows[i].has[step] == POINT_FLOAT)
            out[n++] = (struct bucket){c->le[i], in->rows[i].v[step]};
    return n;
}

static bool row_has_labels(const void *ctx, uint32_t at)
{
    const void *const *c = ctx;
    const struct row *list = c[0];
    return labels_equal(list[at].labels, *(const struct labels *)c[1]);
}

/* The rows of native histograms. */
static status for_natives(struct evaluator *ev, struct promql_expr *arg, const struct value *in,
                          const double *a, const double *b, const struct chain *classic,
                          struct rows *rows)
{
    uint32_t heads = classic->heads.n;
    struct map index;
    map_init(&index, ev->arena, heads + 1);
    for (uint32_t h = 0; h < heads; h++)
        map_add(&index, labels_hash(classic->heads.list[h].labels), h);
    for (uint32_t r = 0; r < in->n_rows; r++) {
        const struct row *row = &in->rows[r];
        if (!row->h) continue;
        const void *ctx[] = {classic->heads.list, &row->labels};
        uint32_t at;
        bool has_classic = map_find(&index, labels_hash(row->labels), row_has_labels, ctx, &at);
        str name = labels_get(row->labels, LABEL_NAME);
        struct row *out = NULL;
        for (uint32_t i = 0; i < in->grid.n; i++) {
            if (row->has[i] != POINT_HISTOGRAM) continue;
            if (has_classic && classic->heads.list[at].has[i]) {
                classic->heads.list[at].has[i] = POINT_NONE;
                eval_warn(ev, arg, "vector contains a mix of classic and native histograms" STR_FMT,
                          STR_ARG(metric_suffix(ev, row->labels)));
                continue;
            }
            double v = b ? native_fraction(ev, arg, a[i], b[i], row->h[i], name)
                         : native_quantile(ev, arg, a[i], row->h[i], name);
            if (!out) out = rows_add(ev, rows, row->labels, in->grid.n);
            row_put(out, i, v);
        }
        if (out) out->drop_name = row->drop_name;
        if (out) row_drop_name(ev, out);
        TRY(eval_check(ev));
    }
    return ST_OK;
}

static void add_forced(struct evaluator *ev, const struct forced *f)
{
    struct forced *to = ev->forced;
    ev->noted++;
    while (to && !str_eq(to->suffix, f->suffix)) to = to->next;
    if (!to) {
        to = arena_new(ev->arena, struct forced);
        *to = *f;
        to->next = ev->forced;
        ev->forced = to;
        return;
    }
    if (f->from < to->from) to->from = f->from;
    if (f->to > to->to) to->to = f->to;
    if (f->lowest < to->lowest) to->lowest = f->lowest;
    if (f->highest > to->highest) to->highest = f->highest;
    if (f->by > to->by) to->by = f->by;
    to->samples += f->samples;
}

static void print_time(char text[32], int64_t ms)
{
    time_t s = ms / 1000;
    struct tm tm;
    gmtime_r(&s, &tm);
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void eval_note_forced(struct evaluator *ev)
{
    for (const struct forced *f = ev->forced; f; f = f->next) {
        char low[NUM_MAX], high[NUM_MAX], from[32], to[32];
        int n_low = (int)num_format_go(f->lowest, low),
            n_high = (int)num_format_go(f->highest, high);
        print_time(from, f->from);
        print_time(to, f->to);
        eval_info(ev, f->at,
                  "input to histogram_quantile needed to be fixed for monotonicity (see "
                  "https://prometheus.io/docs/prometheus/latest/querying/functions/"
                  "#histogram_quantile)" STR_FMT
                  ", from buckets %.*s to %.*s, with a max diff of %.2g, over %llu samples from %s "
                  "to %s",
                  STR_ARG(f->suffix), n_low, low, n_high, high, f->by,
                  (unsigned long long)f->samples, from, to);
        ev->infos->of_range = true;
    }
}

static status for_each(struct evaluator *ev, struct promql_expr *arg, const struct value *in,
                       const double *a, const double *b, struct value *ret)
{
    struct chain c;
    gather(ev, arg, in, &c);
    struct bucket *buckets = arena_array(ev->arena, struct bucket, in->n_rows + 1);
    for (uint32_t h = 0; h < c.heads.n; h++) {
        struct row *head = &c.heads.list[h];
        for (uint32_t i = 0; i < in->grid.n; i++) {
            uint32_t n = buckets_at(&c, in, h, i, buckets);
            if (!n) continue;
            struct forced forced = {.from = grid_at(in->grid, i), .to = grid_at(in->grid, i)};
            row_put(head, i,
                    b ? bucket_fraction(a[i], b[i], buckets, n)
                      : bucket_quantile(a[i], buckets, n, &forced));
            if (!forced.samples) continue;
            forced.at = arg;
            forced.suffix = metric_suffix(ev, head->labels);
            add_forced(ev, &forced);
        }
        TRY(eval_check(ev));
    }
    struct rows rows = {};
    TRY(for_natives(ev, arg, in, a, b, &c, &rows));
    for (uint32_t h = 0; h < c.heads.n; h++) {
        row_drop_name(ev, &c.heads.list[h]);
        *rows_add(ev, &rows, c.heads.list[h].labels, 1) = c.heads.list[h];
    }
    *ret = rows_value(rows, in->grid);
    return ev->opt.delayed_names ? ST_OK : rows_unite(ev, ret);
}

static status check_quantiles(struct evaluator *ev, const struct promql_expr *at,
                              const struct value *q, struct grid g)
{
    for (uint32_t i = 0; i < g.n; i++)
        if (!(q->scalar[i] >= 0 && q->scalar[i] <= 1)) eval_warn_quantile(ev, at, q->scalar[i]);
    return eval_check(ev);
}

status eval_histogram_quantile(struct evaluator *ev, struct promql_expr *e, struct grid g,
                               struct value *ret)
{
    struct value q, in;
    TRY(eval_expr(ev, e->call.args[0], g, &q));
    TRY(eval_expr(ev, e->call.args[1], g, &in));
    TRY(check_quantiles(ev, e->call.args[0], &q, g));
    return for_each(ev, e->call.args[1], &in, q.scalar, NULL, ret);
}

/* As OpenMetrics writes a number: "1.0". */
static str open_metrics_text(struct arena *a, double v)
{
    char text[NUM_MAX + 2];
    size_t n = num_format_prometheus(v, text);
    if (isfinite(v) && !memchr(text, '.', n) && !memchr(text, 'e', n)) {
        memcpy(text + n, ".0", 2);
        n += 2;
    }
    return arena_str(a, (str){text, n});
}

/* Each quantile is a row of its own, named by a label. */
status eval_histogram_quantiles(struct evaluator *ev, struct promql_expr *e, struct grid g,
                                struct value *ret)
{
    struct value in;
    TRY(eval_expr(ev, e->call.args[0], g, &in));
    str label = promql_bare(e->call.args[1])->text;
    if (!label.len || !utf8_valid(label))
        return err_set(ev->err, ST_EXECUTION, ERR_NOPOS, "invalid label name \"" STR_FMT "\"",
                       STR_ARG(label));
    struct rows rows = {};
    for (uint32_t k = 2; k < e->call.n_args; k++) {
        struct value q, one;
        TRY(eval_expr(ev, e->call.args[k], g, &q));
        TRY(check_quantiles(ev, e->call.args[k], &q, g));
        TRY(for_each(ev, e->call.args[0], &in, q.scalar, NULL, &one));
        for (uint32_t r = 0; r < one.n_rows; r++) {
            struct row *from = &one.rows[r];
            for (uint32_t i = 0; i < g.n; i++) { /* the quantile may change from step to step */
                if (!from->has[i]) continue;
                str value = open_metrics_text(ev->arena, q.scalar[i]);
                struct labels l = labels_set(ev->arena, from->labels, label, value);
                struct row *to = NULL;
                for (uint32_t x = 0; x < rows.n && !to; x++)
                    if (labels_equal(rows.list[x].labels, l)) to = &rows.list[x];
                if (!to) {
                    to = rows_add(ev, &rows, l, g.n);
                    to->drop_name = from->drop_name;
                }
                if (to->has[i])
                    return err_set(ev->err, ST_EXECUTION, ERR_NOPOS,
                                   "vector cannot contain metrics with the same labelset");
                row_put(to, i, from->v[i]);
            }
        }
        TRY(eval_check(ev));
    }
    *ret = rows_value(rows, g);
    return ST_OK;
}

status eval_histogram_fraction(struct evaluator *ev, struct promql_expr *e, struct grid g,
                               struct value *ret)
{
    struct value lower, upper, in;
    TRY(eval_expr(ev, e->call.args[0], g, &lower));
    TRY(eval_expr(ev, e->call.args[1], g, &upper));
    TRY(eval_expr(ev, e->call.args[2], g, &in));
    return for_each(ev, e->call.args[2], &in, lower.scalar, upper.scalar, ret);
}
