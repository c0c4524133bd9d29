#include "query/render/tsdb_chunk.h"

#include <math.h>

/* Bits from the highest of each byte on. The chunk begins at `from` of the buf. */
struct bits {
    struct buf *out;
    unsigned free; /* unused bits of the last byte */
};

static void put_bits(struct bits *b, uint64_t v, unsigned n)
{
    while (n) {
        if (!b->free) {
            buf_char(b->out, 0);
            b->free = 8;
        }
        if (b->out->over) return;
        unsigned take = n < b->free ? n : b->free;
        uint64_t part = v >> (n - take) & ((1u << take) - 1);
        b->out->ptr[b->out->len - 1] |= (char)(part << (b->free - take));
        b->free -= take;
        n -= take;
    }
}

static uint64_t bits_of(double v)
{
    uint64_t b;
    memcpy(&b, &v, sizeof b);
    return b;
}

/* Seven bits a byte, the lowest first. */
static void put_uvarint(struct bits *b, uint64_t v)
{
    for (; v > 127; v >>= 7) put_bits(b, (v & 127) | 128, 8);
    put_bits(b, v, 8);
}

/* Does it fit `n` bits? One more above than below, unlike two's complement. */
static bool fits(int64_t v, unsigned n)
{
    int64_t half = (int64_t)1 << (n - 1);
    return v > -half && v <= half;
}

/* ---- values ---- */

struct xored {
    uint64_t last;
    unsigned leading, trailing;
    bool has_window;
};

static void put_xored(struct bits *b, struct xored *x, double v)
{
    uint64_t now = bits_of(v), delta = now ^ x->last;
    x->last = now;
    if (!delta) return put_bits(b, 0, 1);
    unsigned leading = (unsigned)__builtin_clzll(delta),
             trailing = (unsigned)__builtin_ctzll(delta);
    if (leading > 31) leading = 31; /* five bits */
    put_bits(b, 1, 1);
    if (x->has_window && leading >= x->leading && trailing >= x->trailing) {
        put_bits(b, 0, 1);
    } else {
        x->leading = leading;
        x->trailing = trailing;
        x->has_window = true;
        put_bits(b, 1, 1);
        put_bits(b, leading, 5);
        put_bits(b, (64 - leading - trailing) & 63, 6); /* 64 is written as 0 */
    }
    put_bits(b, delta >> x->trailing, 64 - x->leading - x->trailing);
}

static void put_first(struct bits *b, struct xored *x, double v)
{
    *x = (struct xored){.last = bits_of(v)};
    put_bits(b, x->last, 64);
}

/* ---- floats ---- */

/* How the distance of two samples differs from the one before. */
static void put_change(struct bits *b, int64_t v)
{
    if (v == 0) return put_bits(b, 0, 1);
    if (fits(v, 14)) return put_bits(b, 2, 2), put_bits(b, (uint64_t)v, 14);
    if (fits(v, 17)) return put_bits(b, 6, 3), put_bits(b, (uint64_t)v, 17);
    if (fits(v, 20)) return put_bits(b, 14, 4), put_bits(b, (uint64_t)v, 20);
    put_bits(b, 15, 4);
    put_bits(b, (uint64_t)v, 64);
}

void tsdb_xor_chunk(struct buf *out, const struct sample *s, uint32_t n)
{
    struct bits b = {.out = out};
    struct xored v;
    int64_t distance = 0;
    put_bits(&b, n, 16);
    put_uvarint(&b, (uint64_t)s[0].t << 1 ^ (uint64_t)(s[0].t >> 63));
    put_first(&b, &v, s[0].v);
    for (uint32_t i = 1; i < n; i++) {
        int64_t d = s[i].t - s[i - 1].t;
        if (i == 1)
            put_uvarint(&b, (uint64_t)d);
        else
            put_change(&b, d - distance);
        distance = d;
        put_xored(&b, &v, s[i].v);
    }
}

/* ---- histograms ---- */

/* As many ones as the width is far down the table, a zero, the number. */
static void put_varbit(struct bits *b, uint64_t v, int64_t as_signed, bool is_signed)
{
    static const unsigned widths[] = {3, 6, 9, 12, 18, 25, 56};
    if (v == 0) return put_bits(b, 0, 1);
    for (unsigned i = 0; i < 7; i++) {
        if (is_signed ? !fits(as_signed, widths[i]) : v >> widths[i] != 0) continue;
        put_bits(b, ((1u << (i + 1)) - 1) << 1, i + 2);
        return put_bits(b, v, widths[i]);
    }
    put_bits(b, 255, 8);
    put_bits(b, v, 64);
}

static void put_varbit_u(struct bits *b, uint64_t v) { put_varbit(b, v, 0, false); }
static void put_varbit_i(struct bits *b, int64_t v) { put_varbit(b, (uint64_t)v, v, true); }

/* A power of two from 2^-243 to 2^10 is a byte, 0 too. */
static void put_threshold(struct bits *b, double v)
{
    int exponent;
    if (v == 0) return put_bits(b, 0, 8);
    if (frexp(v, &exponent) == 0.5 && exponent >= -242 && exponent <= 11)
        return put_bits(b, (uint64_t)(exponent + 243), 8);
    put_bits(b, 255, 8);
    put_bits(b, bits_of(v), 64);
}

static void put_spans(struct bits *b, const struct histogram_side *s)
{
    put_varbit_u(b, s->n ? 1 : 0);
    if (!s->n) return;
    put_varbit_u(b, s->n);
    put_varbit_i(b, s->offset);
}

/* A whole number of thousandths up to 33,554.430 is that number and one, any other 0 and itself. */
static void put_bound(struct bits *b, double v)
{
    double thousandths = v * 1000, whole = round(thousandths);
    if (!(thousandths >= 0 && thousandths <= 33554430) || whole / 1000 != v) {
        put_bits(b, 0, 1);
        return put_bits(b, bits_of(v), 64);
    }
    put_varbit_u(b, (uint64_t)whole + 1);
}

static void put_layout(struct bits *b, const struct histogram *h)
{
    put_threshold(b, h->zero_threshold);
    put_varbit_i(b, h->schema);
    put_spans(b, &h->positive);
    put_spans(b, &h->negative);
    if (!histogram_is_custom(h)) return;
    put_varbit_u(b, h->n_custom);
    for (uint32_t i = 0; i < h->n_custom; i++) put_bound(b, h->custom[i]);
}

static bool same_side(const struct histogram_side *x, const struct histogram_side *y)
{
    return x->n == y->n && (!x->n || x->offset == y->offset);
}

static bool same_layout(const struct histogram *x, const struct histogram *y)
{
    if (x->schema != y->schema || x->zero_threshold != y->zero_threshold ||
        x->n_custom != y->n_custom || !same_side(&x->positive, &y->positive) ||
        !same_side(&x->negative, &y->negative))
        return false;
    for (uint32_t i = 0; i < x->n_custom; i++)
        if (x->custom[i] != y->custom[i]) return false;
    return true;
}

uint32_t tsdb_histograms_alike(const struct histogram_sample *h, uint32_t n)
{
    uint32_t i = 1;
    bool gauge = h[0].h->hint == HINT_GAUGE;
    for (; i < n && i < TSDB_SAMPLES; i++) {
        if ((h[i].h->hint == HINT_GAUGE) != gauge || !same_layout(h[i - 1].h, h[i].h)) break;
        if (!gauge && h[i].h->hint != HINT_NOT_RESET) break;
    }
    return i;
}

static void put_sides(struct bits *b, const struct histogram *h, struct xored *x, bool first)
{
    const struct histogram_side *sides[] = {&h->positive, &h->negative};
    for (int s = 0; s < 2; s++)
        for (uint32_t i = 0; i < sides[s]->n; i++, x++)
            first ? put_first(b, x, sides[s]->counts[i]) : put_xored(b, x, sides[s]->counts[i]);
}

static void put_counts(struct bits *b, const struct histogram *h, struct xored *x, bool first)
{
    const double v[] = {h->count, h->zero_count, h->sum};
    for (int i = 0; i < 3; i++) first ? put_first(b, &x[i], v[i]) : put_xored(b, &x[i], v[i]);
    put_sides(b, h, x + 3, first);
}

void tsdb_histogram_chunk(struct buf *out, const struct histogram_sample *h, uint32_t n)
{
    static const uint8_t flags[] = {
        [HINT_UNKNOWN] = 0, [HINT_RESET] = 2, [HINT_NOT_RESET] = 1, [HINT_GAUGE] = 3};
    struct arena a;
    struct bits b = {.out = out};
    int64_t distance = 0;
    arena_init(&a, 16 << 20);
    struct xored *x =
        arena_array(&a, struct xored, (size_t)h[0].h->positive.n + h[0].h->negative.n + 3);
    put_bits(&b, n, 16);
    put_bits(&b, flags[h[0].h->hint], 2);
    put_bits(&b, 0, 6);
    put_layout(&b, h[0].h);
    for (uint32_t i = 0; i < n; i++) {
        int64_t d = i ? h[i].t - h[i - 1].t : 0;
        put_varbit_i(&b, i ? d - distance : h[0].t);
        distance = d;
        put_counts(&b, h[i].h, x, i == 0);
    }
    arena_done(&a);
}
