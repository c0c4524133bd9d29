/* Little endian, nothing aligned:
 *
 *   kind (1) | steps (4) | used (4) | warnings, infos: number (4), strings | text, if there are any
 *   VALUE_SCALAR: a double a step
 *   VALUE_VECTOR: rows (4), each
 *     labels (4): name, value | has (1 a step) | a double for each number | the histograms
 *   a string: length (4), bytes
 *   a histogram: schema (4) hint (1) zero_threshold zero_count count sum (8 each),
 *     both sides: offset (4), n (4), counts | custom bounds: n (4), bounds */
#include "query/cache/extent.h"

/* --- out */

static void put_u8(struct buf *b, unsigned v) { buf_char(b, (char)v); }
static void put_u32(struct buf *b, uint32_t v) { buf_add(b, (str){(char *)&v, sizeof v}); }
static void put_i32(struct buf *b, int32_t v) { buf_add(b, (str){(char *)&v, sizeof v}); }
static void put_f64(struct buf *b, double v) { buf_add(b, (str){(char *)&v, sizeof v}); }

static void put_str(struct buf *b, str s)
{
    put_u32(b, (uint32_t)s.len);
    buf_add(b, s);
}

static void put_f64s(struct buf *b, const double *v, uint32_t n)
{
    put_u32(b, n);
    buf_add(b, (str){(const char *)v, n * sizeof *v});
}

static void put_notes(struct buf *b, const struct notes *n)
{
    put_u32(b, n->n);
    for (uint32_t i = 0; i < n->n; i++) put_str(b, n->list[i]);
}

static void put_histogram(struct buf *b, const struct histogram *h)
{
    put_i32(b, h->schema);
    put_u8(b, h->hint);
    put_f64(b, h->zero_threshold);
    put_f64(b, h->zero_count);
    put_f64(b, h->count);
    put_f64(b, h->sum);
    put_i32(b, h->positive.offset);
    put_f64s(b, h->positive.counts, h->positive.n);
    put_i32(b, h->negative.offset);
    put_f64s(b, h->negative.counts, h->negative.n);
    put_f64s(b, h->custom, h->n_custom);
}

static bool row_is_empty(const struct row *r, uint32_t first, uint32_t n)
{
    for (uint32_t i = first; i < first + n; i++)
        if (r->has[i] != POINT_NONE) return false;
    return true;
}

static void put_row(struct buf *b, const struct row *r, uint32_t first, uint32_t n)
{
    put_u32(b, r->labels.n);
    for (uint32_t i = 0; i < r->labels.n; i++) {
        put_str(b, r->labels.list[i].name);
        put_str(b, r->labels.list[i].value);
    }
    buf_add(b, (str){(const char *)r->has + first, n});
    for (uint32_t i = first; i < first + n; i++)
        if (r->has[i] == POINT_FLOAT) put_f64(b, r->v[i]);
    for (uint32_t i = first; i < first + n; i++)
        if (r->has[i] == POINT_HISTOGRAM) put_histogram(b, r->h[i]);
}

void extent_encode(struct buf *out, const struct extent *e, uint32_t first, uint32_t n)
{
    const struct value *v = &e->value;
    put_u8(out, v->kind);
    put_u32(out, n);
    put_u32(out, e->used);
    put_notes(out, &e->warnings);
    put_notes(out, &e->infos);
    if (e->warnings.n || e->infos.n) put_str(out, e->text);
    if (v->kind == VALUE_SCALAR) {
        buf_add(out, (str){(const char *)(v->scalar + first), n * sizeof(double)});
        return;
    }
    uint32_t rows = 0;
    for (uint32_t r = 0; r < v->n_rows; r++) rows += !row_is_empty(&v->rows[r], first, n);
    put_u32(out, rows);
    for (uint32_t r = 0; r < v->n_rows; r++)
        if (!row_is_empty(&v->rows[r], first, n)) put_row(out, &v->rows[r], first, n);
}

/* --- in: after the first thing that cannot be, everything reads as nothing */

struct reader {
    struct arena *arena;
    str left;
    bool bad;
};

static const char *take(struct reader *r, uint64_t n)
{
    if (r->bad || n > r->left.len) {
        r->bad = true;
        return NULL;
    }
    const char *p = r->left.ptr;
    r->left = str_drop(r->left, n);
    return p;
}

static void take_into(struct reader *r, void *out, size_t n)
{
    const char *p = take(r, n);
    if (p)
        memcpy(out, p, n);
    else
        memset(out, 0, n);
}

static uint32_t take_u32(struct reader *r)
{
    uint32_t v;
    take_into(r, &v, sizeof v);
    return v;
}

static int32_t take_i32(struct reader *r)
{
    int32_t v;
    take_into(r, &v, sizeof v);
    return v;
}

static double take_f64(struct reader *r)
{
    double v;
    take_into(r, &v, sizeof v);
    return v;
}

static unsigned take_u8(struct reader *r)
{
    uint8_t v;
    take_into(r, &v, sizeof v);
    return v;
}

/* A number of things of at least `least` bytes each. */
static uint32_t take_count(struct reader *r, size_t least)
{
    uint32_t n = take_u32(r);
    if (n > r->left.len / least) r->bad = true;
    return r->bad ? 0 : n;
}

static str take_str(struct reader *r)
{
    uint32_t n = take_count(r, 1);
    const char *p = take(r, n);
    return p ? arena_str(r->arena, (str){p, n}) : (str){0};
}

static const double *take_f64s(struct reader *r, uint32_t n)
{
    double *v = arena_array(r->arena, double, (uint64_t)n + 1);
    take_into(r, v, n * sizeof *v);
    return v;
}

static void take_notes(struct reader *r, struct notes *ret)
{
    uint32_t n = take_count(r, 4);
    *ret = (struct notes){.arena = r->arena};
    for (uint32_t i = 0; i < n && !r->bad; i++) notes_add(ret, take_str(r));
}

static struct histogram_side take_side(struct reader *r)
{
    struct histogram_side s = {.offset = take_i32(r)};
    s.n = take_count(r, sizeof(double));
    s.counts = take_f64s(r, s.n);
    return s;
}

static bool schema_is_known(int32_t s)
{
    return s == HISTOGRAM_CUSTOM || (s >= HISTOGRAM_SCHEMA_MIN && s <= HISTOGRAM_SCHEMA_MAX);
}

static const struct histogram *take_histogram(struct reader *r)
{
    struct histogram *h = arena_new(r->arena, struct histogram);
    h->schema = take_i32(r);
    h->hint = (enum histogram_hint)take_u8(r);
    h->zero_threshold = take_f64(r);
    h->zero_count = take_f64(r);
    h->count = take_f64(r);
    h->sum = take_f64(r);
    h->positive = take_side(r);
    h->negative = take_side(r);
    h->n_custom = take_count(r, sizeof(double));
    h->custom = take_f64s(r, h->n_custom);
    /* Bucket numbers are added up by who prints them. */
    int64_t far = (int64_t)1 << 30;
    if (!schema_is_known(h->schema) || h->hint > HINT_GAUGE || h->positive.offset > far ||
        h->positive.offset < -far || h->negative.offset > far || h->negative.offset < -far ||
        (histogram_is_custom(h) &&
         (h->negative.n || h->positive.offset < 0 ||
          (uint64_t)h->positive.offset + h->positive.n > (uint64_t)h->n_custom + 1)))
        r->bad = true;
    return h;
}

static struct labels take_labels(struct reader *r)
{
    uint32_t n = take_count(r, 8);
    struct label *list = arena_array(r->arena, struct label, (uint64_t)n + 1);
    for (uint32_t i = 0; i < n; i++) {
        list[i] = (struct label){.name = take_str(r)};
        list[i].value = take_str(r);
        if (!list[i].value.len || (i && str_compare(list[i - 1].name, list[i].name) >= 0))
            r->bad = true;
    }
    return (struct labels){list, r->bad ? 0 : n};
}

static void take_row(struct reader *r, uint32_t steps, struct row *ret)
{
    *ret = (struct row){.labels = take_labels(r)};
    const char *has = take(r, steps);
    if (!has) return;
    ret->has = arena_array(r->arena, uint8_t, steps);
    ret->v = arena_array(r->arena, double, steps);
    memcpy(ret->has, has, steps);
    bool any = false;
    for (uint32_t i = 0; i < steps; i++) {
        if (ret->has[i] > POINT_HISTOGRAM) r->bad = true;
        ret->v[i] = ret->has[i] == POINT_FLOAT ? take_f64(r) : 0;
        any |= ret->has[i] == POINT_HISTOGRAM;
    }
    if (!any) return;
    ret->h = arena_array(r->arena, const struct histogram *, steps);
    for (uint32_t i = 0; i < steps && !r->bad; i++) {
        if (ret->has[i] != POINT_HISTOGRAM) continue;
        ret->h[i] = take_histogram(r);
        ret->v[i] = ret->h[i]->sum;
    }
}

status extent_decode(struct arena *a, str bytes, uint32_t steps, struct extent *ret,
                     struct err *err)
{
    struct reader r = {.arena = a, .left = bytes};
    struct extent e = {.value.kind = (enum value_kind)take_u8(&r)};
    if (take_u32(&r) != steps || steps > bytes.len) r.bad = true;
    e.used = take_u32(&r);
    take_notes(&r, &e.warnings);
    take_notes(&r, &e.infos);
    if (e.warnings.n || e.infos.n) e.text = take_str(&r);
    if (e.value.kind == VALUE_SCALAR && !r.bad && steps <= r.left.len / sizeof(double)) {
        double *v = arena_array(a, double, (uint64_t)steps + 1);
        take_into(&r, v, steps * sizeof *v);
        e.value.scalar = v;
    } else if (e.value.kind == VALUE_VECTOR && !r.bad) {
        e.value.n_rows = take_count(&r, 4 + (size_t)steps);
        e.value.rows = arena_array(a, struct row, (uint64_t)e.value.n_rows + 1);
        for (uint32_t i = 0; i < e.value.n_rows && !r.bad; i++)
            take_row(&r, steps, &e.value.rows[i]);
    } else {
        r.bad = true;
    }
    if (r.bad || r.left.len || arena_over(a))
        return err_set(err, ST_INVALID, (uint32_t)(bytes.len - r.left.len),
                       "not a part of a range answer");
    *ret = e;
    return ST_OK;
}
