#include "engine/promql_stored.h"
#include "engine/block.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/pb_out.h"
#include "ingest/batch/batch.h"
#include "ingest/decode/decode.h"
#include "lifecycle/lifecycle.h"

static const str case_label = {"script_case", 11};

struct store *stored_tables(void)
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
    pb_put_varint(&w->out, 2, (uint64_t)(s->t + STORED_EPOCH));
    if (start) pb_put_varint(&w->out, 3, (uint64_t)(start + STORED_EPOCH));
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
    pb_put_varint(&w->out, 15, (uint64_t)(s->t + STORED_EPOCH));
    if (h->n_custom) put_doubles(&w->out, 16, h->custom, h->n_custom);
    if (s->start) pb_put_varint(&w->out, 17, (uint64_t)(s->start + STORED_EPOCH));
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
        pb_put_fixed64(out, 3, (uint64_t)(s->samples[i].t + STORED_EPOCH) * NANOS_MS);
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

void stored_add(struct script *s, str number)
{
    bool any_nameless = false;
    struct open_block *open = open_block_new(SIGNAL_METRICS, 0);
    for (uint32_t i = 0; i < s->n; i++) any_nameless |= !has_name(&s->series[i]);
    add_request(open, 1, s, number, PAYLOAD_REMOTE_WRITE_2);
    if (any_nameless) add_request(open, 2, s, number, PAYLOAD_PROTOBUF);
    struct telemetry_block *block = open_block_seal(open);
    engine_insert_block(stored_tables(), block);
    telemetry_block_free(block);
    open_block_free(open);
}

/* --- out of it */

static const struct query_limits limits = {.max_rows = 10'000'000,
                                           .max_series = 100'000,
                                           .max_bytes = 512 << 20,
                                           .max_entries = 5000,
                                           .timeout_ms = 60'000};

/* The labels in `a`, the samples in `room`. */
static struct raw_series as_loaded(struct arena *a, struct arena *room, const struct raw_series *s)
{
    struct sample *samples = arena_array(room, struct sample, s->n + 1);
    int64_t *starts = s->starts ? arena_array(room, int64_t, s->n + 1) : NULL;
    for (uint32_t i = 0; i < s->n; i++) {
        samples[i] = (struct sample){s->samples[i].t - STORED_EPOCH, s->samples[i].v};
        if (starts) starts[i] = s->starts[i] ? s->starts[i] - STORED_EPOCH : 0;
    }
    struct histogram_sample *h = arena_array(room, struct histogram_sample, s->n_histograms + 1);
    for (uint32_t i = 0; i < s->n_histograms; i++) {
        h[i] = s->histograms[i];
        h[i].t -= STORED_EPOCH;
        if (h[i].start) h[i].start -= STORED_EPOCH;
    }
    struct rolled *rolled = arena_array(room, struct rolled, s->n_rolled + 1);
    for (uint32_t i = 0; i < s->n_rolled; i++) {
        rolled[i] = s->rolled[i];
        rolled[i].end -= STORED_EPOCH;
        rolled[i].first.t -= STORED_EPOCH;
        rolled[i].last.t -= STORED_EPOCH;
        if (rolled[i].start) rolled[i].start -= STORED_EPOCH;
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
    TRY(c->store.source.select(&c->store.source, a, all, n + 1, from + STORED_EPOCH,
                               to + STORED_EPOCH, warnings, ret, err));
    for (uint32_t i = 0; i < ret->n; i++) ret->list[i] = as_loaded(a, a, &ret->list[i]);
    return ST_OK;
}

struct taking {
    struct arena *arena;
    const struct series_sink *sink;
};
struct stored_counts stored_counts;

static status take_set(void *ctx, struct arena *room, struct series_set *set, struct err *err)
{
    const struct taking *t = ctx;
    stored_counts.sets++;
    for (uint32_t i = 0; i < set->n; i++) set->list[i] = as_loaded(t->arena, room, &set->list[i]);
    return t->sink->take(t->sink->ctx, room, set, err);
}

static status scan_case(struct series_source *src, struct arena *a, const struct label_matcher *m,
                        uint32_t n, int64_t from, int64_t to, struct notes *warnings,
                        struct horizon *horizon, const struct series_sink *sink, struct err *err)
{
    struct stored_case *c = (struct stored_case *)src;
    struct taking t = {a, sink};
    stored_counts.needed += sink->needs != NEEDS_ALL;
    return c->store.source.scan(&c->store.source, a, of_case(c, a, m, n), n + 1,
                                from + STORED_EPOCH, to + STORED_EPOCH, warnings, horizon,
                                &(struct series_sink){take_set, &t, sink->in_order, sink->tail_ms,
                                                      sink->needs, sink->whole_ms},
                                err);
}

static status slice_case(struct series_source *src, struct arena *a, const struct label_matcher *m,
                         uint32_t n, int64_t from, int64_t to, int64_t tail,
                         enum series_needs needs, int64_t whole, int64_t *ret, struct err *err)
{
    struct stored_case *c = (struct stored_case *)src;
    TRY(c->store.source.slice(&c->store.source, a, of_case(c, a, m, n), n + 1, from + STORED_EPOCH,
                              to + STORED_EPOCH, tail, needs, whole, ret, err));
    stored_counts.slices += *ret > 0;
    return ST_OK;
}

static struct kept *kept; /* of the process, as in a query-api */

struct stored_case *stored_case_new(struct arena *a, unsigned number, uint64_t batch_samples)
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
    store_fetcher_init(&c->fetcher, stored_tables(), &c->job);
    if (!kept) kept = kept_new(4 << 20);
    c->fetcher.kept = kept;
    promql_store_init(&c->store, &c->job);
    c->store.batch_samples = batch_samples;
    return c;
}
