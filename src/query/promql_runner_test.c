/* Runs scripts in promqltest's load/eval language: loads the series, evaluates over whatever source
 * it is given, compares. The notation of series is in promql_notation_test.c, what is expected of
 * an answer in promql_expect_test.c. */
#include "query/promql_runner_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "query/parse/parse.h"
#include "query/promql_expect_test.h"
#include "query/promql_notation_test.h"
#include "testing/test.h"

enum { LINES_MAX = 400 };

/* `st`: start times relative to the samples' own, in ms; NULL: not known. */
static void append(struct script *s, struct labels l, const struct points *p,
                   const struct points *st, int64_t step)
{
    struct loaded *to = NULL;
    for (uint32_t i = 0; i < s->n && !to; i++)
        if (labels_equal(s->series[i].labels, l)) to = &s->series[i];
    if (!to) {
        if (s->n == s->cap) {
            struct loaded *more = arena_array(&s->arena, struct loaded, s->cap * 2 + 16);
            if (s->n) memcpy(more, s->series, s->n * sizeof *more);
            s->series = more;
            s->cap = s->cap * 2 + 16;
        }
        to = &s->series[s->n++];
        *to = (struct loaded){.labels = l};
    }
    struct sample *all = arena_array(&s->arena, struct sample, to->n + p->n + 1);
    struct histogram_sample *h =
        arena_array(&s->arena, struct histogram_sample, to->n_histograms + p->n + 1);
    int64_t *starts = arena_array(&s->arena, int64_t, to->n + p->n + 1);
    enum histogram_hint *hints =
        arena_array(&s->arena, enum histogram_hint, to->n_histograms + p->n + 1);
    if (to->n_histograms) memcpy(hints, to->hints, to->n_histograms * sizeof *hints);
    if (to->n) memcpy(all, to->samples, to->n * sizeof *all);
    if (to->n) memcpy(starts, to->starts, to->n * sizeof *starts);
    if (to->n_histograms) memcpy(h, to->histograms, to->n_histograms * sizeof *h);
    for (uint32_t i = 0; i < p->n; i++) {
        int64_t t = (int64_t)i * step;
        int64_t start = st && i < st->n && st->has[i] ? t + (int64_t)st->v[i] : 0;
        if (p->has[i] == POINT_FLOAT) {
            starts[to->n] = start;
            all[to->n++] = (struct sample){t, p->v[i]};
        }
        if (p->has[i] != POINT_HISTOGRAM) continue;
        bool follows = to->n_histograms && i > 0 && p->has[i - 1] != POINT_FLOAT;
        enum histogram_hint hint =
            histogram_hint_after(&s->arena, p->h[i], follows ? h[to->n_histograms - 1].h : NULL);
        hints[to->n_histograms] = p->h[i]->hint;
        h[to->n_histograms++] =
            (struct histogram_sample){t, histogram_with_hint(&s->arena, p->h[i], hint), start};
    }
    to->samples = all;
    to->histograms = h;
    to->starts = starts;
    to->hints = hints;
}

/* load_with_nhcb: classic histograms once more, as native ones with custom bounds. */

static str base_name(str name, bool *ret_is_part)
{
    static const str tails[] = {{"_bucket", 7}, {"_count", 6}, {"_sum", 4}};
    for (int i = 0; i < 3; i++)
        if (name.len > tails[i].len && str_eq(str_drop(name, name.len - tails[i].len), tails[i])) {
            *ret_is_part = true;
            return (str){name.ptr, name.len - tails[i].len};
        }
    return name;
}

static struct labels base_labels(struct arena *a, struct labels l, bool *ret_is_part)
{
    static const str le[] = {{"le", 2}};
    str name = base_name(labels_get(l, LABEL_NAME), ret_is_part);
    return labels_set(a, labels_drop(a, l, le, 1), LABEL_NAME, name);
}

static const double *value_at(const struct loaded *s, int64_t t)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (s->samples[i].t == t) return &s->samples[i].v;
    return NULL;
}

struct le_count {
    double le, count;
};

static int by_le(const void *a, const void *b)
{
    double x = ((const struct le_count *)a)->le, y = ((const struct le_count *)b)->le;
    return (x > y) - (x < y);
}

/* Of buckets that say one bound in several ways the first counts. */
static uint32_t bounds_once(struct le_count *b, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!kept || b[i].le != b[kept - 1].le) b[kept++] = b[i];
    return kept;
}

/* The histogram that the parts named `of` make at `t`; NULL when they make none. */
static const struct histogram *custom_at(struct script *s, uint32_t n_series, struct labels of,
                                         int64_t t)
{
    struct le_count *b = arena_array(&s->arena, struct le_count, n_series + 1);
    uint32_t n = 0;
    struct histogram *h = arena_new(&s->arena, struct histogram);
    h->schema = HISTOGRAM_CUSTOM;
    bool has_count = false, any = false;
    for (uint32_t i = 0; i < n_series; i++) {
        bool part = false;
        struct labels l = s->series[i].labels;
        if (!labels_equal(base_labels(&s->arena, l, &part), of) || !part) continue;
        const double *v = value_at(&s->series[i], t);
        if (!v) continue;
        str name = labels_get(l, LABEL_NAME);
        any = true;
        if (name.ptr[name.len - 1] == 'm')
            h->sum = *v;
        else if (name.ptr[name.len - 2] == 'n')
            h->count = *v, has_count = true;
        else if (num_parse_f64(labels_get(l, S("le")), &b[n].le) && !isnan(b[n].le))
            b[n++].count = *v;
    }
    if (!any) return NULL;
    qsort(b, n, sizeof *b, by_le);
    n = bounds_once(b, n);
    double *custom = arena_array(&s->arena, double, n + 1);
    double *counts = arena_array(&s->arena, double, n + 1), before = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (isfinite(b[i].le)) custom[h->n_custom++] = b[i].le;
        counts[i] = b[i].count - before;
        before = b[i].count;
    }
    bool whole = n > 0 && isinf(b[n - 1].le);
    if (!has_count) h->count = before;
    if (!whole) counts[n++] = h->count - before;
    h->positive = histogram_side_trimmed(0, counts, n);
    h->custom = custom;
    return h;
}

static void load_custom(struct script *s, uint32_t from, int64_t step)
{
    uint32_t n = s->n;
    for (uint32_t i = from; i < n; i++) {
        bool part = false;
        struct labels l = base_labels(&s->arena, s->series[i].labels, &part);
        bool done = !part;
        for (uint32_t k = n; k < s->n; k++) done |= labels_equal(s->series[k].labels, l);
        if (done) continue;
        static const struct histogram *h[400];
        static double v[400];
        static uint8_t has[400];
        struct points p = {.v = v, .has = has, .h = h};
        for (; p.n < 400; p.n++) {
            h[p.n] = custom_at(s, n, l, (int64_t)p.n * step);
            has[p.n] = h[p.n] ? POINT_HISTOGRAM : POINT_NONE;
        }
        append(s, l, &p, NULL, step);
    }
}

static bool load(struct script *s, str head, const str *lines, uint32_t n)
{
    bool nhcb = str_eq(notation_word(&head), S("load_with_nhcb"));
    int64_t step;
    uint32_t before = s->n;
    s->changed = true;
    struct points st = {};
    bool has_st = false;
    if (!notation_duration(notation_word(&head), &step)) return false;
    for (uint32_t i = 0; i < n; i++) {
        struct points p = {};
        struct labels l;
        str line = lines[i];
        if (!notation_metric(&s->arena, &line, &l)) return false;
        if (notation_starts(line, "@st")) {
            notation_word(&line);
            if (!notation_durations(&s->arena, line, &st)) return false;
            has_st = true;
            continue;
        }
        if (!notation_points(&s->arena, line, &p)) return false;
        append(s, l, &p, has_st ? &st : NULL, step);
        has_st = false;
    }
    if (nhcb) load_custom(s, before, step);
    return true;
}

struct run {
    struct value v;
    struct notes warnings, infos;
    struct err err;
    status status;
};

static struct series_source *in_memory(struct arena *a, const struct script *s)
{
    struct raw_series *list = arena_array(a, struct raw_series, s->n + 1);
    for (uint32_t i = 0; i < s->n; i++)
        list[i] = (struct raw_series){s->series[i].labels,
                                      s->series[i].samples,
                                      s->series[i].n,
                                      s->series[i].histograms,
                                      s->series[i].n_histograms,
                                      s->series[i].starts,
                                      NULL,
                                      0,
                                      0};
    struct memory_source *src = arena_new(a, struct memory_source);
    memory_source_init(src, list, s->n);
    return &src->source;
}

static void execute(struct arena *a, struct script *s, str query, struct grid g, int64_t end,
                    bool range, struct run *r)
{
    struct promql_expr *e;
    *r = (struct run){.warnings = {.arena = a}, .infos = {.arena = a}};
    r->status = promql_parse(a, query, (struct promql_options){.experimental = true}, &e, &r->err);
    if (r->status != ST_OK) return;
    struct series_source *source = s->source ? s->source(s, a, e) : in_memory(a, s);
    s->changed = false;
    struct promql_eval_options opt = {.grid = g,
                                      .start_ms = g.start,
                                      .end_ms = end,
                                      .is_range = range,
                                      .delayed_names = true,
                                      .max_samples = 10000000};
    r->status = promql_eval(a, query, e, &opt, source, &r->warnings, &r->infos, &r->v, &r->err);
}

static bool failed_as_told(struct arena *a, const struct expectation *x, const struct run *r)
{
    if (r->status == ST_OK) return false;
    struct notes n = {.arena = a};
    notes_add(&n, (str){r->err.msg, strlen(r->err.msg)});
    return expectation_notes(a, x, "fail", &n) && !strstr(r->err.msg, "not supported yet");
}

static bool is_right(struct arena *a, const struct expectation *x, const struct run *r, bool range)
{
    if (x->fails) return failed_as_told(a, x, r);
    if (r->status != ST_OK) return false;
    if ((x->no_warn && r->warnings.n) || (x->no_info && r->infos.n)) return false;
    if ((x->warn && !r->warnings.n) || (x->info && !r->infos.n)) return false;
    if (!expectation_notes(a, x, "warn", &r->warnings) ||
        !expectation_notes(a, x, "info", &r->infos))
        return false;
    if (r->v.kind == VALUE_STRING) return x->string && str_eq(x->text, r->v.text);
    if (r->v.kind == VALUE_MATRIX) return expectation_series(&r->v, x);
    if (r->v.kind == VALUE_SCALAR && range) {
        uint8_t has[4096];
        memset(has, POINT_FLOAT, sizeof has);
        struct row row = {.v = r->v.scalar, .has = has};
        return x->n == 1 && r->v.grid.n < sizeof has &&
               expectation_row(&row, &x->rows[0], r->v.grid.n);
    }
    if (r->v.kind == VALUE_SCALAR)
        return x->has_scalar && expectation_same(x->scalar, r->v.scalar[0]);
    return range ? expectation_matrix(&r->v, x) : expectation_vector(&r->v, x, 0);
}

/* An instant query once more, as the middle step of a range. */
static bool right_as_range(struct arena *a, struct script *s, str query, int64_t at,
                           const struct expectation *x)
{
    static const char *const skip[] = {"start()", "end()", "range()", "step()"};
    if (x->ordered || x->string || x->grid || x->fails) return true;
    for (int i = 0; i < 4; i++)
        if (memmem(query.ptr, query.len, skip[i], strlen(skip[i]))) return true;
    struct run r;
    execute(a, s, query, (struct grid){at - 60000, 60000, 3}, at + 60000, true, &r);
    if (r.status != ST_OK) return false;
    if (r.v.kind == VALUE_SCALAR)
        return x->has_scalar && expectation_same(r.v.scalar[1], x->scalar);
    return r.v.kind == VALUE_VECTOR && expectation_vector(&r.v, x, 1);
}

static void show(const struct run *r, bool again)
{
    printf("    %s%s\n", r->err.msg, again ? "as a range it differs" : "");
    for (uint32_t i = 0;
         r->status == ST_OK && r->v.kind == VALUE_VECTOR && i < r->v.n_rows && i < 6; i++) {
        struct buf b;
        buf_init(&b, 4096);
        labels_print(&b, r->v.rows[i].labels);
        for (uint32_t k = 0; k < r->v.grid.n && k < 8; k++)
            if (r->v.rows[i].has[k] == POINT_HISTOGRAM)
                buf_char(&b, ' '), histogram_print(&b, r->v.rows[i].h[k]);
            else if (r->v.rows[i].has[k])
                buf_printf(&b, " %.10g", r->v.rows[i].v[k]);
            else
                buf_add(&b, S(" _"));
        printf("    got " STR_FMT "\n", STR_ARG(buf_str(&b)));
        buf_done(&b);
    }
    for (uint32_t i = 0; i < r->warnings.n; i++)
        printf("    warn " STR_FMT "\n", STR_ARG(r->warnings.list[i]));
    for (uint32_t i = 0; i < r->infos.n; i++)
        printf("    info " STR_FMT "\n", STR_ARG(r->infos.list[i]));
}

static bool eval(struct script *s, str head, const str *lines, uint32_t n)
{
    struct arena a;
    arena_init(&a, 1u << 30);
    struct expectation x = {};
    struct grid g = {.step = 1000, .n = 1};
    str w = notation_word(&head);
    if (notation_starts(w, "eval_fail")) x.fails = true;
    if (notation_starts(w, "eval_ordered")) x.ordered = true;
    if (notation_starts(w, "eval_warn")) x.warn = true;
    if (notation_starts(w, "eval_info")) x.info = true;
    bool range = str_eq(notation_word(&head), S("range")), ok = true;
    notation_word(&head); /* at, from */
    ok &= notation_duration(notation_word(&head), &g.start);
    int64_t end = g.start;
    if (range) {
        notation_word(&head);
        ok &= notation_duration(notation_word(&head), &end);
        notation_word(&head);
        ok &= notation_duration(notation_word(&head), &g.step);
        g.n = (uint32_t)((end - g.start) / g.step) + 1;
    }
    ok &= expectation_read(&a, lines, n, &x);
    struct run r;
    execute(&a, s, head, g, end, range, &r);
    s->total++;
    bool right = ok && is_right(&a, &x, &r, range);
    bool again = right && !range && !right_as_range(&a, s, head, g.start, &x);
    if (right && !again)
        s->passed++;
    else if (s->loud) {
        printf("  %lld%s " STR_FMT "\n", (long long)g.start / 1000, range ? " range" : "",
               STR_ARG(head));
        show(&r, again);
    }
    arena_done(&a);
    return ok;
}

static void forget(struct script *s)
{
    arena_done(&s->arena);
    arena_init(&s->arena, 1u << 30);
    s->series = NULL;
    s->n = s->cap = 0;
    s->changed = true;
}

void script_run(struct script *s, str text)
{
    str lines[LINES_MAX];
    s->changed = true;
    arena_init(&s->arena, 1u << 30);
    while (text.len) {
        uint32_t n = 0;
        while (text.len && n < LINES_MAX) { /* a command and its lines, up to an empty one */
            const char *end = memchr(text.ptr, '\n', text.len);
            size_t len = end ? (size_t)(end - text.ptr) : text.len;
            str line = notation_trim((str){text.ptr, len});
            text = str_drop(text, len + 1);
            if (line.len == 0 || line.ptr[0] == '#') break;
            lines[n++] = line;
            if (n == 1 && str_eq(line, S("clear"))) break;
        }
        if (n == 0) continue;
        if (notation_starts(lines[0], "clear"))
            forget(s);
        else if (notation_starts(lines[0], "load") && !load(s, lines[0], lines + 1, n - 1))
            printf("  not understood: " STR_FMT "\n", STR_ARG(lines[0]));
        else if (notation_starts(lines[0], "eval") && !eval(s, lines[0], lines + 1, n - 1) &&
                 s->loud)
            printf("  not understood: " STR_FMT "\n", STR_ARG(lines[0]));
    }
    arena_done(&s->arena);
}
