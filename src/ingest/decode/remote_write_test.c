/* Remote write requests into batches. */
#include <math.h>

#include "base/pb_out.h"
#include "ingest/decode/decode.h"
#include "testing/test.h"

#define T0 1700000000000ll

struct decoded {
    struct arena arena;
    struct err err;
    struct telemetry_batch *batch;
};

static status decode(struct decoded *d, enum payload_format format, struct buf *b)
{
    static const struct decode_options opt = {
        .received_at = T0 * 1000000, .newest = T0 * 1000000 + 600 * NANOS_S, .max_attributes = 64};
    *d = (struct decoded){0};
    arena_init(&d->arena, 64 << 20);
    char *body = arena_alloc(&d->arena, b->len + 64, 1);
    memcpy(body, b->ptr, b->len);
    memset(body + b->len, 0, 64);
    status s = decode_request(&d->arena, SIGNAL_METRICS, format, (str){body, b->len}, &opt,
                              &d->batch, &d->err);
    buf_done(b);
    return s;
}

static struct pb_out begin(struct buf *b)
{
    buf_init(b, 1 << 20);
    return pb_begin_in(b);
}

static void label(struct pb_out *p, str name, str value)
{
    pb_begin(p, 1);
    pb_put_str(p, 1, name);
    pb_put_str(p, 2, value);
    pb_end(p);
}

static void sample(struct pb_out *p, double v, int64_t t)
{
    pb_begin(p, 2);
    pb_put_double(p, 1, v);
    pb_put_varint(p, 2, (uint64_t)t);
    pb_end(p);
}

/* A 1.0 series up{job="j",instance="i",_x="y"}, left open. */
static void up(struct pb_out *p)
{
    pb_begin(p, 1);
    label(p, S("__name__"), S("up"));
    label(p, S("_x"), S("y"));
    label(p, S("instance"), S("i"));
    label(p, S("job"), S("j"));
}

static void check_attr(const struct telemetry_batch *b, struct attr_range r, str key, str value)
{
    for (uint32_t i = 0; i < r.n; i++)
        if (str_eq(b->attrs[r.at + i].key, key)) {
            CHECK_STR(b->attrs[r.at + i].value.text, value);
            return;
        }
    CHECK_STR(S("(absent)"), value);
}

static double stale(void)
{
    uint64_t bits = 0x7ff0000000000002ull;
    double v;
    memcpy(&v, &bits, 8);
    return v;
}

TEST(a_series_of_remote_write_1_is_a_gauge_of_its_job_and_instance)
{
    struct buf b;
    struct decoded d;
    struct pb_out p = begin(&b);
    up(&p), sample(&p, 1.5, T0), sample(&p, stale(), T0 + 1000), pb_end(&p);
    CHECK_INT(decode(&d, PAYLOAD_REMOTE_WRITE_1, &b), ST_OK);
    const struct metric_columns *c = &d.batch->metrics;
    CHECK_INT(c->n, 2);
    CHECK_INT(c->n_descs, 1);
    CHECK_STR(c->descs[0].name, S("up"));
    CHECK_INT(c->descs[0].type, METRIC_GAUGE);
    check_attr(d.batch, c->descs[0].metadata, S("prometheus.type"), S("unknown"));
    check_attr(d.batch, d.batch->resources[0].attrs, S("service.name"), S("j"));
    check_attr(d.batch, d.batch->resources[0].attrs, S("service.instance.id"), S("i"));
    CHECK_INT(c->attrs[0].n, 1);
    check_attr(d.batch, c->attrs[0], S("_x"), S("y"));
    CHECK_NEAR(c->value[0], 1.5, 0);
    CHECK_INT(c->time[1], (T0 + 1000) * 1000000);
    CHECK_INT(c->flags[0], 0);
    CHECK_INT(c->flags[1], 1); /* a stale marker */
    arena_done(&d.arena);
}

TEST(exemplars_that_come_alone_go_with_a_sample_of_their_series)
{
    struct buf b;
    struct decoded d;
    struct pb_out p = begin(&b);
    for (int i = 0; i < 2; i++) {
        up(&p), sample(&p, 1, T0), pb_end(&p);
        up(&p);
        pb_begin(&p, 3);
        label(&p, S("trace_id"), S("0102030405060708090a0b0c0d0e0f10"));
        label(&p, S("who"), S("me"));
        pb_put_double(&p, 2, 0.25);
        pb_put_varint(&p, 3, T0 - 5);
        pb_end(&p);
        pb_end(&p);
    }
    CHECK_INT(decode(&d, PAYLOAD_REMOTE_WRITE_1, &b), ST_OK);
    const struct metric_columns *c = &d.batch->metrics;
    CHECK_INT(c->n, 2);
    CHECK_INT(c->n_exemplars, 2);
    CHECK_INT(c->exemplar[0].trace_id[15], 16);
    CHECK_NEAR(c->exemplar[0].value, 0.25, 0);
    CHECK_INT(c->exemplar[0].time, (T0 - 5) * 1000000);
    check_attr(d.batch, c->exemplar[0].attrs, S("who"), S("me"));
    arena_done(&d.arena);
}

TEST(series_and_samples_that_cannot_be_kept_are_left_out_alone)
{
    struct buf b;
    struct decoded d;
    struct pb_out p = begin(&b);
    pb_begin(&p, 1), label(&p, S("a"), S("b")), sample(&p, 1, T0), sample(&p, 2, T0), pb_end(&p);
    up(&p), label(&p, S("_x"), S("z")), sample(&p, 1, T0), pb_end(&p);
    up(&p), sample(&p, 1, -1), sample(&p, 2, T0), sample(&p, 3, T0 + 700000), pb_end(&p);
    CHECK_INT(decode(&d, PAYLOAD_REMOTE_WRITE_1, &b), ST_OK);
    CHECK_INT(d.batch->received, 6);
    CHECK_INT(d.batch->rejected[REJECT_BAD_LABELS], 3);
    CHECK_INT(d.batch->rejected[REJECT_TOO_OLD], 1);
    CHECK_INT(d.batch->rejected[REJECT_IN_FUTURE], 1);
    CHECK_INT(d.batch->metrics.n, 1);
    CHECK_STR(d.batch->first_rejection, S("a series without __name__"));
    arena_done(&d.arena);
}

/* --- 2.0: symbols "", __name__, hits_total, job, j, le, 5, help, unit */

static struct pb_out begin_2(struct buf *b)
{
    static const char *const symbols[] = {"",   "__name__", "hits_total", "job",    "j",
                                          "le", "5",        "how many",   "seconds"};
    struct pb_out p = begin(b);
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
        pb_put_str(&p, 4, str_of(symbols[i]));
    return p;
}

static void refs(struct pb_out *p)
{
    pb_begin(p, 1);
    for (uint64_t i = 1; i <= 6; i++) pb_raw_varint(p, i);
    pb_end(p);
}

TEST(a_counter_of_remote_write_2_has_help_unit_and_a_start)
{
    struct buf b;
    struct decoded d;
    struct pb_out p = begin_2(&b);
    pb_begin(&p, 5), refs(&p), sample(&p, 3, T0);
    pb_begin(&p, 5), pb_put_varint(&p, 1, 1), pb_put_varint(&p, 3, 7), pb_put_varint(&p, 4, 8),
        pb_end(&p);
    pb_put_varint(&p, 6, (uint64_t)(T0 - 60000));
    pb_end(&p);
    CHECK_INT(decode(&d, PAYLOAD_REMOTE_WRITE_2, &b), ST_OK);
    const struct metric_columns *c = &d.batch->metrics;
    CHECK_INT(c->n, 1);
    CHECK_INT(c->descs[0].type, METRIC_SUM);
    CHECK_INT(c->descs[0].monotonic, 1);
    CHECK_INT(c->descs[0].temporality, TEMPORALITY_CUMULATIVE);
    CHECK_STR(c->descs[0].description, S("how many"));
    CHECK_STR(c->descs[0].unit, S("seconds"));
    check_attr(d.batch, c->descs[0].metadata, S("prometheus.type"), S("counter"));
    check_attr(d.batch, c->attrs[0], S("le"), S("5"));
    CHECK_INT(c->start_time[0], (T0 - 60000) * 1000000);
    arena_done(&d.arena);
}

static void span(struct pb_out *p, uint32_t field, int64_t offset, uint64_t length)
{
    pb_begin(p, field);
    pb_put_sint(p, 1, offset);
    pb_put_varint(p, 2, length);
    pb_end(p);
}

static double threshold = 0.001;

static void histogram(struct pb_out *p, int64_t schema, int64_t last_delta)
{
    pb_begin(p, 3);
    pb_put_varint(p, 1, 10);
    pb_put_double(p, 3, 18.5);
    pb_put_sint(p, 4, schema);
    pb_put_double(p, 5, threshold);
    pb_put_varint(p, 6, 2);
    span(p, 11, -1, 2), span(p, 11, 2, 1);
    pb_put_sint(p, 12, 1), pb_put_sint(p, 12, 2);
    pb_begin(p, 12), pb_raw_varint(p, (uint64_t)(last_delta * 2 ^ last_delta >> 63)), pb_end(p);
    span(p, 8, 3, 1), pb_put_sint(p, 9, 4);
    pb_put_varint(p, 15, (uint64_t)T0);
    pb_end(p);
}

/* OTLP's 0 is a threshold that was not said, and is read as Prometheus' default. */
TEST(a_zero_threshold_of_nothing_is_told_from_none)
{
    struct buf b;
    struct decoded d;
    struct pb_out p = begin_2(&b);
    threshold = 0;
    pb_begin(&p, 5), refs(&p), histogram(&p, 1, -2), pb_end(&p);
    threshold = 0.001;
    CHECK_INT(decode(&d, PAYLOAD_REMOTE_WRITE_2, &b), ST_OK);
    double got = d.batch->metrics.zero_threshold[0];
    CHECK(got == 0 && signbit(got));
    arena_done(&d.arena);
}

TEST(a_native_histogram_is_an_exponential_one)
{
    struct buf b;
    struct decoded d;
    struct pb_out p = begin_2(&b);
    pb_begin(&p, 5), refs(&p), histogram(&p, 1, -2), pb_end(&p);
    CHECK_INT(decode(&d, PAYLOAD_REMOTE_WRITE_2, &b), ST_OK);
    const struct metric_columns *c = &d.batch->metrics;
    CHECK_INT(c->n, 1);
    CHECK_INT(c->descs[0].type, METRIC_EXP_HISTOGRAM);
    CHECK_INT(c->count[0], 10);
    CHECK_NEAR(c->sum[0], 18.5, 0);
    CHECK_INT(c->scale[0], 1);
    CHECK_INT(c->zero_count[0], 2);
    CHECK_NEAR(c->zero_threshold[0], 0.001, 0);
    CHECK_INT(c->positive_offset[0], -2);
    CHECK_INT(c->positive_counts[0].n, 5);
    static const uint64_t want[] = {1, 3, 0, 0, 1};
    CHECK(memcmp(c->u64s + c->positive_counts[0].at, want, sizeof want) == 0);
    CHECK_INT(c->negative_offset[0], 2);
    CHECK_INT(c->u64s[c->negative_counts[0].at], 4);
    arena_done(&d.arena);
}

static void doubles(struct pb_out *p, uint32_t field, const double *v, uint32_t n)
{
    pb_begin(p, field);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &v[i], sizeof bits);
        pb_raw_fixed64(p, bits);
    }
    pb_end(p);
}

/* Of float counts: two positive buckets, a gap of one, a third; a negative one. */
static void float_histogram(struct pb_out *p, double count, const double positive[3], uint64_t hint)
{
    const double negative = -0.5;
    pb_begin(p, 3);
    pb_put_double(p, 2, count);
    pb_put_double(p, 3, 18.5);
    pb_put_double(p, 7, 2);
    span(p, 11, -1, 2), span(p, 11, 1, 1);
    doubles(p, 13, positive, 3);
    if (hint == POINT_HINT_GAUGE) span(p, 8, 3, 1), doubles(p, 10, &negative, 1);
    pb_put_varint(p, 14, hint);
    pb_put_varint(p, 15, (uint64_t)T0);
    pb_end(p);
}

static void check_f64s(const struct metric_columns *c, struct num_range r, const double *want,
                       uint32_t n)
{
    CHECK_INT(r.n, n);
    for (uint32_t i = 0; i < n && i < r.n; i++) CHECK_NEAR(c->f64s[r.at + i], want[i], 0);
}

TEST(fractional_counts_are_kept_beside_the_whole_ones_that_come_nearest)
{
    struct buf b;
    struct decoded d;
    struct pb_out p = begin_2(&b);
    pb_begin(&p, 5), refs(&p);
    float_histogram(&p, 4.5, (double[]){0.25, 1.5, 2.75}, POINT_HINT_GAUGE);
    pb_end(&p);
    CHECK_INT(decode(&d, PAYLOAD_REMOTE_WRITE_2, &b), ST_OK);
    const struct metric_columns *c = &d.batch->metrics;
    CHECK_INT(c->n, 1);
    CHECK_INT(c->present[0],
              POINT_HAS_SUM | POINT_FRACTIONAL | POINT_HINT_GAUGE << POINT_HINT_SHIFT);
    CHECK_INT(c->count[0], 5);
    CHECK_INT(c->positive_offset[0], -2);
    CHECK_INT(c->positive_counts[0].n, 4);
    static const uint64_t nearest[] = {0, 2, 0, 3};
    CHECK(memcmp(c->u64s + c->positive_counts[0].at, nearest, sizeof nearest) == 0);
    CHECK_INT(c->u64s[c->negative_counts[0].at], 0);
    check_f64s(c, c->quantile_values[0], (double[]){4.5, 2, 0.25, 1.5, 0, 2.75, -0.5}, 7);
    arena_done(&d.arena);
}

TEST(float_counts_that_are_whole_are_stored_as_any_others)
{
    struct buf b;
    struct decoded d;
    struct pb_out p = begin_2(&b);
    pb_begin(&p, 5), refs(&p);
    float_histogram(&p, 9, (double[]){1, 4, 2}, POINT_HINT_RESET);
    pb_end(&p);
    CHECK_INT(decode(&d, PAYLOAD_REMOTE_WRITE_2, &b), ST_OK);
    const struct metric_columns *c = &d.batch->metrics;
    CHECK_INT(c->n, 1);
    CHECK_INT(c->present[0], POINT_HAS_SUM | POINT_HINT_RESET << POINT_HINT_SHIFT);
    CHECK_INT(c->count[0], 9);
    CHECK_INT(c->zero_count[0], 2);
    static const uint64_t want[] = {1, 4, 0, 2};
    CHECK(memcmp(c->u64s + c->positive_counts[0].at, want, sizeof want) == 0);
    CHECK_INT(c->quantile_values[0].n, 0);
    arena_done(&d.arena);
}

/* Whole counts in two buckets from `first` on. */
static void custom(struct pb_out *p, int64_t first, const double *bounds, uint32_t n)
{
    pb_begin(p, 3);
    pb_put_varint(p, 1, 3);
    pb_put_double(p, 3, 5);
    pb_put_sint(p, 4, -53);
    span(p, 11, first, 2);
    pb_put_sint(p, 12, 1), pb_put_sint(p, 12, 1);
    pb_put_varint(p, 15, (uint64_t)T0);
    if (n) doubles(p, 16, bounds, n);
    pb_end(p);
}

TEST(custom_buckets_have_their_bounds_with_them)
{
    struct buf b;
    struct decoded d;
    struct pb_out p = begin_2(&b);
    pb_begin(&p, 5), refs(&p);
    custom(&p, 1, (double[]){0.5, 2}, 2); /* (0.5, 2] and (2, +Inf] */
    pb_end(&p);
    CHECK_INT(decode(&d, PAYLOAD_REMOTE_WRITE_2, &b), ST_OK);
    const struct metric_columns *c = &d.batch->metrics;
    CHECK_INT(c->n, 1);
    CHECK_INT(c->descs[0].type, METRIC_EXP_HISTOGRAM);
    CHECK_INT(c->scale[0], POINT_CUSTOM_SCALE);
    CHECK_INT(c->positive_offset[0], 0);
    CHECK_INT(c->u64s[c->positive_counts[0].at + 1], 2);
    check_f64s(c, c->quantiles[0], (double[]){0.5, 2}, 2);
    arena_done(&d.arena);
}

TEST(a_histogram_whose_sum_is_the_stale_marker_ends_its_series)
{
    struct buf b;
    struct decoded d;
    struct pb_out p = begin_2(&b);
    pb_begin(&p, 5), refs(&p);
    for (uint32_t is_float = 0; is_float < 2; is_float++) {
        pb_begin(&p, 3);
        if (is_float) pb_put_double(&p, 2, 0);
        pb_put_double(&p, 3, stale());
        pb_put_varint(&p, 15, (uint64_t)T0 + is_float);
        pb_end(&p);
    }
    pb_end(&p);
    CHECK_INT(decode(&d, PAYLOAD_REMOTE_WRITE_2, &b), ST_OK);
    const struct metric_columns *c = &d.batch->metrics;
    CHECK_INT(c->n, 2);
    for (uint32_t i = 0; i < c->n; i++) {
        CHECK_INT(c->flags[i], 1);
        CHECK_INT(c->present[i], 0);
    }
    arena_done(&d.arena);
}

TEST(histograms_that_are_none_of_prometheus_are_left_out_alone)
{
    struct buf b;
    struct decoded d;
    struct pb_out p = begin_2(&b);
    pb_begin(&p, 5), refs(&p);
    histogram(&p, -53, 0); /* has negative buckets and a zero bucket */
    histogram(&p, 9, 0), histogram(&p, 1, -9);
    pb_begin(&p, 3), pb_put_double(&p, 2, 1.5), span(&p, 11, 0, 1);
    pb_put_varint(&p, 15, (uint64_t)T0), pb_end(&p);
    pb_begin(&p, 3), span(&p, 11, 0, 70000), pb_put_varint(&p, 15, (uint64_t)T0), pb_end(&p);
    custom(&p, 0, (double[]){2, 2}, 2), custom(&p, 0, (double[]){1, INFINITY}, 2);
    custom(&p, 0, NULL, 0), custom(&p, -1, (double[]){1, 2}, 2);
    custom(&p, 1, (double[]){NAN}, 1);
    pb_end(&p);
    pb_begin(&p, 5), refs(&p), sample(&p, 3, T0), pb_end(&p);
    CHECK_INT(decode(&d, PAYLOAD_REMOTE_WRITE_2, &b), ST_OK);
    CHECK_INT(d.batch->metrics.n, 1);
    CHECK_INT(d.batch->received, 11);
    CHECK_INT(d.batch->rejected[REJECT_BAD_BUCKETS], 10);
    CHECK_STR(d.batch->first_rejection,
              S("histogram hits_total: one of custom bounds has no zero bucket and no negative "
                "ones"));
    arena_done(&d.arena);
}

TEST(a_request_that_is_malformed_is_refused_with_the_place)
{
    struct buf b;
    struct decoded d;
    struct pb_out p = begin_2(&b);
    pb_begin(&p, 5), pb_put_varint(&p, 1, 1), pb_put_varint(&p, 1, 99), pb_end(&p);
    CHECK_INT(decode(&d, PAYLOAD_REMOTE_WRITE_2, &b), ST_INVALID);
    CHECK_STR(str_of(d.err.msg), S("remote write: a reference past the symbols"));
    CHECK(d.err.pos != ERR_NOPOS);
    arena_done(&d.arena);

    p = begin_2(&b);
    pb_begin(&p, 5), pb_put_varint(&p, 1, 1), sample(&p, 1, T0), pb_end(&p);
    CHECK_INT(decode(&d, PAYLOAD_REMOTE_WRITE_2, &b), ST_INVALID);
    CHECK_STR(str_of(d.err.msg), S("remote write: labels_refs has a name without a value"));
    arena_done(&d.arena);

    p = begin(&b);
    up(&p), sample(&p, 1, T0), pb_end(&p);
    b.len -= 3; /* cut off */
    CHECK_INT(decode(&d, PAYLOAD_REMOTE_WRITE_1, &b), ST_INVALID);
    arena_done(&d.arena);
}
