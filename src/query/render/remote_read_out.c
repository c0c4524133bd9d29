#include "query/render/remote_read_out.h"

#include "base/crc32c.h"
#include "query/render/tsdb_chunk.h"

enum { FRAME_BYTES = 1 << 20 };

static void put_labels(struct pb_out *out, struct labels l)
{
    for (uint32_t i = 0; i < l.n; i++) {
        pb_begin(out, 1);
        pb_put_str(out, 1, l.list[i].name);
        pb_put_str(out, 2, l.list[i].value);
        pb_end(out);
    }
}

static void put_side(struct pb_out *out, const struct histogram_side *s, uint32_t spans,
                     uint32_t counts)
{
    if (!s->n) return;
    pb_begin(out, spans);
    pb_put_sint(out, 1, s->offset);
    pb_put_varint(out, 2, s->n);
    pb_end(out);
    pb_begin(out, counts);
    for (uint32_t i = 0; i < s->n; i++) {
        uint64_t bits;
        memcpy(&bits, &s->counts[i], sizeof bits);
        pb_raw_fixed64(out, bits);
    }
    pb_end(out);
}

/* message Histogram, of fractional counts: see ingest/decode/remote_write_histogram.c. */
static void put_histogram(struct pb_out *out, const struct histogram_sample *s)
{
    static const uint8_t hints[] = {
        [HINT_UNKNOWN] = 0, [HINT_RESET] = 1, [HINT_NOT_RESET] = 2, [HINT_GAUGE] = 3};
    const struct histogram *h = s->h;
    pb_begin(out, 4);
    pb_put_double(out, 2, h->count);
    pb_put_double(out, 3, h->sum);
    pb_put_sint(out, 4, h->schema);
    pb_put_double(out, 5, h->zero_threshold);
    pb_put_double(out, 7, h->zero_count);
    put_side(out, &h->negative, 8, 10);
    put_side(out, &h->positive, 11, 13);
    pb_put_varint(out, 14, hints[h->hint]);
    pb_put_varint(out, 15, (uint64_t)s->t);
    if (h->n_custom) {
        pb_begin(out, 16);
        for (uint32_t i = 0; i < h->n_custom; i++) {
            uint64_t bits;
            memcpy(&bits, &h->custom[i], sizeof bits);
            pb_raw_fixed64(out, bits);
        }
        pb_end(out);
    }
    pb_end(out);
}

/* message QueryResult { repeated TimeSeries timeseries = 1; }, message TimeSeries { repeated Label
 * labels = 1; repeated Sample samples = 2; repeated Exemplar exemplars = 3; repeated Histogram
 * histograms = 4; } */
void remote_read_result(struct pb_out *out, const struct series_set *set)
{
    pb_begin(out, 1);
    for (uint32_t i = 0; i < set->n; i++) {
        const struct raw_series *s = &set->list[i];
        pb_begin(out, 1);
        put_labels(out, s->labels);
        for (uint32_t k = 0; k < s->n; k++) {
            pb_begin(out, 2);
            pb_put_double(out, 1, s->samples[k].v);
            pb_put_varint(out, 2, (uint64_t)s->samples[k].t);
            pb_end(out);
        }
        for (uint32_t k = 0; k < s->n_histograms; k++) put_histogram(out, &s->histograms[k]);
        pb_end(out);
    }
    pb_end(out);
}

/* ---- chunks ---- */

struct framing {
    struct buf message;
    struct pb_out out;
    struct buf *to;
    uint64_t query;
    const struct raw_series *series;
    bool open;
};

static void put_frame(struct framing *f)
{
    pb_end(&f->out);
    pb_put_varint(&f->out, 2, f->query);
    f->open = false;
    str all = buf_str(&f->message);
    uint32_t sum = crc32c(0, all);
    for (uint64_t n = all.len;; n >>= 7) {
        buf_char(f->to, (char)(n > 127 ? (n & 127) | 128 : n));
        if (n <= 127) break;
    }
    for (int i = 3; i >= 0; i--) buf_char(f->to, (char)(sum >> (8 * i)));
    buf_add(f->to, all);
    buf_clear(&f->message);
}

/* message Chunk { int64 min_time_ms = 1; int64 max_time_ms = 2; Encoding type = 3; bytes data = 4;
 * }, in message ChunkedSeries { repeated Label labels = 1; repeated Chunk chunks = 2; }, in message
 * ChunkedReadResponse { repeated ChunkedSeries chunked_series = 1; int64 query_index = 2; } */
static void put_chunk(struct framing *f, int64_t from, int64_t to, enum tsdb_encoding type,
                      const struct buf *data)
{
    if (!f->open) {
        f->out = pb_begin_in(&f->message);
        f->open = true;
        pb_begin(&f->out, 1);
        put_labels(&f->out, f->series->labels);
    }
    pb_begin(&f->out, 2);
    pb_put_varint(&f->out, 1, (uint64_t)from);
    pb_put_varint(&f->out, 2, (uint64_t)to);
    pb_put_varint(&f->out, 3, type);
    pb_put_str(&f->out, 4, buf_str(data));
    pb_end(&f->out);
    if (f->message.len >= FRAME_BYTES) put_frame(f);
}

/* Numbers ahead of time `until`. */
static uint32_t numbers(struct framing *f, uint32_t from, int64_t until)
{
    const struct sample *s = f->series->samples + from;
    uint32_t n = 0, left = f->series->n - from;
    struct buf data;
    while (n < left && n < TSDB_SAMPLES && s[n].t < until) n++;
    buf_init(&data, 64 << 10);
    tsdb_xor_chunk(&data, s, n);
    put_chunk(f, s[0].t, s[n - 1].t, TSDB_XOR, &data);
    buf_done(&data);
    return n;
}

static uint32_t histograms(struct framing *f, uint32_t from, int64_t until)
{
    const struct histogram_sample *h = f->series->histograms + from;
    uint32_t n = 1, left = f->series->n_histograms - from;
    struct buf data;
    while (n < left && h[n].t < until) n++;
    n = tsdb_histograms_alike(h, n);
    buf_init(&data, 16 << 20);
    tsdb_histogram_chunk(&data, h, n);
    put_chunk(f, h[0].t, h[n - 1].t, TSDB_FLOAT_HISTOGRAM, &data);
    if (data.over) f->message.over = true;
    buf_done(&data);
    return n;
}

bool remote_read_frames(struct buf *out, uint64_t query, const struct raw_series *s)
{
    struct framing f = {.to = out, .query = query, .series = s};
    uint32_t i = 0, k = 0;
    buf_init(&f.message, 64 << 20);
    while ((i < s->n || k < s->n_histograms) && !out->over && !f.message.over) {
        int64_t number = i < s->n ? s->samples[i].t : INT64_MAX;
        int64_t histogram = k < s->n_histograms ? s->histograms[k].t : INT64_MAX;
        if (number <= histogram)
            i += numbers(&f, i, number == histogram ? histogram + 1 : histogram);
        else
            k += histograms(&f, k, number);
    }
    if (f.open) put_frame(&f);
    bool ok = !f.message.over && !out->over;
    buf_done(&f.message);
    if (!ok) out->over = true;
    return ok;
}
