/* What stands in a query twice is evaluated once, and the answer is that of evaluating it twice. */
#include <stdio.h>

#include "query/eval/eval.h"
#include "query/parse/parse.h"
#include "testing/test.h"

enum { SERIES = 6, SAMPLES = 60 };

static const int64_t begin_ms = 1'700'000'000'000;

struct source {
    struct series_source source;
    struct memory_source all;
    struct raw_series list[SERIES];
    struct sample samples[SERIES][SAMPLES];
    struct label labels[SERIES][2];
    unsigned asked;
};

static status count_and_select(struct series_source *src, struct arena *a,
                               const struct label_matcher *m, uint32_t n, int64_t from, int64_t to,
                               struct notes *warnings, struct series_set *ret, struct err *err)
{
    struct source *x = (struct source *)src;
    x->asked++;
    return x->all.source.select(&x->all.source, a, m, n, from, to, warnings, ret, err);
}

static void fill(struct source *x, struct arena *a)
{
    static const str ids[] = {S("0"), S("1"), S("2"), S("3"), S("4"), S("5")};
    for (uint32_t i = 0; i < SERIES; i++) {
        x->labels[i][0] = (struct label){LABEL_NAME, S("a_total")};
        x->labels[i][1] = (struct label){S("id"), ids[i]};
        for (uint32_t k = 0; k < SAMPLES; k++)
            x->samples[i][k] = (struct sample){begin_ms + k * 15'000, (k * (i + 3)) % 50};
        x->list[i] = (struct raw_series){
            .labels = labels_make(a, x->labels[i], 2), .samples = x->samples[i], .n = SAMPLES};
    }
    memory_source_init(&x->all, x->list, SERIES);
    x->source = (struct series_source){.select = count_and_select};
}

/* Both with %s in place of a matcher that accepts everything. */
static struct value evaluate(struct arena *a, struct source *x, const char *query,
                             const char *matcher, uint32_t steps, struct promql_counts *counts,
                             struct notes *infos)
{
    struct err err = {};
    struct promql_expr *e;
    struct notes warnings = {.arena = a};
    char text[400];
    snprintf(text, sizeof text, query, matcher);
    str kept = arena_str(a, str_of(text));
    struct promql_eval_options opt = {.grid = {begin_ms + 600'000, 30'000, steps},
                                      .start_ms = begin_ms + 600'000,
                                      .end_ms = begin_ms + 600'000 + (steps - 1) * 30'000,
                                      .is_range = steps > 1,
                                      .counts = counts};
    struct value v = {};
    x->asked = 0;
    *infos = (struct notes){.arena = a};
    CHECK_INT(promql_parse(a, kept, (struct promql_options){}, &e, &err), ST_OK);
    CHECK_INT(promql_eval(a, kept, e, &opt, &x->source, &warnings, infos, &v, &err), ST_OK);
    return v;
}

static void check_same(const struct value *a, const struct value *b)
{
    CHECK_INT(a->n_rows, b->n_rows);
    for (uint32_t r = 0; r < a->n_rows; r++) {
        CHECK(labels_equal(a->rows[r].labels, b->rows[r].labels));
        CHECK(memcmp(a->rows[r].has, b->rows[r].has, a->grid.n) == 0);
        for (uint32_t i = 0; i < a->grid.n; i++)
            CHECK(!a->rows[r].has[i] ||
                  memcmp(&a->rows[r].v[i], &b->rows[r].v[i], sizeof(double)) == 0);
    }
}

TEST(equal_expressions_are_evaluated_once)
{
    static const struct {
        const char *query; /* %s: where a matcher tells one from the other */
        unsigned apart, once;
    } cases[] = {
        {"a_total - a_total{%s}", 2, 1},
        {"-a_total + a_total{%s}", 2, 1},
        {"sum(rate(a_total[5m])) / sum(rate(a_total{%s}[5m]))", 2, 1},
        {"max_over_time(sum(a_total)[5m:30s]) - min_over_time(sum(a_total{%s})[5m:30s])", 2, 1},
        {"max_over_time(sum(a_total)[5m:30s]) - min_over_time(sum(a_total{%s})[4m:30s])", 2, 2},
        {"(sum(a_total) > 9) or (sum(a_total{%s}) <= 9)", 2, 1},
        {"label_replace(a_total, \"x\", \"y\", \"\", \"\") or sum by (id) (abs(-a_total{%s}))", 2,
         2},
        {"sum(a_total @ 1700000300) + sum(a_total{%s} @ 1700000300)", 2, 1},
        {"sum(a_total offset 1m) + sum(a_total{%s} offset 2m)", 2, 2},
        {"abs(a_total) + abs(a_total{%s}) + abs(a_total)", 2, 1},
        {"sum without () (a_total) or sum by () (a_total{%s})", 2, 2},
        {"clamp_max(sum(a_total), 3) + clamp_max(sum(a_total{%s}), 3) + sum(a_total)", 2, 1},
        {"quantile(2, a_total) + quantile(2, a_total{%s})", 2, 2}, /* tells of a place each */
    };
    static struct source x;
    struct arena a;
    arena_init(&a, 256 << 20);
    fill(&x, &a);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint32_t steps = 1; steps <= 11; steps += 10) {
            struct promql_counts apart, once;
            struct notes infos;
            struct value want = evaluate(&a, &x, cases[i].query, "no=\"\"", steps, &apart, &infos);
            CHECK_INT(x.asked, cases[i].apart);
            struct value got = evaluate(&a, &x, cases[i].query, "", steps, &once, &infos);
            CHECK_INT(x.asked, cases[i].once);
            CHECK(want.n_rows > 0);
            check_same(&got, &want);
            CHECK_INT(once.queryable, apart.queryable);
        }
    arena_done(&a);
}
