/* A selection set by set against the same as a whole: the same answers, over random series. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "query/eval/eval.h"
#include "query/parse/parse.h"
#include "testing/test.h"

enum { SERIES = 40, SAMPLES = 200 };

static const int64_t begin_ms = 1'700'000'000'000;

struct source {
    struct series_source source;
    struct memory_source whole;
    struct raw_series list[SERIES];
    uint64_t seed;
    uint32_t sets, slices;
    int64_t kept_to; /* what a scan was told to keep the end of; 0: nothing */
    bool again;      /* a scan went on where another ended */
};

static uint32_t random_below(uint64_t *seed, uint32_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % below;
}

static void make_series(struct source *x, struct arena *a, uint32_t i)
{
    static const str names[] = {S("a_total"), S("b_total"), S("gauge")};
    char text[8];
    struct label *l = arena_array(a, struct label, 3);
    struct sample *s = arena_array(a, struct sample, SAMPLES);
    int64_t t = begin_ms;
    double v = 0;
    l[0] = (struct label){LABEL_NAME, names[i % 3]};
    l[1] = (struct label){
        S("id"), arena_str(a, (str){text, (size_t)snprintf(text, sizeof text, "%02u", i / 3)})};
    l[2] = (struct label){S("g"), i % 2 ? S("x") : S("y")};
    for (uint32_t k = 0; k < SAMPLES; k++) {
        t += 15'000 + random_below(&x->seed, 5000) +
             (random_below(&x->seed, 30) ? 0 : 60'000 * random_below(&x->seed, 9));
        v = random_below(&x->seed, 25) ? v + random_below(&x->seed, 9) : 0;
        s[k] = (struct sample){t, random_below(&x->seed, 60) ? v : stale_nan()};
    }
    x->list[i] = (struct raw_series){
        .labels = labels_make(a, l, 3), .samples = s, .n = SAMPLES - random_below(&x->seed, 100)};
}

static void shuffle(struct series_set *all, uint64_t *seed)
{
    for (uint32_t i = all->n; i > 1; i--) {
        uint32_t k = random_below(seed, i);
        struct raw_series was = all->list[i - 1];
        all->list[i - 1] = all->list[k];
        all->list[k] = was;
    }
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = labels_hash(((const struct raw_series *)a)->labels);
    uint64_t y = labels_hash(((const struct raw_series *)b)->labels);
    return (x > y) - (x < y);
}

static int by_labels(const void *a, const void *b)
{
    return labels_compare(((const struct raw_series *)a)->labels,
                          ((const struct raw_series *)b)->labels);
}

/* Sets of a few, in an order that is not that of labels, whose samples are gone after the call. */
static status scan(struct series_source *src, struct arena *a, const struct label_matcher *m,
                   uint32_t n, int64_t from, int64_t to, struct notes *warnings, struct horizon *,
                   const struct series_sink *sink, struct err *err)
{
    struct source *x = (struct source *)src;
    struct series_set all;
    TRY(x->whole.source.select(&x->whole.source, a, m, n, from, to, warnings, &all, err));
    for (uint32_t i = 0; i < all.n; i++) all.list[i].rank = i;
    if (sink->in_order && all.n)
        qsort(all.list, all.n, sizeof *all.list, by_hash);
    else
        shuffle(&all, &x->seed);
    x->again |= x->kept_to && from <= x->kept_to && to > x->kept_to;
    x->kept_to = sink->tail_ms ? to : 0;
    for (uint32_t i = 0, size; i < all.n; i += size) {
        size = 1 + random_below(&x->seed, all.n - i < 9 ? all.n - i : 9);
        struct arena room;
        arena_init(&room, 1 << 20);
        struct series_set set = {arena_array(&room, struct raw_series, size), size};
        for (uint32_t k = 0; k < size; k++) {
            struct raw_series *s = &set.list[k];
            *s = all.list[i + k];
            struct sample *copy = arena_array(&room, struct sample, s->n + 1);
            memcpy(copy, s->samples, s->n * sizeof *copy);
            s->samples = copy;
        }
        x->sets++;
        status st = sink->take(sink->ctx, &room, &set, err);
        arena_done(&room);
        if (st != ST_OK) return st;
    }
    return ST_OK;
}

static status slice(struct series_source *src, struct arena *, const struct label_matcher *,
                    uint32_t, int64_t, int64_t, int64_t, enum series_needs, int64_t, int64_t *ret,
                    struct err *)
{
    struct source *x = (struct source *)src;
    *ret = random_below(&x->seed, 3) * 60'000 * (1 + random_below(&x->seed, 9));
    x->slices += *ret > 0;
    return ST_OK;
}

static struct value evaluate(struct arena *a, struct series_source *src, const char *query,
                             uint32_t steps)
{
    struct err err = {};
    struct promql_expr *e;
    struct notes warnings = {.arena = a}, infos = {.arena = a};
    struct promql_eval_options opt = {.grid = {begin_ms + 600'000, 37'000, steps},
                                      .start_ms = begin_ms + 600'000,
                                      .end_ms = begin_ms + 600'000 + (steps - 1) * 37'000,
                                      .is_range = steps > 1};
    struct value v = {};
    CHECK_INT(promql_parse(a, str_of(query), (struct promql_options){}, &e, &err), ST_OK);
    CHECK_INT(promql_eval(a, str_of(query), e, &opt, src, &warnings, &infos, &v, &err), ST_OK);
    return v;
}

static void check_same(const struct value *got, const struct value *want)
{
    CHECK_INT(got->n_rows, want->n_rows);
    for (uint32_t r = 0; r < want->n_rows; r++) {
        CHECK(labels_equal(got->rows[r].labels, want->rows[r].labels));
        for (uint32_t i = 0; i < want->grid.n; i++) {
            CHECK_INT(got->rows[r].has[i], want->rows[r].has[i]);
            double v = want->rows[r].v[i];
            if (want->rows[r].has[i] && !isnan(v))
                CHECK_NEAR(got->rows[r].v[i], v, 1e-12 * (1 + fabs(v)));
        }
    }
}

TEST(sets_of_series_give_what_the_whole_selection_gives)
{
    static const char *const queries[] = {
        "a_total",
        "{id=~\".+\"}",
        "timestamp(gauge)",
        "rate(a_total[5m])",
        "sum by (g) (rate(a_total[5m]))",
        "sum without (id) (gauge)",
        "avg(gauge) by (g)",
        "max by (g) (max_over_time(gauge[10m]))",
        "min(gauge)",
        "count by (id) ({id=~\".+\"})",
        "group by (g) (a_total)",
        "stddev by (g) (gauge)",
        "stdvar(rate(b_total[5m]))",
        "sum(gauge offset 3m)",
        "sum(gauge @ 1700001000)",
        "topk(3, rate(a_total[5m]))",
        "quantile by (g) (0.9, gauge)",
        "quantile_over_time(0.5, gauge[10m])",
        "last_over_time(gauge[3m])",
        "a_total / on (id, g) b_total",
        "sum by (g) (a_total) / sum by (g) (a_total)",
        "max_over_time(sum by (g) (rate(a_total[5m]))[10m:1m])",
        "absent(nothing)",
        "count(count_over_time(gauge[1m]) > 2)",
        "sum by (g) (-rate(a_total[5m] offset -2m) * 60 > -7)",
        "avg by (g) (clamp_max(abs(gauge - 100), 30) + time())",
        "max by (g) (quantile_over_time(0.5, gauge[7m]))",
        "sum(2 ^ round(deriv(gauge[10m]), 5))",
        "stddev by (g) (predict_linear(gauge[5m], time() - 1700000000))",
        "sum by (g) (scalar(sum(a_total)) * gauge)",
        "count by (g) (last_over_time(gauge[3m]) == bool 3)",
        "sum(rate(a_total[30s]))",
    };
    static struct source x;
    uint32_t sets = 0, slices = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct arena a;
        arena_init(&a, 256 << 20);
        x = (struct source){.source = {.scan = scan, .slice = slice}, .seed = seed};
        for (uint32_t i = 0; i < SERIES; i++) make_series(&x, &a, i);
        qsort(x.list, SERIES, sizeof *x.list, by_labels);
        memory_source_init(&x.whole, x.list, SERIES);
        x.source.select = x.whole.source.select;
        for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
            for (uint32_t steps = 1; steps <= 61; steps += 60) {
                struct value want = evaluate(&a, &x.whole.source, queries[i], steps);
                struct value got = evaluate(&a, &x.source, queries[i], steps);
                check_same(&got, &want);
            }
        sets += x.sets;
        slices += x.slices;
        CHECK(x.again);
        arena_done(&a);
    }
    CHECK(sets > 1000);
    CHECK(slices > 100);
}
