/* Chunks are read back here by another way than they are written: bit by bit, as the format says.
 */
#include "query/render/tsdb_chunk.h"

#include <math.h>

#include "testing/test.h"

struct reader {
    str data;
    size_t at; /* in bits */
};

static uint64_t take(struct reader *r, unsigned n)
{
    uint64_t v = 0;
    for (; n; n--, r->at++) {
        CHECK(r->at / 8 < r->data.len);
        v = v << 1 | ((uint8_t)r->data.ptr[r->at / 8] >> (7 - r->at % 8) & 1);
    }
    return v;
}

static unsigned ones(struct reader *r, unsigned most)
{
    unsigned n = 0;
    while (n < most && take(r, 1)) n++;
    return n;
}

/* A number of n bits, of which 2^(n-1) is the highest, not the lowest. */
static int64_t take_signed(struct reader *r, unsigned n)
{
    uint64_t v = take(r, n);
    if (n == 64) return (int64_t)v;
    return v > (uint64_t)1 << (n - 1) ? (int64_t)v - ((int64_t)1 << n) : (int64_t)v;
}

static uint64_t uvarint(struct reader *r)
{
    uint64_t v = 0, byte;
    unsigned shift = 0;
    do {
        byte = take(r, 8);
        v |= (byte & 127) << shift;
        shift += 7;
    } while (byte & 128);
    return v;
}

struct held {
    uint64_t bits;
    unsigned leading, width;
};

static double take_value(struct reader *r, struct held *x, bool first)
{
    double v;
    if (first) {
        x->bits = take(r, 64);
    } else if (take(r, 1)) {
        if (take(r, 1)) {
            x->leading = (unsigned)take(r, 5);
            x->width = (unsigned)take(r, 6);
            if (!x->width) x->width = 64;
        }
        x->bits ^= take(r, x->width) << (64 - x->leading - x->width);
    }
    memcpy(&v, &x->bits, sizeof v);
    return v;
}

static bool same(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

static void check_floats(const struct sample *s, uint32_t n)
{
    static const unsigned widths[] = {0, 14, 17, 20, 64};
    struct buf b;
    buf_init(&b, 1 << 20);
    tsdb_xor_chunk(&b, s, n);
    struct reader r = {.data = buf_str(&b)};
    struct held v = {0};
    int64_t t = 0, distance = 0;
    CHECK_INT(take(&r, 16), n);
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0) {
            uint64_t z = uvarint(&r);
            t = (int64_t)(z >> 1 ^ -(z & 1));
        } else if (i == 1) {
            distance = (int64_t)uvarint(&r);
        } else {
            unsigned w = widths[ones(&r, 4)];
            distance += w ? take_signed(&r, w) : 0;
        }
        if (i) t += distance;
        CHECK_INT(t, s[i].t);
        CHECK(same(take_value(&r, &v, i == 0), s[i].v));
    }
    CHECK_INT((r.at + 7) / 8, b.len);
    buf_done(&b);
}

TEST(floats_come_back_bit_by_bit)
{
    struct sample s[400];
    uint64_t x = 88172645463325252ull;
    int64_t t = -5;
    for (uint32_t i = 0; i < 400; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        static const int64_t wide[] = {15000, 15001, 23192, 80000, 600000, 1ll << 40};
        t += wide[x % 6];
        s[i] = (struct sample){t, x % 5 ? (double)(x % 1000) / 8 : 0};
        if (x % 11 == 0) s[i].v = stale_nan();
        if (x % 13 == 0) memcpy(&s[i].v, &x, sizeof x);
    }
    for (uint32_t n = 1; n <= 400; n += 57) check_floats(s, n);
}

/* ---- histograms ---- */

static const unsigned widths[] = {0, 3, 6, 9, 12, 18, 25, 56, 64};
static uint64_t varbit_u(struct reader *r) { return take(r, widths[ones(r, 8)]); }
static int64_t varbit_i(struct reader *r)
{
    unsigned w = widths[ones(r, 8)];
    return w ? take_signed(r, w) : 0;
}

static struct histogram counted(double *counts, uint32_t n, int32_t offset)
{
    struct histogram h = {.schema = 1, .zero_threshold = 0.001, .zero_count = 2, .sum = 7.25};
    h.positive = (struct histogram_side){offset, n, counts};
    h.count = 2;
    for (uint32_t i = 0; i < n; i++) h.count += counts[i];
    return h;
}

TEST(histograms_of_a_layout_share_a_chunk)
{
    double a[] = {1, 2, 3}, b[] = {1, 2.5, 300}, c[] = {5, 6, 400};
    struct histogram h[] = {counted(a, 3, -2), counted(b, 3, -2), counted(c, 3, -2)};
    struct histogram_sample s[] = {{100000, &h[0], 0}, {115000, &h[1], 0}, {131000, &h[2], 0}};
    h[0].hint = HINT_RESET;
    struct buf out;
    buf_init(&out, 1 << 16);
    tsdb_histogram_chunk(&out, s, 3);
    struct reader r = {.data = buf_str(&out)};
    CHECK_INT(take(&r, 16), 3);
    CHECK_INT(take(&r, 8), 0x80); /* a reset */
    CHECK_INT(take(&r, 8), 255);  /* the threshold is no power of two */
    CHECK_INT(take(&r, 64), 0x3f50624dd2f1a9fc);
    CHECK_INT(varbit_i(&r), 1);
    CHECK_INT(varbit_u(&r), 1); /* spans */
    CHECK_INT(varbit_u(&r), 3);
    CHECK_INT(varbit_i(&r), -2);
    CHECK_INT(varbit_u(&r), 0);
    struct held v[6] = {0};
    int64_t t = 0, distance = 0;
    for (int i = 0; i < 3; i++) {
        if (i)
            distance += varbit_i(&r), t += distance;
        else
            t = varbit_i(&r);
        CHECK_INT(t, s[i].t);
        CHECK(same(take_value(&r, &v[0], !i), h[i].count));
        CHECK(same(take_value(&r, &v[1], !i), 2));
        CHECK(same(take_value(&r, &v[2], !i), 7.25));
        for (int k = 0; k < 3; k++)
            CHECK(same(take_value(&r, &v[3 + k], !i), h[i].positive.counts[k]));
    }
    CHECK_INT((r.at + 7) / 8, out.len);
    buf_done(&out);
}

TEST(a_chunk_ends_where_a_counter_or_the_layout_begins_again)
{
    double first[] = {1, 2}, more[] = {2, 3}, fewer[] = {0, 1}, wide[] = {1, 2, 9};
    struct histogram x = counted(first, 2, 0), y = counted(more, 2, 0), z = counted(fewer, 2, 0),
                     w = counted(wide, 3, 0);
    x.hint = y.hint = w.hint =
        HINT_NOT_RESET; /* and z is a reset, by its counts or as it was sent */
    struct histogram_sample grows[] = {{1, &x, 0}, {2, &y, 0}, {3, &z, 0}, {4, &x, 0}, {5, &w, 0}};
    CHECK_INT(tsdb_histograms_alike(grows, 5), 2);
    CHECK_INT(tsdb_histograms_alike(grows + 2, 3), 2);
    CHECK_INT(tsdb_histograms_alike(grows + 4, 1), 1);
}

TEST(bounds_of_thousandths_are_short)
{
    double bounds[] = {0.005, 0.1, 33554.43, 0.0001, 40000}, counts[] = {1};
    struct histogram h = counted(counts, 1, 0);
    struct histogram_sample s = {0, &h, 0};
    struct buf out;
    h.schema = HISTOGRAM_CUSTOM;
    h.zero_threshold = 0;
    h.custom = bounds;
    h.n_custom = 5;
    buf_init(&out, 1 << 16);
    tsdb_histogram_chunk(&out, &s, 1);
    struct reader r = {.data = buf_str(&out), .at = 24};
    CHECK_INT(take(&r, 8), 0);
    CHECK_INT(varbit_i(&r), HISTOGRAM_CUSTOM);
    CHECK_INT(varbit_u(&r), 1);
    CHECK_INT(varbit_u(&r), 1);
    CHECK_INT(varbit_i(&r), 0);
    CHECK_INT(varbit_u(&r), 0);
    CHECK_INT(varbit_u(&r), 5);
    static const uint64_t want[] = {6, 101, 33554431, 0, 0};
    for (int i = 0; i < 5; i++) {
        uint64_t n = varbit_u(&r), bits;
        CHECK_INT(n, want[i]);
        memcpy(&bits, &bounds[i], sizeof bits);
        if (!n) CHECK(take(&r, 64) == bits);
    }
    buf_done(&out);
}
