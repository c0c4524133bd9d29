/* Range aggregations: lines and bytes in each window of a grid. A row adds to the difference array
 * of its series at the first time whose window holds it and takes away behind the last, so a row
 * costs the same for any range; sums of integers are exact. */
#include "query/eval/logql_windows.h"

#include "base/buf.h"
#include "base/hash.h"

/* floor(a / b) for b > 0 */
static int64_t floor_div(__int128 a, int64_t b)
{
    __int128 q = a / b;
    if (a % b < 0) q--;
    return (int64_t)q;
}

struct logql_span logql_window_span(const struct logql_grid *g, nanos range, nanos ts)
{
    __int128 at = (__int128)ts - g->start;
    struct logql_span s = {
        .first = -floor_div(-at, g->step),
        .last = -floor_div(-(at + range), g->step) - 1,
    };
    if (s.first < 0) s.first = 0;
    if (s.last >= (int64_t)g->n) s.last = (int64_t)g->n - 1;
    return s;
}

void logql_windows_init(struct logql_windows *w, const struct logql_eval *e,
                        const struct logql_needs *needs)
{
    *w = (struct logql_windows){
        .arena = e->arena, .grid = e->grid, .needs = *needs, .max_series = e->max_series};
    map_init(&w->by_labels, e->arena, 64);
}

static bool is_needed(const struct logql_windows *w, str name)
{
    for (uint32_t i = 0; i < w->needs.n; i++)
        if (str_eq(w->needs.names[i], name)) return true;
    return false;
}

struct candidate {
    const struct logql_windows *w;
    const struct loki_labels *labels;
};

static bool same(const void *ctx, uint32_t value)
{
    const struct candidate *c = ctx;
    return loki_labels_equal(&c->w->series[value].labels, c->labels);
}

static status pipeline_error(const struct loki_labels *labels, str error, struct err *err)
{
    struct buf b;
    buf_init(&b, 200);
    loki_labels_print(&b, labels);
    status s = err_set(
        err, ST_INVALID, ERR_NOPOS,
        "pipeline error: '%.*s' for series: '%.*s'. Use a label filter to intentionally skip this "
        "error. (e.g | __error__!=\"%.*s\")",
        (int)error.len, error.ptr, (int)b.len, b.ptr, (int)error.len, error.ptr);
    buf_done(&b);
    return s;
}

static status new_series(struct logql_windows *w, uint64_t hash, const struct loki_labels *labels,
                         uint32_t *ret, struct err *err)
{
    if (w->n >= w->max_series)
        return err_set(
            err, ST_INVALID, ERR_NOPOS,
            "maximum number of series (%llu) reached for a single query; consider reducing query "
            "cardinality by adding more specific stream selectors, reducing the time range, or "
            "aggregating results with functions like sum(), count() or topk()",
            (unsigned long long)w->max_series);
    if ((w->n & (w->n - 1)) == 0) {
        struct window_series *v = arena_array(w->arena, struct window_series, w->n ? w->n * 2 : 1);
        if (w->n) memcpy(v, w->series, w->n * sizeof *v);
        w->series = v;
    }
    struct window_series *s = &w->series[w->n];
    size_t n = (size_t)w->grid.n + 1;
    s->labels = loki_labels_copy(w->arena, labels);
    for (uint32_t i = 0; i < labels->n; i++) {
        s->labels.v[i].name = arena_str(w->arena, labels->v[i].name);
        s->labels.v[i].value = arena_str(w->arena, labels->v[i].value);
    }
    s->lines = memset(arena_array(w->arena, int64_t, n), 0, n * sizeof(int64_t));
    s->bytes = memset(arena_array(w->arena, int64_t, n), 0, n * sizeof(int64_t));
    map_add(&w->by_labels, hash, w->n);
    *ret = w->n++;
    if (arena_over(w->arena))
        return err_set(err, ST_EXECUTION, ERR_NOPOS,
                       "the query needs more memory than its limit of %zu bytes: narrow it",
                       w->arena->budget);
    return ST_OK;
}

status logql_windows_add(struct logql_windows *w, const struct loki_labels *labels,
                         struct logql_span span, uint64_t lines, uint64_t bytes, struct err *err)
{
    if (span.last < span.first) return ST_OK;
    str error = loki_labels_get(labels, S("__error__"));
    if (error.len) return pipeline_error(labels, error, err);

    struct loki_label kept[LOKI_LABELS_MAX];
    struct loki_labels mine = *labels;
    if (!w->needs.all) {
        mine = (struct loki_labels){.v = kept};
        for (uint32_t i = 0; i < labels->n && mine.n < LOKI_LABELS_MAX; i++)
            if (is_needed(w, labels->v[i].name)) kept[mine.n++] = labels->v[i];
    }
    uint64_t hash = loki_labels_hash(&mine);
    struct candidate c = {w, &mine};
    uint32_t at;
    if (!map_find(&w->by_labels, hash, same, &c, &at)) TRY(new_series(w, hash, &mine, &at, err));
    struct window_series *s = &w->series[at];
    s->lines[span.first] += (int64_t)lines;
    s->lines[span.last + 1] -= (int64_t)lines;
    s->bytes[span.first] += (int64_t)bytes;
    s->bytes[span.last + 1] -= (int64_t)bytes;
    return ST_OK;
}

static struct logql_series value_series(const struct logql_windows *w,
                                        const struct window_series *s, enum logql_range_op op,
                                        double seconds)
{
    uint32_t n = w->grid.n;
    struct logql_series r = {
        .labels = s->labels,
        .values = arena_array(w->arena, double, n),
        .present = arena_array(w->arena, bool, n),
    };
    int64_t lines = 0, bytes = 0;
    for (uint32_t i = 0; i < n; i++) {
        lines += s->lines[i];
        bytes += s->bytes[i];
        r.present[i] = lines > 0;
        double v = (double)(op == LOGQL_BYTES_OVER_TIME || op == LOGQL_BYTES_RATE ? bytes : lines);
        r.values[i] = op == LOGQL_RATE || op == LOGQL_BYTES_RATE ? v / seconds : v;
    }
    return r;
}

void logql_windows_values(const struct logql_windows *w, enum logql_range_op op, nanos range,
                          struct logql_matrix *ret)
{
    *ret =
        (struct logql_matrix){.n = w->n, .v = arena_array(w->arena, struct logql_series, w->n + 1)};
    for (uint32_t i = 0; i < w->n; i++)
        ret->v[i] = value_series(w, &w->series[i], op, (double)range / (double)NANOS_S);
}

/* One series that is 1 where no line is: its labels are what the selector's = say. */
void logql_windows_absent(const struct logql_windows *w, const struct logql_matchers *m,
                          struct logql_matrix *ret)
{
    struct logql_series s = {.values = arena_array(w->arena, double, w->grid.n),
                             .present = arena_array(w->arena, bool, w->grid.n)};
    int64_t lines = 0;
    bool any = false;
    for (uint32_t i = 0; i < w->grid.n; i++) {
        for (uint32_t k = 0; k < w->n; k++) lines += w->series[k].lines[i];
        s.values[i] = 1;
        s.present[i] = lines == 0;
        any = any || s.present[i];
    }
    for (uint32_t i = 0; i < m->n; i++) {
        bool twice = false;
        for (uint32_t k = 0; k < m->n; k++)
            twice = twice || (k != i && str_eq(m->v[k].name, m->v[i].name));
        if (m->v[i].op == LOGQL_EQ && !twice)
            loki_labels_set(w->arena, &s.labels, m->v[i].name, m->v[i].value);
    }
    loki_labels_sort(&s.labels);
    *ret = (struct logql_matrix){.n = any, .v = arena_new(w->arena, struct logql_series)};
    ret->v[0] = s;
}
