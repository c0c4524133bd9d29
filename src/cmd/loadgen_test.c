/* What the load generator sends is what the decoder takes: nothing rejected, everything tagged. */
#include <stdio.h>
#include <stdlib.h>

#include "ingest/decode/decode.h"
#include "loadgen/generate.h"
#include "testing/test.h"

#define NOW 1700000000000000000

static const struct load_shape plain = {
    .seed = 7, .services = 13, .batch = 120, .series = 700, .start = NOW - NANOS_HOUR};

struct taken {
    char *bytes;
    size_t len;
    uint32_t items;
    struct arena arena;
    struct telemetry_batch *batch;
};

static void take(struct taken *t, const struct load_templates *from, enum signal_kind signal,
                 uint64_t number, uint64_t turn)
{
    struct decode_options opt = {.received_at = NOW,
                                 .oldest = NOW - 60 * NANOS_S,
                                 .newest = NOW + 60 * NANOS_S,
                                 .max_attributes = 16};
    struct err err;
    t->bytes = malloc(load_request_room(from));
    if (!t->bytes) abort();
    t->len = load_request(from, number, turn, NOW, t->bytes, &t->items);
    CHECK(t->len <= load_request_room(from));
    arena_init(&t->arena, 64 << 20);
    status s = decode_request(&t->arena, signal, PAYLOAD_PROTOBUF, (str){t->bytes, t->len}, &opt,
                              &t->batch, &err);
    if (s != ST_OK) fprintf(stderr, "%s\n", err.msg);
    CHECK_INT(s, ST_OK);
    CHECK_STR(t->batch->first_rejection, S(""));
    CHECK_INT(telemetry_batch_rows(t->batch), t->items);
    for (uint32_t i = 0; i < t->batch->n_resources; i++) {
        CHECK_INT(t->batch->resources[i].attrs.n, 12);
        CHECK(t->batch->resources[i].service_name.len > 0);
    }
}

static void taken_done(struct taken *t)
{
    arena_done(&t->arena);
    free(t->bytes);
}

static int64_t tag(const struct telemetry_batch *b, struct attr_range r, str key)
{
    for (uint32_t i = 0; i < r.n; i++)
        if (str_eq(b->attrs[r.at + i].key, key)) return b->attrs[r.at + i].value.i;
    return -1;
}

static struct attr_range attrs_of(const struct telemetry_batch *b, uint32_t row)
{
    return b->signal == SIGNAL_TRACES ? b->spans.attrs[row]
           : b->signal == SIGNAL_LOGS ? b->logs.attrs[row]
                                      : b->metrics.attrs[row];
}

TEST(loadgen_requests_are_decoded_whole_and_every_item_is_tagged_once)
{
    struct load_shape shape = plain;
    shape.tag_metrics = true;
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        struct load_templates *from = load_templates_new((enum signal_kind)i, &shape);
        for (uint64_t turn = 0; turn < 20; turn++) {
            uint64_t number = 1 + turn * 123456789;
            struct taken t;
            take(&t, from, (enum signal_kind)i, number, turn);
            bool *seen = calloc(t.items, sizeof *seen);
            if (!seen) abort();
            for (uint32_t row = 0; row < t.items; row++) {
                int64_t item = tag(t.batch, attrs_of(t.batch, row), S("loadgen.item"));
                CHECK(item >= 0 && item < t.items && !seen[item]);
                seen[item] = true;
                CHECK_INT(tag(t.batch, attrs_of(t.batch, row), S("loadgen.request")), number);
            }
            free(seen);
            taken_done(&t);
        }
        load_templates_free(from);
    }
}

TEST(loadgen_traces_are_trees_and_their_ids_differ_between_requests)
{
    struct load_templates *from = load_templates_new(SIGNAL_TRACES, &plain);
    struct taken a, b;
    take(&a, from, SIGNAL_TRACES, 1, 0);
    take(&b, from, SIGNAL_TRACES, 2, 16); /* the same template */
    const struct span_columns *c = &a.batch->spans;
    uint32_t roots = 0, errors = 0, across = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        static const uint8_t none[8];
        CHECK(memcmp(c->trace_id[i], b.batch->spans.trace_id[i], 16) != 0);
        CHECK(memcmp(c->span_id[i], b.batch->spans.span_id[i], 8) != 0);
        CHECK(c->end_time[i] > c->start_time[i]);
        CHECK(c->attrs[i].n >= 8 && c->attrs[i].n <= 10);
        errors += c->status_code[i] == 2;
        if (memcmp(c->parent_span_id[i], none, 8) == 0) {
            roots++;
            continue;
        }
        uint32_t k = 0;
        while (k < c->n && memcmp(c->span_id[k], c->parent_span_id[i], 8) != 0) k++;
        CHECK(k < c->n && k != i);
        CHECK(memcmp(c->trace_id[k], c->trace_id[i], 16) == 0);
        across += c->resource[k] != c->resource[i];
    }
    CHECK_INT(roots, 12);
    CHECK(errors > 0 && across > 0 && c->n_events > 0);
    CHECK_INT(a.batch->n_resources, 4);
    taken_done(&a);
    taken_done(&b);
    load_templates_free(from);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

TEST(loadgen_metrics_are_the_stated_number_of_series_and_counters_rise)
{
    enum { ROUND = 6 }; /* 700 series in requests of 120 */
    struct load_templates *from = load_templates_new(SIGNAL_METRICS, &plain);
    uint64_t ids[2][700];
    int64_t counters[2][700] = {0};
    for (uint64_t round = 0; round < 2; round++) {
        uint32_t n = 0;
        for (uint64_t turn = 0; turn < ROUND; turn++) {
            struct taken t;
            take(&t, from, SIGNAL_METRICS, 1 + turn, round * ROUND + turn);
            const struct metric_columns *c = &t.batch->metrics;
            for (uint32_t i = 0; i < c->n; i++) {
                const struct metric_desc *d = &c->descs[c->desc[i]];
                CHECK(n < 700);
                ids[round][n++] = c->series_id[i];
                if (d->type == METRIC_SUM) counters[round][n - 1] = c->int_value[i];
                if (d->type == METRIC_HISTOGRAM) counters[round][n - 1] = (int64_t)c->count[i];
                if (d->type == METRIC_HISTOGRAM) {
                    uint64_t sum = 0;
                    for (uint32_t k = 0; k < c->bucket_counts[i].n; k++)
                        sum += c->u64s[c->bucket_counts[i].at + k];
                    CHECK_INT(sum, c->count[i]);
                }
            }
            taken_done(&t);
        }
        CHECK_INT(n, 700);
        for (uint32_t i = 0; round && i < n; i++) CHECK(counters[0][i] <= counters[1][i]);
        qsort(ids[round], n, sizeof ids[round][0], compare);
        for (uint32_t i = 1; i < n; i++) CHECK(ids[round][i - 1] != ids[round][i]);
    }
    CHECK(memcmp(ids[0], ids[1], sizeof ids[0]) == 0);
    load_templates_free(from);
}

TEST(loadgen_is_repeatable_by_its_seed)
{
    struct load_shape other = plain;
    other.seed = 8;
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        struct load_templates *a = load_templates_new((enum signal_kind)i, &plain);
        struct load_templates *b = load_templates_new((enum signal_kind)i, &plain);
        struct load_templates *c = load_templates_new((enum signal_kind)i, &other);
        struct taken x, y, z;
        take(&x, a, (enum signal_kind)i, 5, 3);
        take(&y, b, (enum signal_kind)i, 5, 3);
        take(&z, c, (enum signal_kind)i, 5, 3);
        CHECK_STR(((str){x.bytes, x.len}), ((str){y.bytes, y.len}));
        CHECK(!str_eq((str){x.bytes, x.len}, (str){z.bytes, z.len}));
        taken_done(&x), taken_done(&y), taken_done(&z);
        load_templates_free(a), load_templates_free(b), load_templates_free(c);
    }
}

TEST(loadgen_takes_odd_shapes)
{
    static const struct load_shape shapes[] = {
        {.seed = 1, .services = 1, .batch = 1, .series = 1},
        {.seed = 1, .services = 1000, .batch = 3, .series = 10},
        {.seed = 1, .services = 3, .batch = 2000, .series = 1999},
    };
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++)
        for (int i = 0; i < SIGNAL_COUNT; i++) {
            struct load_templates *from = load_templates_new((enum signal_kind)i, &shapes[k]);
            struct taken t;
            take(&t, from, (enum signal_kind)i, 1, 0);
            CHECK(t.items > 0);
            taken_done(&t);
            load_templates_free(from);
        }
}
