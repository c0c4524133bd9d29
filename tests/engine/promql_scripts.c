/* PromQL's scripts over the real engine: what a script loads is written as remote write 2.0,
 * decoded, encoded and inserted as the pipeline does, and read back by the store's own source. Each
 * load is stored under times and a label of its own, which the source takes away again. Nothing a
 * script loads is left out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/pb_out.h"
#include "engine/engine.h"
#include "ingest/batch/batch.h"
#include "ingest/decode/decode.h"
#include "ingest/encode/encode.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/rollup.h"
#include "query/api.h"
#include "query/fetch/fetch.h"
#include "query/parse/parse.h"
#include "query/promql_runner_test.h"
#include "query/promql_store.h"

#define EPOCH 1'000'000'000'000 /* a script's time 0, in ms: earlier times can be stored too */
static const str case_label = {"script_case", 11};

static struct store *tables(void)
{
    static const struct schema_settings settings = {.traces_partition_seconds = 3600};
    static bool made;
    struct err err = {};
    struct store *s = engine_store();
    if (!made) WANT(lifecycle_start(s, &settings, &err), ST_OK);
    made = true;
    return s;
}

/* --- a script's series as remote write 2.0 */

struct writing {
    struct arena *arena;
    struct buf bytes;
    struct pb_out out;
    str *symbols;
    uint64_t n_symbols;
};

static void put_sample(struct writing *w, const struct sample *s, int64_t start)
{
    pb_begin(&w->out, 2);
    pb_put_double(&w->out, 1, s->v);
    pb_put_varint(&w->out, 2, (uint64_t)(s->t + EPOCH));
    if (start) pb_put_varint(&w->out, 3, (uint64_t)(start + EPOCH));
    pb_end(&w->out);
}

static bool is_whole(const double *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!(v[i] >= 0 && v[i] <= 9e15 && v[i] == floor(v[i]))) return false;
    return true;
}

static void put_doubles(struct pb_out *out, uint32_t field, const double *v, uint32_t n)
{
    pb_begin(out, field);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &v[i], sizeof bits);
        pb_raw_fixed64(out, bits);
    }
    pb_end(out);
}

/* Spans, deltas of whole counts and float counts have fields one after the other. */
static void put_side(struct pb_out *out, const struct histogram_side *side, uint32_t spans,
                     bool whole)
{
    if (!side->n) return;
    pb_begin(out, spans);
    pb_put_sint(out, 1, side->offset);
    pb_put_varint(out, 2, side->n);
    pb_end(out);
    if (!whole) return put_doubles(out, spans + 2, side->counts, side->n);
    pb_begin(out, spans + 1);
    int64_t before = 0;
    for (uint32_t i = 0; i < side->n; i++) {
        int64_t delta = (int64_t)side->counts[i] - before;
        pb_raw_varint(out, (uint64_t)delta << 1 ^ (uint64_t)(delta >> 63));
        before = (int64_t)side->counts[i];
    }
    pb_end(out);
}

static void put_histogram(struct writing *w, const struct histogram_sample *s,
                          enum histogram_hint hint)
{
    const struct histogram *h = s->h;
    bool whole = is_whole(&h->count, 1) && is_whole(&h->zero_count, 1) &&
                 is_whole(h->positive.counts, h->positive.n) &&
                 is_whole(h->negative.counts, h->negative.n);
    pb_begin(&w->out, 3);
    if (whole) {
        pb_put_varint(&w->out, 1, (uint64_t)h->count);
        pb_put_varint(&w->out, 6, (uint64_t)h->zero_count);
    } else {
        pb_put_double(&w->out, 2, h->count);
        pb_put_double(&w->out, 7, h->zero_count);
    }
    pb_put_double(&w->out, 3, h->sum);
    pb_put_sint(&w->out, 4, h->schema);
    pb_put_double(&w->out, 5, h->zero_threshold);
    put_side(&w->out, &h->negative, 8, whole);
    put_side(&w->out, &h->positive, 11, whole);
    pb_put_varint(&w->out, 14, hint);
    pb_put_varint(&w->out, 15, (uint64_t)(s->t + EPOCH));
    if (h->n_custom) put_doubles(&w->out, 16, h->custom, h->n_custom);
    if (s->start) pb_put_varint(&w->out, 17, (uint64_t)(s->start + EPOCH));
    pb_end(&w->out);
}

static void put_series(struct writing *w, const struct loaded *s, str number)
{
    struct labels l = labels_set(w->arena, s->labels, case_label, number);
    pb_begin(&w->out, 5);
    pb_begin(&w->out, 1);
    for (uint32_t i = 0; i < l.n; i++) {
        pb_raw_varint(&w->out, w->n_symbols);
        w->symbols[w->n_symbols++] = l.list[i].name;
        pb_raw_varint(&w->out, w->n_symbols);
        w->symbols[w->n_symbols++] = l.list[i].value;
    }
    pb_end(&w->out);
    for (uint32_t i = 0; i < s->n; i++) put_sample(w, &s->samples[i], s->starts[i]);
    for (uint32_t i = 0; i < s->n_histograms; i++) put_histogram(w, &s->histograms[i], s->hints[i]);
    pb_end(&w->out);
}

static bool has_name(const struct loaded *s) { return labels_get(s->labels, LABEL_NAME).len; }

static str taken(struct arena *a, struct buf *bytes)
{
    CHECK(!bytes->over);
    char *copy = arena_alloc(a, bytes->len + 64, 1);
    if (bytes->len) memcpy(copy, bytes->ptr, bytes->len);
    str all = {copy, bytes->len};
    buf_done(bytes);
    return all;
}

static str request(struct script *s, struct arena *a, str number)
{
    struct writing w = {.arena = a, .n_symbols = 1};
    uint64_t n = 1;
    for (uint32_t i = 0; i < s->n; i++) n += 2 * (s->series[i].labels.n + 1);
    w.symbols = arena_array(a, str, n);
    w.symbols[0] = (str){0};
    buf_init(&w.bytes, 64 << 20);
    w.out = pb_begin_in(&w.bytes);
    for (uint32_t i = 0; i < s->n; i++)
        if (has_name(&s->series[i])) put_series(&w, &s->series[i], number);
    for (uint64_t i = 0; i < w.n_symbols; i++) pb_put_str(&w.out, 4, w.symbols[i]);
    return taken(a, &w.bytes);
}

/* --- its series without a name, which remote write has no place for, as OTLP */

static void put_attribute(struct pb_out *out, uint32_t field, str key, str value)
{
    pb_begin(out, field);
    pb_put_str(out, 1, key);
    pb_begin(out, 2);
    pb_put_str(out, 1, value);
    pb_end(out);
    pb_end(out);
}

static void put_nameless(struct pb_out *out, struct arena *a, const struct loaded *s, str number)
{
    struct labels l = labels_set(a, s->labels, case_label, number);
    CHECK_INT(s->n_histograms, 0); /* there are none */
    pb_begin(out, 2);
    put_attribute(out, 12, S("prometheus.type"), S("unknown"));
    pb_begin(out, 5);
    for (uint32_t i = 0; i < s->n; i++) {
        pb_begin(out, 1);
        pb_put_fixed64(out, 3, (uint64_t)(s->samples[i].t + EPOCH) * NANOS_MS);
        pb_put_double(out, 4, s->samples[i].v);
        for (uint32_t k = 0; k < l.n; k++) put_attribute(out, 7, l.list[k].name, l.list[k].value);
        pb_end(out);
    }
    pb_end(out);
    pb_end(out);
}

static str nameless(struct script *s, struct arena *a, str number)
{
    struct buf bytes;
    buf_init(&bytes, 64 << 20);
    struct pb_out out = pb_begin_in(&bytes);
    pb_begin(&out, 1);
    pb_begin(&out, 2);
    for (uint32_t i = 0; i < s->n; i++)
        if (!has_name(&s->series[i])) put_nameless(&out, a, &s->series[i], number);
    pb_end(&out);
    pb_end(&out);
    return taken(a, &bytes);
}

/* --- into the store */

static void insert_block(struct store *s, const struct telemetry_block *block)
{
    struct err err = {};
    struct arena a;
    arena_init(&a, 256 << 20);
    struct block_order order;
    block_order(&a, block, &(struct batch_partitioning){3600, 4}, &order);
    struct encode_rows *groups = arena_array(&a, struct encode_rows, order.n_groups + 1);
    for (size_t i = 0; i < order.n_groups; i++)
        groups[i] = (struct encode_rows){order.rows + order.groups[i].at, order.groups[i].n};
    struct encode_options opt = {.groups = groups, .n_groups = order.n_groups};
    struct encoded_block out;
    WANT(encode_block(&a, block, &opt, &out, &err), ST_OK);
    for (size_t i = 0; i < out.n; i++)
        WANT(store_insert(s, out.inserts[i].table, (str){0}, &out.inserts[i].body, 1, &err), ST_OK);
    arena_done(&a);
}

static void add_request(struct open_block *open, uint64_t seq, struct script *s, str number,
                        enum payload_format format)
{
    struct err err = {};
    struct arena *a = calloc(1, sizeof *a); /* the block takes it */
    if (!a) abort();
    arena_init(a, 1u << 30);
    struct telemetry_batch *batch;
    struct decode_options opt = {.received_at = clock_now()};
    str body = format == PAYLOAD_PROTOBUF ? nameless(s, a, number) : request(s, a, number);
    WANT(decode_request(a, SIGNAL_METRICS, format, body, &opt, &batch, &err), ST_OK);
    CHECK_STR(batch->first_rejection, S(""));
    open_block_add(open, batch, seq, clock_now());
}

static void store_series(struct script *s, str number)
{
    bool any_nameless = false;
    struct open_block *open = open_block_new(SIGNAL_METRICS, 0);
    for (uint32_t i = 0; i < s->n; i++) any_nameless |= !has_name(&s->series[i]);
    add_request(open, 1, s, number, PAYLOAD_REMOTE_WRITE_2);
    if (any_nameless) add_request(open, 2, s, number, PAYLOAD_PROTOBUF);
    struct telemetry_block *block = open_block_seal(open);
    insert_block(tables(), block);
    telemetry_block_free(block);
    open_block_free(open);
}

/* --- out of it */

static const struct query_limits limits = {.max_rows = 10'000'000,
                                           .max_series = 100'000,
                                           .max_bytes = 512 << 20,
                                           .max_entries = 5000,
                                           .timeout_ms = 60'000};

struct stored_case {             /* of an evaluation, in its arena */
    struct series_source source; /* first */
    struct query_job job;
    struct store_fetcher fetcher;
    struct promql_store store;
    str number;
};

/* The labels in `a`, the samples in `room`. */
static struct raw_series as_loaded(struct arena *a, struct arena *room, const struct raw_series *s)
{
    struct sample *samples = arena_array(room, struct sample, s->n + 1);
    int64_t *starts = s->starts ? arena_array(room, int64_t, s->n + 1) : NULL;
    for (uint32_t i = 0; i < s->n; i++) {
        samples[i] = (struct sample){s->samples[i].t - EPOCH, s->samples[i].v};
        if (starts) starts[i] = s->starts[i] ? s->starts[i] - EPOCH : 0;
    }
    struct histogram_sample *h = arena_array(room, struct histogram_sample, s->n_histograms + 1);
    for (uint32_t i = 0; i < s->n_histograms; i++) {
        h[i] = s->histograms[i];
        h[i].t -= EPOCH;
        if (h[i].start) h[i].start -= EPOCH;
    }
    struct rolled *rolled = arena_array(room, struct rolled, s->n_rolled + 1);
    for (uint32_t i = 0; i < s->n_rolled; i++) {
        rolled[i] = s->rolled[i];
        rolled[i].end -= EPOCH;
        rolled[i].first.t -= EPOCH;
        rolled[i].last.t -= EPOCH;
        if (rolled[i].start) rolled[i].start -= EPOCH;
    }
    return (struct raw_series){.labels = labels_drop(a, s->labels, &case_label, 1),
                               .rolled = rolled,
                               .n_rolled = s->n_rolled,
                               .samples = samples,
                               .n = s->n,
                               .starts = starts,
                               .histograms = h,
                               .n_histograms = s->n_histograms,
                               .rank = s->rank};
}

static const struct label_matcher *of_case(const struct stored_case *c, struct arena *a,
                                           const struct label_matcher *m, uint32_t n)
{
    struct label_matcher *all = arena_array(a, struct label_matcher, n + 1);
    if (n) memcpy(all, m, n * sizeof *all);
    all[n] = (struct label_matcher){.op = MATCH_EQUAL, .name = case_label, .value = c->number};
    return all;
}

static status select_case(struct series_source *src, struct arena *a, const struct label_matcher *m,
                          uint32_t n, int64_t from, int64_t to, struct notes *warnings,
                          struct series_set *ret, struct err *err)
{
    struct stored_case *c = (struct stored_case *)src;
    const struct label_matcher *all = of_case(c, a, m, n);
    TRY(c->store.source.select(&c->store.source, a, all, n + 1, from + EPOCH, to + EPOCH, warnings,
                               ret, err));
    for (uint32_t i = 0; i < ret->n; i++) ret->list[i] = as_loaded(a, a, &ret->list[i]);
    return ST_OK;
}

struct taking {
    struct arena *arena;
    const struct series_sink *sink;
};
static unsigned sets, slices, needed; /* so far, of all scripts */

static status take_set(void *ctx, struct arena *room, struct series_set *set, struct err *err)
{
    const struct taking *t = ctx;
    sets++;
    for (uint32_t i = 0; i < set->n; i++) set->list[i] = as_loaded(t->arena, room, &set->list[i]);
    return t->sink->take(t->sink->ctx, room, set, err);
}

static status scan_case(struct series_source *src, struct arena *a, const struct label_matcher *m,
                        uint32_t n, int64_t from, int64_t to, struct notes *warnings,
                        struct horizon *horizon, const struct series_sink *sink, struct err *err)
{
    struct stored_case *c = (struct stored_case *)src;
    struct taking t = {a, sink};
    needed += sink->needs != NEEDS_ALL;
    return c->store.source.scan(
        &c->store.source, a, of_case(c, a, m, n), n + 1, from + EPOCH, to + EPOCH, warnings,
        horizon, &(struct series_sink){take_set, &t, sink->in_order, sink->tail_ms, sink->needs},
        err);
}

/* The full hours of a script are not the store's: where it is cut makes no difference to answers.
 */
static status slice_case(struct series_source *src, struct arena *a, const struct label_matcher *m,
                         uint32_t n, int64_t from, int64_t to, int64_t tail, int64_t *ret,
                         struct err *err)
{
    struct stored_case *c = (struct stored_case *)src;
    TRY(c->store.source.slice(&c->store.source, a, of_case(c, a, m, n), n + 1, from + EPOCH,
                              to + EPOCH, tail, ret, err));
    slices += *ret > 0;
    return ST_OK;
}

static struct kept *kept; /* of the process, as in a query-api */

static struct stored_case *new_case(struct arena *a, unsigned number, uint64_t batch_samples)
{
    char text[16];
    struct stored_case *c = arena_new(a, struct stored_case);
    *c = (struct stored_case){
        .source = {.select = select_case, .scan = scan_case, .slice = slice_case}};
    c->number = arena_str(a, (str){text, (size_t)snprintf(text, sizeof text, "%u", number)});
    c->job.arena = a;
    c->job.now = clock_now();
    c->job.deadline = clock_monotonic() + 60 * NANOS_S;
    c->job.limits = &limits;
    store_fetcher_init(&c->fetcher, tables(), &c->job);
    if (!kept) kept = kept_new(4 << 20);
    c->fetcher.kept = kept;
    promql_store_init(&c->store, &c->job);
    c->store.batch_samples = batch_samples;
    return c;
}

static struct series_source *stored(struct script *s, struct arena *a, struct promql_expr *e)
{
    unsigned *number = s->ctx;
    if (s->changed) ++*number;
    struct stored_case *c = new_case(a, *number, 50);
    if (s->changed) store_series(s, c->number);
    promql_store_starts_for(&c->store, e);
    return &c->source;
}

static unsigned cases; /* so far, of all scripts */

static struct script run(str text)
{
    struct script s = {.loud = true, .source = stored, .ctx = &cases};
    script_run(&s, text);
    return s;
}

TEST(own_scripts_pass_over_the_store)
{
    static const char *const names[] = {"selectors", "rate",   "operators",
                                        "histogram", "native", "starts"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[200];
        snprintf(path, sizeof path, "src/query/eval/testdata/%s.test", names[i]);
        struct script s = run(test_repository_file(path));
        printf("%s: %u of %u\n", names[i], s.passed, s.total);
        CHECK(s.passed > 0);
        CHECK_INT(s.passed, s.total);
    }
    CHECK(sets > 48); /* evaluations */
}

/* --- how a selection is read makes no difference */

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

static struct value evaluate(struct arena *a, struct series_source *source, const char *query,
                             uint32_t steps)
{
    static const int64_t step = 97'000;
    struct err err = {};
    struct promql_expr *e;
    struct notes warnings = {.arena = a}, infos = {.arena = a};
    int64_t start = steps > 1 ? 900'000 : 9'000'000;
    struct promql_eval_options opt = {.grid = {start, step, steps},
                                      .start_ms = start,
                                      .end_ms = start + (steps - 1) * step,
                                      .is_range = steps > 1};
    struct value v = {};
    WANT(promql_parse(a, str_of(query), (struct promql_options){}, &e, &err), ST_OK);
    WANT(promql_eval(a, str_of(query), e, &opt, source, &warnings, &infos, &v, &err), ST_OK);
    return v;
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
    store_series(&s, S("property"));
    static const uint64_t batches[] = {0, 50, 500, 1000, 3000, 6000};
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        for (uint32_t steps = 1; steps <= 201; steps += 200) {
            struct value want = evaluate(&s.arena, &memory.source, queries[i], steps), first = {};
            for (size_t k = 0; k < sizeof batches / sizeof *batches; k++) {
                struct stored_case *c = new_case(&s.arena, 0, batches[k]);
                c->number = S("property");
                struct value got = evaluate(&s.arena, &c->source, queries[i], steps);
                check_same(&got, &want, false);
                if (k) check_same(&got, &first, true);
                if (!k) first = got;
            }
        }
    CHECK(slices > 20);
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
        store_series(&s, number);
        for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
            for (uint64_t batch = 0; batch <= 50; batch += 50) {
                struct stored_case *c = new_case(&s.arena, 0, batch);
                c->number = number;
                struct value want = evaluate(&s.arena, &memory.source, queries[i], 1);
                struct value got = evaluate(&s.arena, &c->source, queries[i], 1);
                check_same(&got, &want, true);
            }
        arena_done(&s.arena);
    }
    CHECK(needed > 30);
}

/* --- windows of rollups in the midst of a range */

enum { CHANGE_SERIES = 20, CHANGE_SAMPLES = 1500, CHANGE_INTERVAL = 30'000 };

/* What befalls a counter, of whole numbers ("whole") or not ("part"). */
enum { GROWS, FALLS, PAUSES, BORN, ENDS, MARKED, STARTED, STARTED_ANEW, ODD_NUMBERS, SPARSE };

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
    static const char *const fates[] = {"grows",  "falls",   "pauses",        "born", "ends",
                                        "marked", "started", "started_again", "odd",  "sparse"};
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
            l->samples[l->n++] = (struct sample){2000 + (int64_t)i * CHANGE_INTERVAL, x};
        }
    }
}

static void make_windows(void)
{
    struct err err = {};
    struct rollup_progress p;
    static const struct rollup_settings at_once = {.settle_ms = 0};
    nanos now = (EPOCH / 1000 + 14 * 3600) * NANOS_S;
    WANT(rollup_run(tables(), ROLLUP_METRICS_5M, &at_once, now, NULL, &p, &err), ST_OK);
    WANT(rollup_run(tables(), ROLLUP_METRICS_1H, &at_once, now, NULL, &p, &err), ST_OK);
    /* as if the rows had come minutes before, when no insert could be under way any more */
    engine_do(tables(), "TRUNCATE TABLE weir_rollup_touched");
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

static void check_changes(struct changing *x, const char *query, bool digits)
{
    for (uint64_t batch = 0; batch <= 300; batch += 300) {
        struct stored_case *c = new_case(&x->s.arena, 0, batch);
        c->number = S("change");
        c->store.with_starts = true;
        struct value want = evaluate(&x->s.arena, &x->memory.source, query, 1);
        struct value got = evaluate(&x->s.arena, &c->source, query, 1);
        CHECK(want.n_rows > 0);
        check_same(&got, &want, digits);
        x->with_windows += (c->store.used & PROMQL_USED_1H) != 0;
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
    };
    char query[128];
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        for (int whole = 0; whole < 2; whole++) {
            snprintf(query, sizeof query, queries[i], whole ? "whole" : "part");
            check_changes(x, query, whole && query[0] != 's'); /* sums: in another order */
        }
}

/* What is asked after a start finds a series of that day, and reads it. */
static void check_warm_up(struct arena *a)
{
    struct err err = {};
    struct stored_case *c = new_case(a, 0, 0);
    WANT(prometheus_warm_up(&c->job, &err), ST_OK);
    CHECK_INT(c->fetcher.rows, 0); /* nothing came lately */
    c->job.now = (EPOCH + 40'000'000) * NANOS_MS;
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
    store_series(&late, S("change"));
    look_at(x);
}

/* Counters of all fates: of whole numbers to the bit. */
TEST(what_changed_over_a_long_range_is_the_same_with_windows_for_its_middle)
{
    struct changing x = {.s = {.changed = true}};
    arena_init(&x.s.arena, 256 << 20);
    make_counters(&x.s);
    look_at(&x);
    store_series(&x.s, S("change"));
    check_all_changes(&x);
    CHECK_INT(x.with_windows, 0); /* there are none yet */
    check_warm_up(&x.s.arena);
    make_windows();
    check_all_changes(&x);
    CHECK_INT(x.with_windows, 24); /* all of them */
    unsigned before = x.with_windows;
    add_late(&x);
    check_all_changes(&x);
    CHECK(x.with_windows < before + 24); /* of the hours before it some may be long enough */
    arena_done(&x.s.arena);
}

static double count_of(struct arena *a, const char *query)
{
    struct stored_case *c = new_case(a, 0, 0);
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
    store_series(&s, S("kept"));
    for (int i = 0; i < 3; i++)
        CHECK(count_of(&s.arena, "count(last_over_time({id=~\".+\"}[3h]))") == 3);
    s.series += 3;
    store_series(&s, S("kept"));
    for (int i = 0; i < 3; i++)
        CHECK(count_of(&s.arena, "count(last_over_time({id=~\".+\"}[3h]))") == 6);
    engine_do(tables(), "ALTER TABLE otel_metric_series DELETE WHERE "
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
    store_series(&s, S("typed"));
    static const uint64_t batches[] = {0, 50};
    for (size_t k = 0; k < sizeof batches / sizeof *batches; k++) {
        struct stored_case *c = new_case(&s.arena, 0, batches[k]);
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

static const struct {
    const char *file;
    unsigned evaluations;
} files[] = {
    {"aggregators", 160},
    {"at_modifier", 78},
    {"collision", 2},
    {"duration_expression", 59},
    {"extended_vectors", 169},
    {"fill-modifier", 46},
    {"functions", 431},
    {"histograms", 185},
    {"info", 53},
    {"limit", 37},
    {"literals", 25},
    {"name_label_dropping", 30},
    {"native_histograms", 522},
    {"operators", 214},
    {"range_queries", 18},
    {"selectors", 31},
    {"staleness", 17},
    {"start_timestamps", 26},
    {"subquery", 34},
    {"trig_functions", 19},
    {"type_and_unit", 58},
};

/* All of each file, nothing left out. */
TEST(conformance_scripts_pass_over_the_store)
{
    const char *only = getenv("PROMQL_FILE"); /* they take a minute */
    const char *dir = getenv("WEIR_CONFORMANCE") ? test_conformance_dir() : NULL;
    if (!dir) return;
    unsigned passed = 0, total = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (only && strcmp(only, files[i].file) != 0) continue;
        char path[1024];
        snprintf(path, sizeof path, "%s/promql/testdata/%s.test", dir, files[i].file);
        struct script s = run(test_read_file(path));
        printf("%s: %u of %u\n", files[i].file, s.passed, s.total);
        CHECK_INT(s.total, files[i].evaluations);
        CHECK_INT(s.passed, s.total);
        passed += s.passed;
        total += s.total;
    }
    printf("all: %u of %u\n", passed, total);
}
