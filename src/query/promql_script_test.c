/* Runs scripts in promqltest's load/eval language over series in memory: our own (eval/testdata),
 * and the conformance files, whose passes are counted against a floor that must not sink. Native
 * histograms are not loaded yet. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/regex.h"
#include "query/eval/eval.h"
#include "query/parse/parse.h"
#include "testing/test.h"

enum { POINTS_MAX = 20000, LINES_MAX = 400 };

struct points { /* one series of the notation: a value or nothing at each position */
    struct labels labels;
    double *v;
    uint8_t *has;
    uint32_t n;
    bool histogram;
};

struct loaded {
    struct labels labels;
    struct sample *samples;
    uint32_t n, cap;
};

struct script {
    struct arena arena;
    struct loaded *series;
    uint32_t n, cap;
    unsigned passed, total;
    bool loud;
};

static str trim(str s)
{
    while (s.len && strchr(" \t\r", s.ptr[0])) s = str_drop(s, 1);
    while (s.len && strchr(" \t\r", s.ptr[s.len - 1])) s.len--;
    return s;
}

static str word(str *s)
{
    *s = trim(*s);
    size_t n = 0;
    while (n < s->len && !strchr(" \t", s->ptr[n])) n++;
    str w = {s->ptr, n};
    *s = trim(str_drop(*s, n));
    return w;
}

static bool starts(str s, const char *with)
{
    return s.len >= strlen(with) && memcmp(s.ptr, with, strlen(with)) == 0;
}

static bool duration(str s, int64_t *ret)
{
    bool minus = starts(s, "-");
    if (minus) s = str_drop(s, 1);
    if (promql_parse_duration(s, ret, NULL) != ST_OK) return false;
    if (minus) *ret = -*ret;
    return true;
}

static bool number(str s, double *ret)
{
    if (str_eq(s, S("stale"))) return *ret = stale_nan(), true;
    if (num_parse_f64(s, ret)) return true;
    char text[64];
    if (s.len == 0 || s.len >= sizeof text) return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = 0;
    char *end;
    *ret = strtod(text, &end);
    return *end == 0;
}

/* name{a="b"} at the front of a line; the rest is left in *line. */
static bool metric(struct arena *a, str *line, struct labels *ret)
{
    size_t n = 0;
    bool braces = false;
    char quote = 0;
    for (; n < line->len; n++) {
        char c = line->ptr[n];
        if (quote) {
            if (c == '\\' && quote != '`')
                n++;
            else if (c == quote)
                quote = 0;
        } else if (strchr("\"'`", c))
            quote = c;
        else if (c == '{')
            braces = true;
        else if (c == '}') {
            n++;
            break;
        } else if (strchr(" \t", c) && !braces)
            break;
    }
    str text = {line->ptr, n};
    *line = trim(str_drop(*line, n));
    if (str_eq(text, S("{}"))) return *ret = (struct labels){0}, true;
    struct promql_expr *e;
    if (promql_parse_selector(a, text, &e, NULL) != ST_OK) return false;
    struct label *list = arena_array(a, struct label, e->selector.n_matchers);
    for (uint32_t i = 0; i < e->selector.n_matchers; i++)
        list[i] = (struct label){e->selector.matchers[i].name, e->selector.matchers[i].value};
    *ret = labels_make(a, list, e->selector.n_matchers);
    return true;
}

/* V, VxN, V+DxN, V-DxN, _, _xN */
static bool item(str w, struct points *p)
{
    size_t x = w.len;
    for (size_t i = 0; i + 1 < w.len; i++)
        if (w.ptr[i] == 'x' && !(i == 1 && w.ptr[0] == '0') && !(i == 2 && w.ptr[1] == '0')) x = i;
    uint64_t times = 0;
    if (x < w.len && !num_parse_u64(str_drop(w, x + 1), &times)) return false;
    str head = {w.ptr, x};
    bool omitted = str_eq(head, S("_"));
    double v = 0, d = 0;
    if (!omitted && !number(head, &v)) {
        size_t sign = 1;
        while (sign < head.len &&
               !(strchr("+-", head.ptr[sign]) && !strchr("eE", head.ptr[sign - 1])))
            sign++;
        if (sign >= head.len || !number((str){head.ptr, sign}, &v) ||
            !number(str_drop(head, sign + 1), &d))
            return false;
        if (head.ptr[sign] == '-') d = -d;
    }
    uint64_t n = omitted ? (x < w.len ? times : 1) : times + 1;
    for (uint64_t i = 0; i < n; i++, v += d) {
        if (p->n == POINTS_MAX) return false;
        p->has[p->n] = !omitted;
        p->v[p->n++] = v;
    }
    return true;
}

static bool points(struct arena *a, str line, struct points *p)
{
    p->v = arena_array(a, double, POINTS_MAX);
    p->has = arena_array(a, uint8_t, POINTS_MAX);
    p->n = 0;
    if (memmem(line.ptr, line.len, "{{", 2)) return p->histogram = true;
    while (line.len)
        if (!item(word(&line), p)) return false;
    return true;
}

static void append(struct script *s, struct labels l, const struct points *p, int64_t step)
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
    if (to->n) memcpy(all, to->samples, to->n * sizeof *all);
    for (uint32_t i = 0; i < p->n; i++)
        if (p->has[i]) all[to->n++] = (struct sample){(int64_t)i * step, p->v[i]};
    to->samples = all;
}

static bool load(struct script *s, str head, const str *lines, uint32_t n)
{
    word(&head);
    int64_t step;
    if (!duration(word(&head), &step)) return false;
    for (uint32_t i = 0; i < n; i++) {
        struct points p = {};
        struct labels l;
        str line = lines[i];
        if (!metric(&s->arena, &line, &l)) return false;
        if (starts(line, "@st")) continue;
        if (!points(&s->arena, line, &p)) return false;
        if (!p.histogram) append(s, l, &p, step);
    }
    return true;
}

struct expectation {
    struct points *rows;
    uint32_t n;
    bool fails, ordered, has_scalar, string, histogram, no_warn, no_info, warn, info;
    bool grid; /* expect range vector */
    int64_t from, step;
    double scalar;
    str text;
    str *conditions; /* "fail msg: ...", as written */
    uint32_t n_conditions;
};

static bool expect_line(struct arena *a, struct expectation *x, str line)
{
    str rest = line;
    word(&rest);
    str what = word(&rest);
    if (str_eq(what, S("fail")))
        x->fails = true;
    else if (str_eq(what, S("warn")))
        x->warn = true;
    else if (str_eq(what, S("info")))
        x->info = true;
    else if (str_eq(what, S("no_warn")))
        x->no_warn = true;
    else if (str_eq(what, S("no_info")))
        x->no_info = true;
    else if (str_eq(what, S("ordered")))
        x->ordered = true;
    else if (str_eq(what, S("string"))) {
        x->string = true;
        return promql_unquote(a, rest, &x->text, NULL) == ST_OK;
    } else if (str_eq(what, S("range"))) {
        int64_t to;
        word(&rest), word(&rest);
        x->grid = duration(word(&rest), &x->from);
        word(&rest);
        if (!x->grid || !duration(word(&rest), &to)) return false;
        word(&rest);
        return duration(word(&rest), &x->step);
    } else
        return false;
    if (rest.len && x->n_conditions < LINES_MAX)
        x->conditions[x->n_conditions++] = str_drop(line, 7);
    return true;
}

static bool expectations(struct arena *a, const str *lines, uint32_t n, struct expectation *x)
{
    x->rows = arena_array(a, struct points, n + 1);
    x->conditions = arena_array(a, str, LINES_MAX);
    for (uint32_t i = 0; i < n; i++) {
        str line = lines[i];
        if (starts(line, "expected_fail")) continue;
        if (starts(line, "expect ")) {
            if (!expect_line(a, x, line)) return false;
            continue;
        }
        if (number(line, &x->scalar)) {
            x->has_scalar = true;
            continue;
        }
        struct points *p = &x->rows[x->n++];
        *p = (struct points){};
        if (!metric(a, &line, &p->labels) || !points(a, line, p)) return false;
        x->histogram |= p->histogram;
    }
    return true;
}

static bool same(double a, double b)
{
    if (is_stale(a) || is_stale(b)) return is_stale(a) && is_stale(b);
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    if (a == b) return true;
    double sum = fabs(a) + fabs(b), diff = fabs(a - b);
    if (a == 0 || b == 0 || sum < 2.2250738585072014e-308)
        return diff < 1e-6 * 2.2250738585072014e-308;
    return diff / (sum < 1.7976931348623157e308 ? sum : 1.7976931348623157e308) < 1e-6;
}

static bool row_is(const struct row *r, const struct points *p, uint32_t steps)
{
    for (uint32_t i = 0; i < steps || i < p->n; i++) {
        bool want = i < p->n && p->has[i], got = i < steps && r->has[i];
        if (want != got || (want && !same(r->v[i], p->v[i]))) return false;
    }
    return true;
}

/* The one step of an instant answer, or step `at` of a range. */
static bool vector_is(const struct value *v, const struct expectation *x, uint32_t at)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < v->n_rows; i++) {
        if (!v->rows[i].has[at]) continue;
        uint32_t k = x->ordered && v->grid.n == 1 ? found : 0;
        while (k < x->n && !labels_equal(x->rows[k].labels, v->rows[i].labels)) k++;
        if (k >= x->n || (x->ordered && v->grid.n == 1 && k != found)) return false;
        if (x->rows[k].n != 1 || !same(v->rows[i].v[at], x->rows[k].v[0])) return false;
        found++;
    }
    return found == x->n;
}

static bool matrix_is(const struct value *v, const struct expectation *x)
{
    for (uint32_t i = 0; i < v->n_rows; i++) {
        uint32_t k = 0;
        while (k < x->n && !labels_equal(x->rows[k].labels, v->rows[i].labels)) k++;
        if (k == x->n || !row_is(&v->rows[i], &x->rows[k], v->grid.n)) return false;
    }
    return v->n_rows == x->n;
}

static bool series_are(const struct value *v, const struct expectation *x)
{
    for (uint32_t i = 0; i < v->matrix.n; i++) {
        const struct raw_series *s = &v->matrix.list[i];
        uint32_t k = 0, at = 0;
        while (k < x->n && !labels_equal(x->rows[k].labels, s->labels)) k++;
        if (k == x->n) return false;
        for (uint32_t j = 0; j < x->rows[k].n; j++) {
            if (!x->rows[k].has[j]) continue;
            if (at == s->n || s->samples[at].t != x->from + (int64_t)j * x->step ||
                !same(s->samples[at].v, x->rows[k].v[j]))
                return false;
            at++;
        }
        if (at != s->n) return false;
    }
    return v->matrix.n == x->n;
}

/* Conditions of one kind ("warn"): each met by a text, and each text by one of them. */
static bool notes_are(struct arena *a, const struct expectation *x, const char *kind,
                      const struct notes *notes)
{
    bool all = true, any = false;
    uint32_t used = 0;
    for (uint32_t t = 0; t < notes->n || t == 0; t++) {
        bool met = false;
        for (uint32_t i = 0; i < x->n_conditions; i++) {
            str c = x->conditions[i];
            if (!str_eq(word(&c), (str){kind, strlen(kind)})) continue;
            any = true;
            str how = word(&c);
            if (t >= notes->n) continue;
            struct regex *re;
            if (str_eq(how, S("msg:")))
                met |= str_eq(c, notes->list[t]);
            else if (regex_new(a, c, REGEX_SEARCH, &re, NULL) == ST_OK)
                met |= regex_match(re, notes->list[t]);
        }
        if (t < notes->n) all &= met, used += met;
    }
    return !any || (all && used);
}

struct run {
    struct value v;
    struct notes warnings, infos;
    struct err err;
    status status;
};

static void execute(struct arena *a, const struct script *s, str query, struct grid g, int64_t end,
                    bool range, struct run *r)
{
    struct promql_expr *e;
    *r = (struct run){.warnings = {.arena = a}, .infos = {.arena = a}};
    r->status = promql_parse(a, query, (struct promql_options){.experimental = true}, &e, &r->err);
    if (r->status != ST_OK) return;
    struct raw_series *list = arena_array(a, struct raw_series, s->n + 1);
    for (uint32_t i = 0; i < s->n; i++)
        list[i] = (struct raw_series){s->series[i].labels, s->series[i].samples, s->series[i].n};
    struct memory_source src;
    memory_source_init(&src, list, s->n);
    struct promql_eval_options opt = {.grid = g,
                                      .start_ms = g.start,
                                      .end_ms = end,
                                      .is_range = range,
                                      .delayed_names = true,
                                      .max_samples = 10000000};
    r->status =
        promql_eval(a, query, e, &opt, &src.source, &r->warnings, &r->infos, &r->v, &r->err);
}

static bool failed_as_told(struct arena *a, const struct expectation *x, const struct run *r)
{
    if (r->status == ST_OK) return false;
    struct notes n = {.arena = a};
    notes_add(&n, (str){r->err.msg, strlen(r->err.msg)});
    return notes_are(a, x, "fail", &n) && !strstr(r->err.msg, "not supported yet");
}

static bool is_right(struct arena *a, const struct expectation *x, const struct run *r, bool range)
{
    if (x->fails) return failed_as_told(a, x, r);
    if (r->status != ST_OK || x->histogram) return false;
    if ((x->no_warn && r->warnings.n) || (x->no_info && r->infos.n)) return false;
    if ((x->warn && !r->warnings.n) || (x->info && !r->infos.n)) return false;
    if (!notes_are(a, x, "warn", &r->warnings) || !notes_are(a, x, "info", &r->infos)) return false;
    if (r->v.kind == VALUE_STRING) return x->string && str_eq(x->text, r->v.text);
    if (r->v.kind == VALUE_MATRIX) return series_are(&r->v, x);
    if (r->v.kind == VALUE_SCALAR && range) {
        uint8_t has[4096];
        memset(has, POINT_FLOAT, sizeof has);
        struct row row = {.v = r->v.scalar, .has = has};
        return x->n == 1 && r->v.grid.n < sizeof has && row_is(&row, &x->rows[0], r->v.grid.n);
    }
    if (r->v.kind == VALUE_SCALAR) return x->has_scalar && same(x->scalar, r->v.scalar[0]);
    return range ? matrix_is(&r->v, x) : vector_is(&r->v, x, 0);
}

/* An instant query once more, as the middle step of a range. */
static bool right_as_range(struct arena *a, const struct script *s, str query, int64_t at,
                           const struct expectation *x)
{
    static const char *const skip[] = {"start()", "end()", "range()", "step()"};
    if (x->ordered || x->string || x->grid || x->fails) return true;
    for (int i = 0; i < 4; i++)
        if (memmem(query.ptr, query.len, skip[i], strlen(skip[i]))) return true;
    struct run r;
    execute(a, s, query, (struct grid){at - 60000, 60000, 3}, at + 60000, true, &r);
    if (r.status != ST_OK) return false;
    if (r.v.kind == VALUE_SCALAR) return x->has_scalar && same(r.v.scalar[1], x->scalar);
    return r.v.kind == VALUE_VECTOR && vector_is(&r.v, x, 1);
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
            r->v.rows[i].has[k] ? buf_printf(&b, " %.10g", r->v.rows[i].v[k])
                                : buf_printf(&b, " _");
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
    str w = word(&head);
    if (starts(w, "eval_fail")) x.fails = true;
    if (starts(w, "eval_ordered")) x.ordered = true;
    if (starts(w, "eval_warn")) x.warn = true;
    if (starts(w, "eval_info")) x.info = true;
    bool range = str_eq(word(&head), S("range")), ok = true;
    word(&head); /* at, from */
    ok &= duration(word(&head), &g.start);
    int64_t end = g.start;
    if (range) {
        word(&head);
        ok &= duration(word(&head), &end);
        word(&head);
        ok &= duration(word(&head), &g.step);
        g.n = (uint32_t)((end - g.start) / g.step) + 1;
    }
    ok &= expectations(&a, lines, n, &x);
    struct run r;
    execute(&a, s, head, g, end, range, &r);
    s->total++;
    bool right = ok && is_right(&a, &x, &r, range);
    bool again = right && !range && !right_as_range(&a, s, head, g.start, &x);
    if (right && !again)
        s->passed++;
    else if (s->loud && !x.histogram) {
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
}

static void run_script(struct script *s, str text)
{
    str lines[LINES_MAX];
    arena_init(&s->arena, 1u << 30);
    while (text.len) {
        uint32_t n = 0;
        while (text.len && n < LINES_MAX) { /* a command and its lines, up to an empty one */
            const char *end = memchr(text.ptr, '\n', text.len);
            size_t len = end ? (size_t)(end - text.ptr) : text.len;
            str line = trim((str){text.ptr, len});
            text = str_drop(text, len + 1);
            if (line.len == 0 || line.ptr[0] == '#') break;
            lines[n++] = line;
            if (n == 1 && str_eq(line, S("clear"))) break;
        }
        if (n == 0) continue;
        if (starts(lines[0], "clear"))
            forget(s);
        else if (starts(lines[0], "load") && !load(s, lines[0], lines + 1, n - 1))
            printf("  not understood: " STR_FMT "\n", STR_ARG(lines[0]));
        else if (starts(lines[0], "eval") && !eval(s, lines[0], lines + 1, n - 1) && s->loud)
            printf("  not understood: " STR_FMT "\n", STR_ARG(lines[0]));
    }
    arena_done(&s->arena);
}

static struct script run_text(str text, bool loud)
{
    struct script s = {.loud = loud};
    run_script(&s, text);
    free((void *)text.ptr);
    return s;
}

TEST(own_scripts_pass)
{
    static const char *const names[] = {"selectors", "rate", "operators", "histogram"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[200];
        snprintf(path, sizeof path, "src/query/eval/testdata/%s.test", names[i]);
        struct script s = run_text(test_repository_file(path), true);
        CHECK(s.total > 0);
        CHECK_INT(s.passed, s.total);
    }
}

/* How many of each conformance file pass. Raise the numbers, never lower them. */
static const struct {
    const char *file;
    unsigned floor;
} floors[] = {
    {"aggregators", 124},
    {"at_modifier", 78},
    {"collision", 2},
    {"duration_expression", 59},
    {"extended_vectors", 30},
    {"fill-modifier", 46},
    {"functions", 372},
    {"histograms", 80},
    {"info", 0},
    {"limit", 7},
    {"literals", 25},
    {"name_label_dropping", 30},
    {"native_histograms", 3},
    {"operators", 144},
    {"range_queries", 17},
    {"selectors", 31},
    {"staleness", 17},
    {"start_timestamps", 1},
    {"subquery", 32},
    {"trig_functions", 19},
    {"type_and_unit", 58},
};

TEST(conformance_scripts)
{
    const char *dir = test_conformance_dir(), *only = getenv("PROMQL_FILE");
    if (!dir) return;
    unsigned passed = 0, total = 0;
    for (size_t i = 0; i < sizeof floors / sizeof *floors; i++) {
        if (only && strcmp(only, floors[i].file) != 0) continue;
        char path[1024];
        snprintf(path, sizeof path, "%s/promql/testdata/%s.test", dir, floors[i].file);
        struct script s = run_text(test_read_file(path), getenv("PROMQL_LOUD") != NULL);
        printf("%s: %u of %u\n", floors[i].file, s.passed, s.total);
        CHECK(s.total > 0);
        CHECK(s.passed >= floors[i].floor);
        passed += s.passed;
        total += s.total;
    }
    printf("all: %u of %u\n", passed, total);
}
