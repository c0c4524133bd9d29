/* How a selection is read makes no difference to PromQL's answers: all of it or some at a time,
 * what the engine or the rollups know of it, which series were known before. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/promql_stored.h"
#include "lifecycle/rollup.h"
#include "query/api.h"
#include "query/parse/parse.h"

static int by_labels(const void *a, const void *b)
{
    return labels_compare(((const struct raw_series *)a)->labels,
                          ((const struct raw_series *)b)->labels);
}

enum { PROPERTY_SERIES = 9, PROPERTY_SAMPLES = 1500 }; /* of six hours */

static uint32_t random_below(uint64_t *seed, uint32_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % below;
}

/* Counters and gauges with gaps, resets and markers. */
static void make_series(struct script *s)
{
    static const str names[] = {S("a_total"), S("b_total"), S("gauge")};
    static const str ids[] = {S("0"), S("1"), S("2")};
    uint64_t seed = 7;
    s->series = arena_array(&s->arena, struct loaded, PROPERTY_SERIES);
    for (s->n = 0; s->n < PROPERTY_SERIES; s->n++) {
        struct loaded *l = &s->series[s->n];
        struct label *labels = arena_array(&s->arena, struct label, 3);
        labels[0] = (struct label){LABEL_NAME, names[s->n % 3]};
        labels[1] = (struct label){S("id"), ids[s->n / 3]};
        labels[2] = (struct label){S("g"), s->n % 2 ? S("x") : S("y")};
        *l = (struct loaded){.labels = labels_make(&s->arena, labels, 3),
                             .samples = arena_array(&s->arena, struct sample, PROPERTY_SAMPLES),
                             .starts = arena_array(&s->arena, int64_t, PROPERTY_SAMPLES)};
        memset(l->starts, 0, PROPERTY_SAMPLES * sizeof *l->starts);
        int64_t t = 0;
        double v = 0.1;
        for (; l->n < PROPERTY_SAMPLES; l->n++) {
            t += 14'000 + random_below(&seed, 1500) + (random_below(&seed, 90) ? 0 : 400'000);
            v = random_below(&seed, 70) ? v + random_below(&seed, 90) / 7.0 : 0;
            l->samples[l->n] = (struct sample){t, random_below(&seed, 60) ? v : stale_nan()};
        }
    }
}

static struct value evaluate_over(struct arena *a, struct series_source *source, const char *query,
                                  struct grid g)
{
    struct err err = {};
    struct promql_expr *e;
    struct notes warnings = {.arena = a}, infos = {.arena = a};
    struct promql_eval_options opt = {.grid = g,
                                      .start_ms = g.start,
                                      .end_ms = g.start + (g.n - 1) * g.step,
                                      .is_range = g.n > 1};
    struct value v = {};
    WANT(promql_parse(a, str_of(query), (struct promql_options){}, &e, &err), ST_OK);
    WANT(promql_eval(a, str_of(query), e, &opt, source, &warnings, &infos, &v, &err), ST_OK);
    return v;
}

static struct value evaluate(struct arena *a, struct series_source *source, const char *query,
                             uint32_t steps)
{
    return evaluate_over(a, source, query,
                         (struct grid){steps > 1 ? 900'000 : 9'000'000, 97'000, steps});
}

static void check_same(const struct value *got, const struct value *want, bool digits)
{
    CHECK_INT(got->n_rows, want->n_rows);
    for (uint32_t r = 0; r < want->n_rows; r++) {
        CHECK(labels_equal(got->rows[r].labels, want->rows[r].labels));
        for (uint32_t i = 0; i < want->grid.n; i++) {
            CHECK_INT(got->rows[r].has[i], want->rows[r].has[i]);
            if (!want->rows[r].has[i]) continue;
            double x = got->rows[r].v[i], y = want->rows[r].v[i];
            CHECK(memcmp(&x, &y, sizeof x) == 0 ||
                  (!digits && fabs(x - y) <= 1e-11 * (1 + fabs(y))));
        }
    }
}

/* Memory's answer but for the order of additions; the store's, however it is read, to the bit. */
TEST(a_selection_cut_by_series_or_time_gives_what_the_whole_gives)
{
    static const char *const queries[] = {
        "a_total",
        "count({id=~\".+\"})",
        "sum by (g) (rate(a_total[5m]))",
        "avg by (g) (gauge)",
        "sum(increase(b_total[13m] offset 7m))",
        "stddev by (g) (gauge offset -4m)",
        "max by (g) (-max_over_time(gauge[20m]) + time())",
        "min(gauge) by (id)",
        "sum by (g) (a_total) / sum by (g) (rate(a_total[10m]))",
        "gauge - gauge offset 1m",
        "sum(gauge) - sum(last_over_time(gauge[5m]))",
        "sum(rate(a_total[1m])) + max(rate(a_total[1h])) + min(rate(a_total[5m]))",
        "max_over_time(sum(gauge)[10m:1m]) - min_over_time(sum(gauge)[10m:1m])",
        "topk(2, rate(a_total[5m]))",
        "timestamp(gauge)",
        "sum(gauge @ 9000)",
    };
    struct script s = {.changed = true};
    struct memory_source memory;
    struct raw_series *list;
    arena_init(&s.arena, 512 << 20);
    make_series(&s);
    list = arena_array(&s.arena, struct raw_series, s.n);
    for (uint32_t i = 0; i < s.n; i++) /* in the order of labels: of names, then of g, then id */
        list[i] = (struct raw_series){
            .labels = s.series[i].labels, .samples = s.series[i].samples, .n = s.series[i].n};
    qsort(list, s.n, sizeof *list, by_labels);
    memory_source_init(&memory, list, s.n);
    stored_add(&s, S("property"));
    static const uint64_t batches[] = {0, 50, 500, 1000, 3000, 6000};
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        for (uint32_t steps = 1; steps <= 201; steps += 200) {
            struct value want = evaluate(&s.arena, &memory.source, queries[i], steps), first = {};
            for (size_t k = 0; k < sizeof batches / sizeof *batches; k++) {
                struct stored_case *c = stored_case_new(&s.arena, 0, batches[k]);
                c->number = S("property");
                struct value got = evaluate(&s.arena, &c->source, queries[i], steps);
                check_same(&got, &want, false);
                if (k) check_same(&got, &first, true);
                if (!k) first = got;
            }
        }
    CHECK(stored_counts.slices > 20);
    arena_done(&s.arena);
}

/* Numbers among which least and most are not plain: zeros of both signs, NaN, markers, integers and
 * fractions; one series with nothing else. */
static void make_odd_series(struct script *s, uint64_t seed)
{
    const double odd[] = {
        0, -0.0, NAN, stale_nan(), 3, -3, 0.5, -0.5, 9007199254740992, INFINITY, -INFINITY, 1e300};
    enum { ODD = sizeof odd / sizeof *odd, N = 24, SAMPLES = 1000 };
    s->series = arena_array(&s->arena, struct loaded, N);
    for (s->n = 0; s->n < N; s->n++) {
        struct loaded *l = &s->series[s->n];
        struct label *labels = arena_array(&s->arena, struct label, 2);
        char *id = arena_alloc(&s->arena, 2, 1);
        id[0] = (char)('a' + s->n);
        labels[0] = (struct label){LABEL_NAME, s->n % 4 ? S("odd") : S("even")};
        labels[1] = (struct label){S("odd"), {id, 1}};
        *l = (struct loaded){.labels = labels_make(&s->arena, labels, 2),
                             .samples = arena_array(&s->arena, struct sample, SAMPLES),
                             .starts = arena_array(&s->arena, int64_t, SAMPLES)};
        memset(l->starts, 0, SAMPLES * sizeof *l->starts);
        int64_t t = 1000 * (int64_t)random_below(&seed, 60);
        uint32_t from = random_below(&seed, ODD), some = 1 + random_below(&seed, ODD - from);
        for (; l->n < SAMPLES; l->n++) {
            t += 1'000 * (1 + (int64_t)random_below(&seed, 30));
            l->samples[l->n] = (struct sample){t, odd[from + random_below(&seed, some)]};
        }
    }
}

/* The engine says what is needed of each series, or hands over all there is. */
TEST(the_least_and_the_most_of_a_range_are_those_of_its_samples)
{
    static const char *const queries[] = {
        "max_over_time(odd[2h30m])",
        "min_over_time(odd[3h])",
        "present_over_time({odd=~\".+\"}[2h5m])",
        "max_over_time({odd=~\"[b-f]\"}[4h] offset 10m)",
        "min_over_time(odd{odd=\"c\"}[150m] @ 12000)",
        "count(max_over_time({odd!=\"\"}[3h]) == min_over_time({odd!=\"\"}[3h]))",
        "1 / min_over_time(odd[200m])",
        "count by (odd) (present_over_time(odd{odd=~\".+\"}[3h]))",
        "max by (odd) (max_over_time(odd[3h] offset 1h)) - min by (odd) (min_over_time(odd[2h]))",
        "topk(3, max_over_time(odd[3h]))",
        "max_over_time(nothing[3h])",
    };
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct script s = {.changed = true};
        struct memory_source memory;
        char name[16];
        arena_init(&s.arena, 256 << 20);
        make_odd_series(&s, seed);
        struct raw_series *list = arena_array(&s.arena, struct raw_series, s.n);
        for (uint32_t i = 0; i < s.n; i++)
            list[i] = (struct raw_series){
                .labels = s.series[i].labels, .samples = s.series[i].samples, .n = s.series[i].n};
        qsort(list, s.n, sizeof *list, by_labels);
        memory_source_init(&memory, list, s.n);
        str number = {name, (size_t)snprintf(name, sizeof name, "odd%u", (unsigned)seed)};
        stored_add(&s, number);
        for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
            for (uint64_t batch = 0; batch <= 50; batch += 50) {
                struct stored_case *c = stored_case_new(&s.arena, 0, batch);
                c->number = number;
                struct value want = evaluate(&s.arena, &memory.source, queries[i], 1);
                struct value got = evaluate(&s.arena, &c->source, queries[i], 1);
                check_same(&got, &want, true);
            }
        arena_done(&s.arena);
    }
    CHECK(stored_counts.needed > 30);
}

/* --- windows of rollups in the midst of a range */

enum { CHANGE_SERIES = 22, CHANGE_SAMPLES = 1500, CHANGE_INTERVAL = 30'000 };

/* What befalls a counter, of whole numbers ("whole") or not ("part"). */
enum {
    GROWS,
    FALLS,
    PAUSES,
    BORN,
    ENDS,
    MARKED,
    STARTED,
    STARTED_ANEW,
    ODD_NUMBERS,
    SPARSE,
    SHARP
};

static bool has_sample(unsigned fate, uint32_t i)
{
    switch (fate) {
    case PAUSES: return i < 500 || i > 780;
    case BORN: return i > 600;
    case ENDS: return i < 700;
    case SPARSE: return i % 14 == 0;
    default: return true;
    }
}

static void make_counters(struct script *s)
{
    static const char *const fates[] = {"grows", "falls",  "pauses",  "born",
                                        "ends",  "marked", "started", "started_again",
                                        "odd",   "sparse", "sharp"};
    uint64_t seed = 11;
    s->series = arena_array(&s->arena, struct loaded, CHANGE_SERIES);
    for (s->n = 0; s->n < CHANGE_SERIES; s->n++) {
        struct loaded *l = &s->series[s->n];
        struct label *labels = arena_array(&s->arena, struct label, 2);
        unsigned fate = s->n / 2;
        labels[0] = (struct label){LABEL_NAME, s->n % 2 ? S("whole") : S("part")};
        labels[1] = (struct label){S("fate"), str_of(fates[fate])};
        *l = (struct loaded){.labels = labels_make(&s->arena, labels, 2),
                             .samples = arena_array(&s->arena, struct sample, CHANGE_SAMPLES),
                             .starts = arena_array(&s->arena, int64_t, CHANGE_SAMPLES)};
        double v = 12.5 * (s->n % 2 ? 2 : 1);
        for (uint32_t i = 0; i < CHANGE_SAMPLES; i++) {
            double more = random_below(&seed, 1000);
            bool anew = fate != GROWS && random_below(&seed, 200) == 0;
            v = anew ? 0 : v + (s->n % 2 ? more : more / 7);
            if (!has_sample(fate, i)) continue;
            double x = fate == MARKED && i % 90 == 0        ? stale_nan()
                       : fate == ODD_NUMBERS && i % 60 == 1 ? NAN
                                                            : v;
            l->starts[l->n] = fate == STARTED                    ? 1000
                              : fate == STARTED_ANEW && i >= 700 ? 700 * CHANGE_INTERVAL - 10
                              : fate == STARTED_ANEW             ? 1000
                                                                 : 0;
            int64_t begins = fate == SHARP ? 0 : 2000; /* where windows begin and end */
            l->samples[l->n++] = (struct sample){begins + (int64_t)i * CHANGE_INTERVAL, x};
        }
    }
}

static void make_windows(void)
{
    struct err err = {};
    struct rollup_progress p;
    static const struct rollup_settings at_once = {.settle_ms = 0};
    nanos now = (STORED_EPOCH / 1000 + 14 * 3600) * NANOS_S;
    WANT(rollup_run(stored_tables(), ROLLUP_METRICS_5M, &at_once, now, NULL, &p, &err), ST_OK);
    WANT(rollup_run(stored_tables(), ROLLUP_METRICS_1H, &at_once, now, NULL, &p, &err), ST_OK);
    /* as if the rows had come minutes before, when no insert could be under way any more */
    engine_do(stored_tables(), "TRUNCATE TABLE weir_rollup_touched");
}

struct changing {
    struct script s;
    struct memory_source memory;
    unsigned with_windows; /* evaluations */
};

static void look_at(struct changing *x)
{
    struct raw_series *list = arena_array(&x->s.arena, struct raw_series, x->s.n);
    for (uint32_t i = 0; i < x->s.n; i++)
        list[i] = (struct raw_series){.labels = x->s.series[i].labels,
                                      .samples = x->s.series[i].samples,
                                      .starts = x->s.series[i].starts,
                                      .n = x->s.series[i].n};
    qsort(list, x->s.n, sizeof *list, by_labels);
    memory_source_init(&x->memory, list, x->s.n);
}

static void check_changes(struct changing *x, const char *query, struct grid g, bool digits)
{
    for (uint64_t batch = 0; batch <= 300; batch += 300) {
        struct stored_case *c = stored_case_new(&x->s.arena, 0, batch);
        c->number = S("change");
        c->store.with_starts = true;
        struct value want = evaluate_over(&x->s.arena, &x->memory.source, query, g);
        struct value got = evaluate_over(&x->s.arena, &c->source, query, g);
        CHECK(want.n_rows > 0);
        check_same(&got, &want, digits);
        x->with_windows += (c->store.used & (PROMQL_USED_1H | PROMQL_USED_5M)) != 0;
    }
}

static void check_all_changes(struct changing *x)
{
    static const char *const queries[] = {
        "rate(%s[9h] @ 40000)",
        "increase(%s[7h13m] @ 41234)",
        "delta(%s[8h] @ 39601)",
        "sum(increase(%s[6h] @ 43200))",
        "topk(3, rate(%s{fate=~\"grows|falls|born|started.*\"}[9h] @ 40000))",
        "sum by (fate) (increase(%s[8h] @ 42000 offset 10m))",
        "avg_over_time(%s[9h] @ 40000)",
        "sum_over_time(%s[8h] @ 42000)",
        "count_over_time(%s[7h13m] @ 41234)",
    };
    char query[128];
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        for (int whole = 0; whole < 2; whole++) {
            snprintf(query, sizeof query, queries[i], whole ? "whole" : "part");
            /* sums of several: in another order */
            check_changes(x, query, (struct grid){9'000'000, 1, 1},
                          whole && strncmp(query, "sum", 3) != 0);
        }
}

/* Ranges that begin and end with windows. */
static void check_several(struct changing *x)
{
    static const struct {
        const char *query;
        struct grid g;
    } all[] = {
        {"rate(%s[5m])", {600'000, 300'000, 140}},
        {"increase(%s[20m])", {1'800'000, 600'000, 60}},
        {"delta(%s[1h])", {3'600'000, 300'000, 120}},
        {"rate(%s[2h])", {7'200'000, 3'600'000, 10}},
        {"sum by (fate) (rate(%s[5m] offset 10m))", {1'200'000, 300'000, 130}},
        {"max_over_time(rate(%s[10m])[10h:5m])", {40'200'000, 1, 1}},
        {"sum(rate(%s[5m])) / sum(rate(%s[5m]))", {600'000, 300'000, 140}},
        {"avg_over_time(%s[5m])", {600'000, 300'000, 140}},
        {"sum_over_time(%s[1h])", {3'600'000, 3'600'000, 11}},
        {"count_over_time(%s[15m])", {900'000, 900'000, 46}},
    };
    char query[128];
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (int whole = 0; whole < 2; whole++) {
            const char *name = whole ? "whole" : "part";
            snprintf(query, sizeof query, all[i].query, name, name);
            check_changes(x, query, all[i].g, whole && strncmp(query, "sum ", 3) != 0);
        }
}

/* What is asked after a start finds a series of that day, and reads it. */
static void check_warm_up(struct arena *a)
{
    struct err err = {};
    struct stored_case *c = stored_case_new(a, 0, 0);
    WANT(prometheus_warm_up(&c->job, &err), ST_OK);
    CHECK_INT(c->fetcher.rows, 0); /* nothing came lately */
    c->job.now = (STORED_EPOCH + 40'000'000) * NANOS_MS;
    WANT(prometheus_warm_up(&c->job, &err), ST_OK);
    CHECK(c->fetcher.rows > 100);
}

/* A sample that comes late, where each series has half of its samples: it fell to 1 there. */
static void add_late(struct changing *x)
{
    struct script late = {.n = x->s.n};
    late.series = arena_array(&x->s.arena, struct loaded, late.n);
    for (uint32_t i = 0; i < x->s.n; i++) {
        struct loaded *l = &x->s.series[i];
        uint32_t at = l->n / 2;
        struct sample *more = arena_array(&x->s.arena, struct sample, l->n + 1);
        int64_t *starts = arena_array(&x->s.arena, int64_t, l->n + 1);
        memcpy(more, l->samples, at * sizeof *more);
        memcpy(starts, l->starts, at * sizeof *starts);
        more[at] = (struct sample){l->samples[at].t - CHANGE_INTERVAL / 2, 1};
        starts[at] = l->starts[at];
        memcpy(more + at + 1, l->samples + at, (l->n - at) * sizeof *more);
        memcpy(starts + at + 1, l->starts + at, (l->n - at) * sizeof *starts);
        l->samples = more;
        l->starts = starts;
        l->n++;
        late.series[i] = (struct loaded){
            .labels = l->labels, .samples = more + at, .starts = starts + at, .n = 1};
    }
    stored_add(&late, S("change"));
    look_at(x);
}

/* Counters of all fates: of whole numbers to the bit. */
TEST(what_changed_over_a_long_range_is_the_same_with_windows_for_its_middle)
{
    struct changing x = {.s = {.changed = true}};
    arena_init(&x.s.arena, 256 << 20);
    make_counters(&x.s);
    look_at(&x);
    stored_add(&x.s, S("change"));
    check_all_changes(&x);
    check_several(&x);
    CHECK_INT(x.with_windows, 0); /* there are none yet */
    check_warm_up(&x.s.arena);
    make_windows();
    check_all_changes(&x);
    CHECK_INT(x.with_windows, 36); /* all of them */
    check_several(&x);
    CHECK_INT(x.with_windows, 76);
    add_late(&x);
    check_all_changes(&x);
    check_several(&x);
    CHECK(x.with_windows < 76 + 76); /* of the hours before it some may be long enough */
    arena_done(&x.s.arena);
}

static double count_of(struct arena *a, const char *query)
{
    struct stored_case *c = stored_case_new(a, 0, 0);
    c->number = S("kept");
    struct value v = evaluate(a, &c->source, query, 1);
    return v.n_rows ? v.rows[0].v[0] : 0;
}

/* Which series there are is asked once, until one comes or something else is done to the tables. */
TEST(series_that_come_are_found_by_the_next_query)
{
    struct script s = {.changed = true};
    arena_init(&s.arena, 64 << 20);
    make_series(&s);
    s.n = 3;
    stored_add(&s, S("kept"));
    for (int i = 0; i < 3; i++)
        CHECK(count_of(&s.arena, "count(last_over_time({id=~\".+\"}[3h]))") == 3);
    s.series += 3;
    stored_add(&s, S("kept"));
    for (int i = 0; i < 3; i++)
        CHECK(count_of(&s.arena, "count(last_over_time({id=~\".+\"}[3h]))") == 6);
    engine_do(stored_tables(), "ALTER TABLE otel_metric_series DELETE WHERE "
                               "prometheus_labels['script_case'] = 'kept' AND "
                               "prometheus_labels['id'] = '0' SETTINGS mutations_sync = 2");
    CHECK(count_of(&s.arena, "count(last_over_time({id=~\".+\"}[3h]))") == 3);
    arena_done(&s.arena);
}

/* Three counters that only type and unit tell apart, of half an hour. */
static void make_typed_series(struct script *s)
{
    static const struct label of[] = {
        {S("__type__"), S("counter")}, {S("__type__"), S("gauge")}, {S("__unit__"), S("s")}};
    s->series = arena_array(&s->arena, struct loaded, 3);
    for (s->n = 0; s->n < 3; s->n++) {
        struct loaded *l = &s->series[s->n];
        struct label *labels = arena_array(&s->arena, struct label, 2);
        labels[0] = (struct label){LABEL_NAME, S("typed_total")};
        labels[1] = of[s->n];
        *l = (struct loaded){.labels = labels_make(&s->arena, labels, 2),
                             .samples = arena_array(&s->arena, struct sample, 120),
                             .starts = arena_array(&s->arena, int64_t, 120)};
        memset(l->starts, 0, 120 * sizeof *l->starts);
        for (; l->n < 120; l->n++)
            l->samples[l->n] = (struct sample){15'000 * (int64_t)(l->n + 1), l->n};
    }
}

/* They go with the name, however the series are read: two are one then. */
TEST(series_of_several_types_are_not_added_up_when_their_names_go)
{
    struct script s = {.changed = true};
    struct promql_expr *e;
    arena_init(&s.arena, 64 << 20);
    make_typed_series(&s);
    stored_add(&s, S("typed"));
    static const uint64_t batches[] = {0, 50};
    for (size_t k = 0; k < sizeof batches / sizeof *batches; k++) {
        struct stored_case *c = stored_case_new(&s.arena, 0, batches[k]);
        c->number = S("typed");
        struct value v = evaluate(&s.arena, &c->source, "sum(typed_total)", 1);
        CHECK_INT(v.n_rows, 0); /* long gone */
        v = evaluate(&s.arena, &c->source, "sum(typed_total @ 1800)", 1);
        CHECK(v.n_rows == 1 && v.rows[0].v[0] == 3 * 119);
        for (uint32_t steps = 1; steps <= 11; steps += 10) {
            struct err err = {};
            struct notes notes = {.arena = &s.arena};
            str query = S("sum(rate(typed_total[25m]))");
            struct promql_eval_options opt = {.grid = {1'700'000, 10'000, steps},
                                              .is_range = steps > 1};
            WANT(promql_parse(&s.arena, query, (struct promql_options){}, &e, &err), ST_OK);
            CHECK_INT(promql_eval(&s.arena, query, e, &opt, &c->source, &notes, &notes, &v, &err),
                      ST_EXECUTION);
            CHECK_STR(str_of(err.msg), S("vector cannot contain metrics with the same labelset"));
        }
    }
    arena_done(&s.arena);
}
