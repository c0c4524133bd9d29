/* Windows against the samples they stand for: the same answers, over random series. */
#include <math.h>
#include <stdlib.h>

#include "query/eval/eval.h"
#include "query/parse/parse.h"
#include "query/promql_delta.h"
#include "testing/test.h"

enum { SAMPLES = 4000, WINDOWS = 2000 };

static const int64_t begin_ms = 1'700'000'000'000 / 3'600'000 * 3'600'000;

/* A source that has lost the samples up to its horizon. */
struct rolled_source {
    struct series_source source;
    struct raw_series all, left;
    struct horizon horizon;
    struct sample samples[SAMPLES];
    struct rolled windows[WINDOWS];
};

static uint32_t random_below(uint64_t *seed, uint32_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % below;
}

static struct raw_series window_of(const struct raw_series *s, int64_t from, int64_t to)
{
    struct raw_series out = {.labels = s->labels};
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->samples[i].t <= from || s->samples[i].t > to) continue;
        if (!out.n) out.samples = &s->samples[i];
        if (!out.n && s->starts) out.starts = &s->starts[i];
        out.n++;
    }
    return out;
}

static void add_windows(struct rolled_source *x, int64_t from, int64_t to, int64_t width)
{
    for (int64_t end = from + width; end <= to; end += width) {
        struct raw_series in = window_of(&x->all, end - width, end);
        if (!in.n) continue;
        struct rolled w = {.end = end,
                           .width = width,
                           .n = in.n,
                           .known = ROLLED_ALL,
                           .first = in.samples[0],
                           .last = in.samples[in.n - 1],
                           .min = in.samples[0].v,
                           .max = in.samples[0].v};
        for (uint32_t i = 0; i < in.n; i++) {
            double v = in.samples[i].v, before = i ? in.samples[i - 1].v : v;
            w.min = fmin(w.min, v);
            w.max = fmax(w.max, v);
            w.sum += v;
            w.increase += v < before ? v : v - before;
        }
        x->windows[x->left.n_rolled++] = w;
    }
}

static status select_all(struct series_source *s, struct arena *a, const struct label_matcher *,
                         uint32_t, int64_t from, int64_t to, struct notes *, struct series_set *ret,
                         struct err *)
{
    const struct rolled_source *x = (const struct rolled_source *)s;
    *ret = (struct series_set){arena_array(a, struct raw_series, 1), 1};
    ret->list[0] = window_of(&x->all, from - 1, to);
    return ST_OK;
}

static status select_left(struct series_source *s, struct arena *a, const struct label_matcher *,
                          uint32_t, int64_t, int64_t, struct notes *, struct series_set *ret,
                          struct horizon *ret_horizon, struct err *)
{
    const struct rolled_source *x = (const struct rolled_source *)s;
    *ret = (struct series_set){arena_array(a, struct raw_series, 1), 1};
    ret->list[0] = x->left;
    *ret_horizon = x->horizon;
    return ST_OK;
}

/* 30 hours: 12 as hours, 10 as five minutes, 8 as samples. */
static void make(struct rolled_source *x, struct arena *a, uint64_t seed)
{
    uint32_t n = 0;
    double v = 0;
    int64_t hour = 3'600'000, t = begin_ms;
    *x = (struct rolled_source){};
    while ((t += 1000 * (5 + random_below(&seed, 60))) < begin_ms + 30 * hour && n < SAMPLES) {
        if (random_below(&seed, 50) == 0) t += 60'000 * random_below(&seed, 90);
        v = random_below(&seed, 20) == 0 ? random_below(&seed, 5) : v + random_below(&seed, 9);
        x->samples[n++] = (struct sample){t, v};
    }
    struct label *l = arena_array(a, struct label, 1);
    l[0] = (struct label){LABEL_NAME, S("x_total")};
    x->all = (struct raw_series){.labels = labels_make(a, l, 1), .samples = x->samples, .n = n};
    x->horizon = (struct horizon){true, begin_ms + 22 * hour, begin_ms + 12 * hour};
    x->left = window_of(&x->all, x->horizon.raw_after, INT64_MAX);
    x->left.labels = x->all.labels;
    x->left.rolled = x->windows;
    add_windows(x, begin_ms, x->horizon.fine_after, hour);
    add_windows(x, x->horizon.fine_after, x->horizon.raw_after, 300'000);
}

static struct value evaluate(struct arena *a, struct series_source *src, const char *query,
                             struct notes *infos)
{
    struct err err = {};
    struct promql_expr *e;
    struct notes warnings = {.arena = a};
    struct promql_eval_options opt = {.grid = {begin_ms, 3'600'000, 31},
                                      .start_ms = begin_ms,
                                      .end_ms = begin_ms + 30 * 3'600'000,
                                      .is_range = true};
    struct value v = {};
    CHECK_INT(
        promql_parse(a, str_of(query), (struct promql_options){.experimental = true}, &e, &err),
        ST_OK);
    CHECK_INT(promql_eval(a, str_of(query), e, &opt, src, &warnings, infos, &v, &err), ST_OK);
    return v;
}

static void check_same(struct arena *a, struct rolled_source *x, const char *query, bool rounded)
{
    struct notes infos = {.arena = a}, more = {.arena = a};
    x->source = (struct series_source){.select = select_all};
    struct value want = evaluate(a, &x->source, query, &infos);
    x->source.select_rolled = select_left;
    struct value got = evaluate(a, &x->source, query, &more);
    CHECK_INT(more.n > infos.n, rounded);
    if (rounded) return;
    CHECK_INT(got.n_rows, want.n_rows);
    CHECK_INT(want.n_rows, 1);
    for (uint32_t i = 0; i < got.grid.n; i++) {
        CHECK_INT(got.rows[0].has[i], want.rows[0].has[i]);
        if (want.rows[0].has[i] == POINT_FLOAT)
            CHECK_NEAR(got.rows[0].v[i], want.rows[0].v[i], 1e-9 * (1 + fabs(want.rows[0].v[i])));
    }
}

TEST(windows_give_what_their_samples_gave)
{
    static const char *const queries[] = {
        "rate(x_total[1h])",
        "rate(x_total[5h])",
        "increase(x_total[2h])",
        "delta(x_total[3h])",
        "sum_over_time(x_total[1h])",
        "avg_over_time(x_total[2h])",
        "count_over_time(x_total[4h])",
        "min_over_time(x_total[1h])",
        "max_over_time(x_total[6h])",
        "last_over_time(x_total[1h])",
        "first_over_time(x_total[2h])",
        "present_over_time(x_total[1h])",
        "increase(x_total[24h])",
    };
    static struct rolled_source x;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct arena a;
        arena_init(&a, 64 << 20);
        make(&x, &a, seed);
        for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
            check_same(&a, &x, queries[i], false);
        arena_done(&a);
    }
}

/* The samples become deltas: as those of raw rows, and as windows of them. */
static void make_deltas(struct rolled_source *x, struct arena *a)
{
    struct output all = {.samples = x->samples, .n = x->all.n};
    struct output left = {.samples = arena_array(a, struct sample, x->all.n),
                          .n = x->left.n,
                          .rolled = x->windows,
                          .n_rolled = x->left.n_rolled};
    for (uint32_t i = 0; i < left.n_rolled; i++) x->windows[i].increase = x->windows[i].sum;
    memcpy(left.samples, x->left.samples, left.n * sizeof *left.samples);
    delta_accumulate(a, &left, &x->left.starts);
    x->left.samples = left.samples;
    delta_accumulate(a, &all, &x->all.starts);
}

TEST(windows_of_deltas_give_what_their_samples_gave)
{
    static const char *const queries[] = {
        "rate(x_total[1h])",           "rate(x_total[5h])",  "increase(x_total[2h])",
        "increase(x_total[24h])",      "delta(x_total[3h])", "count_over_time(x_total[4h])",
        "last_over_time(x_total[1h])",
    };
    static struct rolled_source x;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct arena a;
        arena_init(&a, 64 << 20);
        make(&x, &a, seed);
        make_deltas(&x, &a);
        for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
            check_same(&a, &x, queries[i], false);
        arena_done(&a);
    }
}

TEST(ranges_between_windows_are_rounded_and_told)
{
    static struct rolled_source x;
    struct arena a;
    arena_init(&a, 64 << 20);
    make(&x, &a, 7);
    check_same(&a, &x, "rate(x_total[90m])", true);
    check_same(&a, &x, "rate(x_total[1h] offset 1m)", true);
    check_same(&a, &x, "x_total offset 17m", true);
    check_same(&a, &x, "quantile_over_time(0.5, x_total[1h])", false);
    arena_done(&a);
}

TEST(a_plain_selector_sees_the_last_sample_of_the_window_before_the_step)
{
    static struct rolled_source x;
    struct arena a;
    arena_init(&a, 64 << 20);
    make(&x, &a, 3);
    struct notes infos = {.arena = &a};
    x.source = (struct series_source){.select = select_all, .select_rolled = select_left};
    struct value v = evaluate(&a, &x.source, "x_total", &infos);
    CHECK_INT(v.n_rows, 1);
    for (uint32_t i = 1; i < v.grid.n; i++) {
        int64_t t = begin_ms + i * 3'600'000ll;
        int64_t reach = t <= x.horizon.fine_after ? 3'600'000 : 300'000;
        struct raw_series in = window_of(&x.all, t - reach, t);
        CHECK_INT(v.rows[0].has[i] == POINT_FLOAT, in.n > 0);
        if (in.n) CHECK_NEAR(v.rows[0].v[i], in.samples[in.n - 1].v, 0);
    }
    arena_done(&a);
}
