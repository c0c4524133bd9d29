/* Scripts of metric queries over lines in memory (testdata/loki_*.test), run through parse and
 * eval:
 *
 *   load
 *     {app="a"} "line" @ 10s [repeat every 5s for 3] [metadata k="v"]
 *   eval range from 0s to 30s step 10s count_over_time({app="a"}[10s])
 *     {app="a", k="v"} _ 1 2 1
 *
 * `clear` drops the lines; `eval instant at 10s ...` has one value; `expect empty`, `expect fail
 * msg: text`. Values may be _ (none) and 1+2x3 (1 3 5 7). The same runner takes conformance scripts
 * that are not in the repository. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_in.h"
#include "base/num.h"
#include "query/eval/logql_eval.h"
#include "query/ir/logql_units.h"
#include "query/parse/logql_parse.h"
#include "testing/test.h"

struct line {
    struct loki_labels labels;
    str text;
    nanos time;
};

struct script {
    struct logql_source source;
    struct arena arena;
    struct line *v;
    size_t n;
    size_t evals, pass, unsupported;
    const char *name;
};

static status load(struct logql_source *s, const struct logql_expr *x, const struct logql_grid *g,
                   const struct logql_needs *needs, struct logql_windows *into, struct err *err)
{
    struct script *l = (struct script *)s;
    struct logql_pipeline *p;
    struct logql_selector *sel;
    (void)needs;
    TRY(logql_pipeline_new(&l->arena, &x->log, false, &p, err));
    TRY(logql_selector_new(&l->arena, &x->log.matchers, &sel, err));
    for (size_t i = 0; i < l->n; i++) {
        struct loki_labels labels = loki_labels_copy(&l->arena, &l->v[i].labels);
        if (!logql_selector_match(sel, &labels) ||
            !logql_pipeline_run(p, &l->arena, l->v[i].text, &labels))
            continue;
        TRY(logql_windows_add(into, &labels, logql_window_span(g, x->range, l->v[i].time), 1,
                              l->v[i].text.len, err));
    }
    return ST_OK;
}

static str trim(str s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) s = str_drop(s, 1);
    while (s.len &&
           (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t' || s.ptr[s.len - 1] == '\r'))
        s.len--;
    return s;
}

/* The next line without its comment; false at the end. */
static bool next_line(str *rest, str *ret)
{
    if (!rest->len) return false;
    const char *nl = memchr(rest->ptr, '\n', rest->len);
    str s = {rest->ptr, nl ? (size_t)(nl - rest->ptr) : rest->len};
    *rest = str_drop(*rest, s.len + 1);
    char quote = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (quote) {
            if (c == quote) quote = 0;
        } else if (c == '"' || c == '`') {
            quote = c;
        } else if (c == '#') {
            s.len = i;
        }
    }
    *ret = s;
    return true;
}

static bool word(str *s, const char *w)
{
    *s = trim(*s);
    size_t n = strlen(w);
    if (s->len < n || memcmp(s->ptr, w, n) != 0) return false;
    *s = trim(str_drop(*s, n));
    return true;
}

static nanos duration(str *s)
{
    *s = trim(*s);
    size_t n = 0;
    while (n < s->len && s->ptr[n] != ' ' && s->ptr[n] != ']') n++;
    nanos d = 0;
    double f = 0;
    str text = {s->ptr, n};
    if (logql_duration_prefix(text, &d) != n && num_parse_f64(text, &f)) d = (nanos)(f * 1e9);
    *s = trim(str_drop(*s, n));
    return d;
}

/* The part of `s` up to the closing brace, as labels. */
static struct loki_labels read_labels(struct script *t, str *s)
{
    struct loki_labels l = {0};
    struct logql_matchers m = {0};
    size_t n = 0;
    char quote = 0;
    while (n < s->len && (quote || s->ptr[n] != '}')) {
        if (quote ? s->ptr[n] == quote : s->ptr[n] == '"') quote = quote ? 0 : '"';
        n++;
    }
    struct err err;
    CHECK(logql_parse_matchers(&t->arena, (str){s->ptr, n + 1}, &m, &err) == ST_OK);
    for (uint32_t i = 0; i < m.n; i++) loki_labels_set(&t->arena, &l, m.v[i].name, m.v[i].value);
    loki_labels_sort(&l);
    *s = trim(str_drop(*s, n + 1));
    return l;
}

static str read_quoted(str *s)
{
    char quote = s->ptr[0];
    const char *end = memchr(s->ptr + 1, quote, s->len - 1);
    CHECK(end != NULL);
    str r = {s->ptr + 1, (size_t)(end - s->ptr) - 1};
    *s = trim(str_drop(*s, r.len + 2));
    return r;
}

/* {{.i}} is the number of the repetition. */
static str with_number(struct script *t, str line, int64_t i)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    for (size_t k = 0; k < line.len; k++) {
        if (line.len - k >= 6 && memcmp(line.ptr + k, "{{.i}}", 6) == 0) {
            buf_printf(&b, "%lld", (long long)i);
            k += 5;
        } else {
            buf_char(&b, line.ptr[k]);
        }
    }
    str r = arena_str(&t->arena, buf_str(&b));
    buf_done(&b);
    return r;
}

static void read_load(struct script *t, str s)
{
    s = trim(s);
    struct loki_labels labels = read_labels(t, &s), metadata = {0};
    str text = read_quoted(&s);
    CHECK(word(&s, "@"));
    nanos at = duration(&s), every = 0;
    int64_t n = 1;
    while (word(&s, "[")) {
        if (word(&s, "repeat every")) {
            every = duration(&s);
            CHECK(word(&s, "for"));
            n = strtoll(s.ptr, NULL, 10);
        } else if (word(&s, "metadata")) {
            while (s.len && s.ptr[0] != ']') {
                const char *eq = memchr(s.ptr, '=', s.len);
                str name = trim((str){s.ptr, (size_t)(eq - s.ptr)});
                s = trim(str_drop(s, (size_t)(eq - s.ptr) + 1));
                loki_labels_set(&t->arena, &metadata, name, read_quoted(&s));
            }
        }
        const char *close = memchr(s.ptr, ']', s.len);
        CHECK(close != NULL);
        s = trim(str_drop(s, (size_t)(close - s.ptr) + 1));
    }
    loki_labels_sort(&metadata);
    struct loki_labels all = loki_labels_merge(&t->arena, &labels, &metadata);
    for (int64_t i = 0; i < n; i++) {
        t->v = realloc(t->v, (t->n + 1) * sizeof *t->v);
        t->v[t->n++] = (struct line){all, with_number(t, text, i), at + i * every};
    }
}

struct expectation {
    bool fails;
    str message, pattern;
    struct loki_labels labels[64];
    double values[64][600];
    bool present[64][600];
    uint32_t lengths[64];
    uint32_t n;
};

/* 1 2 _ 3+1x2 */
static void read_values(str s, double *values, bool *present, uint32_t *n)
{
    *n = 0;
    while (s.len) {
        size_t k = 0;
        while (k < s.len && s.ptr[k] != ' ') k++;
        char t[64];
        snprintf(t, sizeof t, "%.*s", (int)k, s.ptr);
        s = trim(str_drop(s, k));
        double from, by = 0;
        int times = 0;
        if (t[0] == '_') {
            present[(*n)++] = false;
            continue;
        }
        char *end;
        from = strtod(t, &end);
        if (*end == '+' || *end == '-') by = strtod(end, &end);
        if (*end == 'x') times = atoi(end + 1);
        for (int i = 0; i <= times && *n < 600; i++) {
            present[*n] = true;
            values[(*n)++] = from + by * i;
        }
    }
}

static void read_expectation(struct script *t, str s, struct expectation *e)
{
    s = trim(s);
    if (word(&s, "expect fail")) {
        e->fails = true;
        if (word(&s, "msg:")) e->message = s;
        return;
    }
    if (word(&s, "expect") || word(&s, "skip") || e->n == 64) return;
    struct loki_labels l = {0};
    if (s.len && s.ptr[0] == '{') l = read_labels(t, &s);
    e->labels[e->n] = l;
    read_values(s, e->values[e->n], e->present[e->n], &e->lengths[e->n]);
    e->n++;
}

static bool near(double a, double b)
{
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    return a == b || fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

static bool same_result(const struct expectation *e, const struct logql_matrix *m, uint32_t n)
{
    if (m->scalar) {
        for (uint32_t k = 0; k < e->lengths[0]; k++)
            if (!near(e->values[0][k], m->number)) return false;
        return e->n == 1;
    }
    uint32_t expected = 0;
    for (uint32_t i = 0; i < e->n; i++) {
        const struct logql_series *hit = NULL;
        bool any = false;
        for (uint32_t k = 0; k < n; k++) any = any || (k < e->lengths[i] && e->present[i][k]);
        if (!any) continue;
        expected++;
        for (uint32_t k = 0; k < m->n; k++)
            if (loki_labels_equal(&m->v[k].labels, &e->labels[i])) hit = &m->v[k];
        if (!hit) return false;
        for (uint32_t k = 0; k < n; k++) {
            bool want = k < e->lengths[i] && e->present[i][k];
            if (want != hit->present[k] || (want && !near(e->values[i][k], hit->values[k])))
                return false;
        }
    }
    return expected == m->n;
}

static void print_result(const struct logql_matrix *m, uint32_t n)
{
    struct buf b;
    buf_init(&b, 4000);
    for (uint32_t i = 0; i < m->n; i++) {
        loki_labels_print(&b, &m->v[i].labels);
        for (uint32_t k = 0; k < n; k++)
            if (m->v[i].present[k])
                buf_printf(&b, " %g", m->v[i].values[k]);
            else
                buf_add(&b, S(" _"));
        buf_add(&b, S("; "));
    }
    printf("     got %.*s\n", STR_ARG(buf_str(&b)));
    buf_done(&b);
}

static void run_eval(struct script *t, str query, struct logql_grid g, const struct expectation *e)
{
    struct logql_expr *x;
    struct logql_matrix m = {0};
    struct err err = {};
    t->evals++;
    status s = logql_parse(&t->arena, query, &x, &err);
    if (s == ST_UNSUPPORTED) {
        t->unsupported++;
        return;
    }
    struct logql_eval ev = {&t->arena, g, &t->source, 500};
    if (s == ST_OK) s = logql_eval(&ev, x, &m, &err);
    bool ok = e->fails ? s != ST_OK : s == ST_OK && same_result(e, &m, g.n);
    t->pass += ok;
    if (ok) return;
    printf("%s: %.*s\n     %s\n", t->name, STR_ARG(query), e->fails ? "should fail" : err.msg);
    if (s == ST_OK) print_result(&m, g.n);
}

static void run_script(struct script *t, str text)
{
    static struct expectation e;
    str rest = text, s, query = {0};
    struct logql_grid g = {0};
    bool loading = false, more = true;
    arena_init(&t->arena, 2u << 30);
    while (more) {
        more = next_line(&rest, &s);
        bool inner = more && s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t') && trim(s).len;
        if (inner) {
            if (loading)
                read_load(t, s);
            else
                read_expectation(t, s, &e);
            continue;
        }
        if (more && !trim(s).len) continue;
        if (query.len) run_eval(t, query, g, &e);
        query = (str){0};
        if (!more) break;
        loading = word(&s, "load");
        if (word(&s, "clear")) t->n = 0;
        if (!word(&s, "eval")) continue;
        memset(&e, 0, sizeof e);
        g = (struct logql_grid){.step = 1, .n = 1};
        if (word(&s, "instant at")) {
            g.start = duration(&s);
        } else if (word(&s, "range from")) {
            g.start = duration(&s);
            CHECK(word(&s, "to"));
            nanos end = duration(&s);
            CHECK(word(&s, "step"));
            g.step = duration(&s);
            g.n = (uint32_t)((end - g.start) / g.step + 1);
        }
        query = trim(s);
    }
    arena_done(&t->arena);
    free(t->v);
}

TEST(loki_scripts)
{
    struct script t = {.source = {load}, .name = "loki_metrics.test"};
    str text = test_repository_file("src/query/testdata/loki_metrics.test");
    CHECK(text.len > 0);
    run_script(&t, text);
    CHECK(t.evals > 10);
    CHECK_INT(t.pass, t.evals);
}

TEST(loki_conformance_scripts)
{
    const char *dir = test_conformance_dir();
    if (!dir) return;
    char path[2048];
    size_t evals = 0, pass = 0, unsupported = 0;
    snprintf(path, sizeof path, "%s/loki/logqltest", dir);
    DIR *d = opendir(path);
    if (!d) return;
    for (struct dirent *f; (f = readdir(d));) {
        if (!strstr(f->d_name, ".logqltest")) continue;
        snprintf(path, sizeof path, "%s/loki/logqltest/%s", dir, f->d_name);
        struct script t = {.source = {load}, .name = f->d_name};
        run_script(&t, test_read_file(path));
        printf("conformance loki/%s: %zu of %zu, %zu not supported yet\n", t.name, t.pass, t.evals,
               t.unsupported);
        evals += t.evals;
        pass += t.pass;
        unsupported += t.unsupported;
    }
    closedir(d);
    printf("conformance loki scripts: %zu of %zu, %zu not supported yet, %zu wrong\n", pass, evals,
           unsupported, evals - pass - unsupported);
    CHECK_INT(pass + unsupported, evals);
}

TEST(loki_conformance_line_filters)
{
    const char *dir = test_conformance_dir();
    if (!dir) return;
    char path[1024];
    snprintf(path, sizeof path, "%s/loki/cases/line_filter.json", dir);
    struct arena a;
    arena_init(&a, 256 << 20);
    struct json_in j = json_read(test_read_file(path), &a);
    size_t lines = 0, pass = 0, unsupported = 0;
    json_next(&j);
    while (json_next(&j) == JSON_OBJECT) {
        struct logql_pipeline *p = NULL;
        while (json_next(&j) == JSON_KEY) {
            str k = j.text;
            if (str_eq(k, S("query"))) {
                struct logql_expr *x;
                struct err err;
                json_next(&j);
                if (logql_parse(&a, j.text, &x, &err) != ST_OK ||
                    logql_pipeline_new(&a, &x->log, false, &p, &err) != ST_OK) {
                    p = NULL;
                    unsupported++;
                }
            } else if (str_eq(k, S("lines")) && p) {
                json_next(&j);
                while (json_next(&j) == JSON_OBJECT) {
                    str line = {0};
                    struct loki_labels none = {0};
                    while (json_next(&j) == JSON_KEY) {
                        bool is_line = str_eq(j.text, S("line"));
                        json_next(&j);
                        if (is_line) {
                            line = j.text;
                            continue;
                        }
                        lines++;
                        pass += logql_pipeline_run(p, &a, line, &none) == (j.token == JSON_TRUE);
                    }
                }
            } else {
                json_skip(&j);
            }
        }
    }
    printf("conformance loki/line_filter: %zu of %zu lines, %zu queries not supported yet\n", pass,
           lines, unsupported);
    CHECK_INT(pass, lines);
    arena_done(&a);
}
