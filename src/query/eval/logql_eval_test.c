#include "query/eval/logql_eval.h"

#include <math.h>
#include <stdio.h>

#include "testing/test.h"

static struct arena arena;

/* Lines in memory, through the same pipeline and windows as those of a store. */
struct line {
    struct loki_labels labels;
    const char *text;
    nanos time;
};

struct lines {
    struct logql_source source;
    struct line v[64];
    uint32_t n;
};

static status load(struct logql_source *s, const struct logql_expr *x, const struct logql_grid *g,
                   const struct logql_needs *needs, struct logql_windows *into, struct err *err)
{
    struct lines *l = (struct lines *)s;
    struct logql_pipeline *p;
    struct logql_selector *sel;
    (void)needs;
    TRY(logql_pipeline_new(&arena, &x->log, false, &p, err));
    TRY(logql_selector_new(&arena, &x->log.matchers, &sel, err));
    for (uint32_t i = 0; i < l->n; i++) {
        struct loki_labels labels = loki_labels_copy(&arena, &l->v[i].labels);
        str text = {l->v[i].text, strlen(l->v[i].text)};
        if (!logql_selector_match(sel, &labels) || !logql_pipeline_run(p, &arena, text, &labels))
            continue;
        TRY(logql_windows_add(into, &labels, logql_window_span(g, x->range, l->v[i].time), 1,
                              text.len, err));
    }
    return ST_OK;
}

static void add(struct lines *l, str app, str level, const char *text, nanos time)
{
    struct line *x = &l->v[l->n++];
    *x = (struct line){.text = text, .time = time};
    loki_labels_set(&arena, &x->labels, S("app"), app);
    if (level.len) loki_labels_set(&arena, &x->labels, S("level"), level);
}

static struct lines sample(void)
{
    struct lines l = {.source = {load}};
    for (int i = 0; i < 6; i++)
        add(&l, S("a"), i % 2 ? S("info") : S("error"), "four", i * 10 * NANOS_S);
    for (int i = 0; i < 3; i++) add(&l, S("b"), S(""), "b", i * 10 * NANOS_S);
    return l;
}

static struct logql_expr range_of(enum logql_range_op op, str app, nanos range)
{
    struct logql_matcher *m = arena_new(&arena, struct logql_matcher);
    *m = (struct logql_matcher){S("app"), LOGQL_RE, app};
    return (struct logql_expr){
        .kind = LOGQL_RANGE, .range_op = op, .range = range, .log = {.matchers = {m, 1}}};
}

/* labels => values, a gap as _ */
static str shown(const struct logql_matrix *m, uint32_t n)
{
    static struct buf b;
    if (!b.max) buf_init(&b, 1 << 20);
    buf_clear(&b);
    if (m->scalar) buf_printf(&b, "%g", m->number);
    for (uint32_t i = 0; i < m->n; i++) {
        if (i) buf_char(&b, ';');
        loki_labels_print(&b, &m->v[i].labels);
        for (uint32_t k = 0; k < n; k++)
            if (m->v[i].present[k])
                buf_printf(&b, " %g", m->v[i].values[k]);
            else
                buf_add(&b, S(" _"));
    }
    return buf_str(&b);
}

static str eval(const struct logql_expr *x, nanos start, nanos step, uint32_t n)
{
    struct lines l = sample();
    struct logql_eval e = {&arena, {start, step, n}, &l.source, 100};
    struct logql_matrix m;
    struct err err = {};
    if (logql_eval(&e, x, &m, &err) != ST_OK)
        return arena_str(&arena, (str){err.msg, strlen(err.msg)});
    return shown(&m, n);
}

TEST(logql_window_is_open_on_the_left_and_closed_on_the_right)
{
    struct logql_grid g = {100, 10, 5};
    struct logql_span s = logql_window_span(&g, 10, 100);
    CHECK(s.first == 0 && s.last == 0);
    s = logql_window_span(&g, 10, 101);
    CHECK(s.first == 1 && s.last == 1);
    s = logql_window_span(&g, 10, 90);
    CHECK(s.last < s.first);
    s = logql_window_span(&g, 25, 101);
    CHECK(s.first == 1 && s.last == 2);
    s = logql_window_span(&g, 3, 105); /* between the windows */
    CHECK(s.last < s.first);
    s = logql_window_span(&g, 1000, 50);
    CHECK(s.first == 0 && s.last == 4);
    /* every time of the grid, one by one */
    for (nanos range = 1; range < 40; range++)
        for (nanos ts = 50; ts < 170; ts++) {
            s = logql_window_span(&g, range, ts);
            for (uint32_t i = 0; i < g.n; i++) {
                nanos t = g.start + (nanos)i * g.step;
                CHECK((ts > t - range && ts <= t) == (s.first <= i && i <= s.last));
            }
        }
}

TEST(logql_range_aggregations_have_a_value_only_where_a_line_is)
{
    arena_init(&arena, 16 << 20);
    struct logql_expr x = range_of(LOGQL_COUNT_OVER_TIME, S("b"), 10 * NANOS_S);
    CHECK_STR(eval(&x, 0, 10 * NANOS_S, 4), S("{app=\"b\"} 1 1 1 _"));
    x.range_op = LOGQL_BYTES_RATE;
    CHECK_STR(eval(&x, 0, 10 * NANOS_S, 4), S("{app=\"b\"} 0.1 0.1 0.1 _"));
    x.offset = 10 * NANOS_S;
    CHECK_STR(eval(&x, 0, 10 * NANOS_S, 4), S("{app=\"b\"} _ 0.1 0.1 0.1"));
    x = range_of(LOGQL_ABSENT_OVER_TIME, S("b"), 10 * NANOS_S);
    CHECK_STR(eval(&x, 0, 10 * NANOS_S, 4), S("{} _ _ _ 1"));
    arena_done(&arena);
}

TEST(logql_aggregates_by_and_without)
{
    arena_init(&arena, 16 << 20);
    struct logql_expr in = range_of(LOGQL_COUNT_OVER_TIME, S("a|b"), 60 * NANOS_S);
    str app[] = {S("app")};
    struct logql_expr x = {
        .kind = LOGQL_VECTOR, .vector_op = LOGQL_SUM, .left = &in, .by = {true, false, app, 1}};
    CHECK_STR(eval(&x, 50 * NANOS_S, 1, 1), S("{app=\"a\"} 6;{app=\"b\"} 3"));
    x.by.without = true;
    CHECK_STR(eval(&x, 50 * NANOS_S, 1, 1), S("{} 3;{level=\"error\"} 3;{level=\"info\"} 3"));
    x.vector_op = LOGQL_COUNT;
    x.by.given = false;
    CHECK_STR(eval(&x, 50 * NANOS_S, 1, 1), S("{} 3"));
    x.vector_op = LOGQL_TOPK;
    x.k = 1;
    CHECK_STR(eval(&x, 10 * NANOS_S, 10 * NANOS_S, 2), S("{app=\"b\"} 2 3"));
    x.vector_op = LOGQL_AVG;
    CHECK_STR(eval(&x, 0, 10 * NANOS_S, 2), S("{} 1 1.33333"));
    x.vector_op = LOGQL_MAX;
    CHECK_STR(eval(&x, 0, 10 * NANOS_S, 2), S("{} 1 2"));
    arena_done(&arena);
}

TEST(logql_binary_operators_match_one_to_one)
{
    arena_init(&arena, 16 << 20);
    struct logql_expr a = range_of(LOGQL_COUNT_OVER_TIME, S("a|b"), 20 * NANOS_S),
                      two = {.kind = LOGQL_LITERAL, .number = 2};
    struct logql_expr b = range_of(LOGQL_COUNT_OVER_TIME, S("b"), 20 * NANOS_S);
    struct logql_expr x = {
        .kind = LOGQL_BINARY, .binary_op = LOGQL_OP_GTE, .left = &a, .right = &two};
    CHECK_STR(eval(&x, 10 * NANOS_S, 1, 1), S("{app=\"b\"} 2"));
    x.returns_bool = true;
    CHECK_STR(eval(&x, 10 * NANOS_S, 1, 1),
              S("{app=\"a\", level=\"error\"} 0;{app=\"a\", level=\"info\"} 0;{app=\"b\"} 1"));
    x = (struct logql_expr){
        .kind = LOGQL_BINARY, .binary_op = LOGQL_OP_DIV, .left = &a, .right = &b};
    CHECK_STR(eval(&x, 0, 20 * NANOS_S, 2), S("{app=\"b\"} 1 1"));
    x.binary_op = LOGQL_OP_UNLESS;
    CHECK_STR(eval(&x, 0, 20 * NANOS_S, 2),
              S("{app=\"a\", level=\"error\"} 1 1;{app=\"a\", level=\"info\"} _ 1"));
    x.binary_op = LOGQL_OP_OR;
    x.left = &b;
    x.right = &a;
    CHECK_STR(eval(&x, 0, 20 * NANOS_S, 1), S("{app=\"a\", level=\"error\"} 1;{app=\"b\"} 1"));
    str none[] = {S("x")};
    x = (struct logql_expr){.kind = LOGQL_BINARY,
                            .binary_op = LOGQL_OP_ADD,
                            .left = &a,
                            .right = &a,
                            .by = {true, false, none, 1}};
    CHECK_STR(eval(&x, 10 * NANOS_S, 1, 1), S("multiple matches for labels: many-to-one matching "
                                              "must be explicit (group_left/group_right)"));
    struct logql_expr zero = {.kind = LOGQL_LITERAL};
    x = (struct logql_expr){
        .kind = LOGQL_BINARY, .binary_op = LOGQL_OP_DIV, .left = &b, .right = &zero};
    CHECK_STR(eval(&x, 10 * NANOS_S, 1, 1), S("{app=\"b\"} nan"));
    arena_done(&arena);
}

TEST(logql_label_replace_is_anchored)
{
    arena_init(&arena, 16 << 20);
    struct logql_expr b = range_of(LOGQL_COUNT_OVER_TIME, S("b"), 20 * NANOS_S);
    struct logql_expr x = {.kind = LOGQL_LABEL_REPLACE,
                           .left = &b,
                           .dst = S("to"),
                           .replacement = S("x-$1"),
                           .src = S("app"),
                           .regex = S("(.*)")};
    CHECK_STR(eval(&x, 0, 1, 1), S("{app=\"b\", to=\"x-b\"} 1"));
    x.regex = S("zz");
    CHECK_STR(eval(&x, 0, 1, 1), S("{app=\"b\"} 1"));
    arena_done(&arena);
}

TEST(logql_limits_series_and_refuses_pipeline_errors)
{
    arena_init(&arena, 16 << 20);
    struct lines l = sample();
    struct logql_eval e = {&arena, {NANOS_S, 1, 1}, &l.source, 2};
    struct logql_matrix m;
    struct err err = {};
    struct logql_expr x = range_of(LOGQL_COUNT_OVER_TIME, S(".+"), 100 * NANOS_S);
    e.grid.start = 60 * NANOS_S;
    CHECK(logql_eval(&e, &x, &m, &err) == ST_INVALID);
    CHECK(strstr(err.msg, "maximum number of series (2)"));
    struct logql_filter f = {
        .kind = LOGQL_FILTER_NUMBER, .match = {S("level"), LOGQL_GT, {0}}, .number = 1};
    struct logql_stage s = {.kind = LOGQL_STAGE_LABEL, .label = &f};
    x.log.stages = &s;
    x.log.n_stages = 1;
    CHECK(logql_eval(&e, &x, &m, &err) == ST_INVALID);
    CHECK(strstr(
        err.msg,
        "pipeline error: 'LabelFilterErr' for series: '{__error__=\"LabelFilterErr\", app=\"a\""));
    arena_done(&arena);
}

static bool stays(struct logql_filter *f, str value, bool has)
{
    struct logql_stage s = {.kind = LOGQL_STAGE_LABEL, .label = f};
    struct logql_log log = {.stages = &s, .n_stages = 1};
    struct logql_pipeline *p;
    struct err err;
    struct loki_labels l = {0};
    if (has) loki_labels_set(&arena, &l, S("x"), value);
    return logql_pipeline_new(&arena, &log, false, &p, &err) == ST_OK &&
           logql_pipeline_run(p, &arena, S(""), &l);
}

TEST(logql_label_filters_read_numbers_durations_and_sizes)
{
    arena_init(&arena, 16 << 20);
    struct logql_filter f = {
        .kind = LOGQL_FILTER_DURATION, .match = {S("x"), LOGQL_GT, {0}}, .number = 1e9};
    CHECK(stays(&f, S("1.5s"), true));
    CHECK(!stays(&f, S("900ms"), true));
    CHECK(!stays(&f, S(""), false));   /* absent: dropped */
    CHECK(stays(&f, S("soon"), true)); /* unreadable: kept and marked */
    f.kind = LOGQL_FILTER_BYTES;
    f.number = 1000;
    CHECK(stays(&f, S("1KiB"), true));
    CHECK(!stays(&f, S("1kb"), true));
    f = (struct logql_filter){.kind = LOGQL_FILTER_TEXT, .match = {S("x"), LOGQL_NEQ, S("a")}};
    CHECK(stays(&f, S(""), false)); /* absent is empty */
    CHECK(!stays(&f, S("a"), true));
    arena_done(&arena);
}
