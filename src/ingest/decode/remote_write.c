#include "ingest/decode/remote_write.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/pb_out.h"
#include "ingest/decode/remote_write_histogram.h"
#include "ingest/decode/remote_write_series.h"
#include "model/prometheus_name.h"

enum { FLAG_NO_RECORDED_VALUE = 1 };

/* An entry with exemplars and no samples. */
struct lone {
    uint64_t hash;
    str message; /* empty once it is written */
};

struct writer {
    struct rw_request q;
    struct rw_labels labels; /* scratch */
    struct lone *lone;       /* sorted by hash when all are found */
    uint32_t n_lone, cap_lone;
    struct buf text;
    struct pb_out out;
    bool open; /* a ResourceMetrics, and its ScopeMetrics */
    str job, instance;
    struct remote_write *ret;
};

[[gnu::format(printf, 4, 5)]] static void reject(struct writer *w, enum reject_reason why,
                                                 uint32_t n, const char *fmt, ...)
{
    w->ret->rejected[why] += n;
    if (w->ret->first_rejection.len) return;
    char text[300];
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (len <= 0) return;
    size_t n_text = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    w->ret->first_rejection = arena_str(w->q.arena, (str){text, n_text});
}

/* ---- what the points share ---- */

static void attribute(struct pb_out *out, uint32_t field, str key, str value)
{
    pb_begin(out, field);
    pb_put_str(out, 1, key);
    pb_begin(out, 2);
    pb_put_str(out, 1, value);
    pb_end(out);
    pb_end(out);
}

static void close_resource(struct writer *w)
{
    if (!w->open) return;
    pb_end(&w->out);
    pb_end(&w->out);
    w->open = false;
}

/* Runs of series of one job and instance share a ResourceMetrics. */
static void resource_for(struct writer *w, const struct rw_series *s)
{
    if (w->open && str_eq(w->job, s->job) && str_eq(w->instance, s->instance)) return;
    close_resource(w);
    w->job = s->job;
    w->instance = s->instance;
    w->open = true;
    pb_begin(&w->out, 1);
    pb_begin(&w->out, 1);
    if (s->job.len) attribute(&w->out, 1, S("service.name"), s->job);
    if (s->instance.len) attribute(&w->out, 1, S("service.instance.id"), s->instance);
    pb_end(&w->out);
    pb_begin(&w->out, 2);
}

static void attributes(struct writer *w, uint32_t field, const struct rw_series *s)
{
    for (uint32_t i = 0; i < s->labels.n; i++) {
        const struct rw_label *l = &s->labels.list[i];
        if (l->value.len && !str_eq(l->name, S("__name__")) && !str_eq(l->name, S("job")) &&
            !str_eq(l->name, S("instance")))
            attribute(&w->out, field, l->name, l->value);
    }
}

static bool nanoseconds(int64_t ms, uint64_t *ret)
{
    if (ms < 0 || ms > INT64_MAX / 1000000) return false;
    *ret = (uint64_t)ms * 1000000;
    return true;
}

static void start_time(struct writer *w, int64_t ms)
{
    uint64_t t;
    if (ms > 0 && nanoseconds(ms, &t)) pb_put_fixed64(&w->out, 2, t);
}

/* ---- exemplars ---- */

/* message Exemplar { repeated Label labels, or uint32 labels_refs = 1; double value = 2; int64
 * timestamp = 3; } */
static status exemplar(struct writer *w, uint32_t field, str msg)
{
    struct rw_labels labels = {0};
    struct rw_refs refs = {0};
    double value = 0;
    int64_t t = 0;
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (rw_is_label(&w->q, tag))
            TRY(rw_label(&w->q, &labels, &refs, tag, &r));
        else if (tag == PB_TAG(2, PB_FIXED64))
            value = pb_double(&r);
        else if (tag == PB_TAG(3, PB_VARINT))
            t = (int64_t)pb_varint(&r);
        else
            pb_skip(&r, tag);
    }
    if (r.bad) return rw_malformed(&w->q, r.bad, "malformed Exemplar");
    uint64_t at;
    if (!nanoseconds(t, &at)) return ST_OK; /* of no use to a query */
    pb_begin(&w->out, field);
    pb_put_fixed64(&w->out, 2, at);
    pb_put_double(&w->out, 3, value);
    for (uint32_t i = 0; i < labels.n; i++) {
        const struct rw_label *l = &labels.list[i];
        bool id = rw_exemplar_id(&w->out, l->name, l->value);
        if (!id) attribute(&w->out, 7, l->name, l->value);
    }
    pb_end(&w->out);
    return ST_OK;
}

static status exemplars(struct writer *w, uint32_t field, str msg)
{
    uint32_t wanted = rw_fields_of(w->q.version).exemplars;
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag == wanted)
            TRY(exemplar(w, field, pb_bytes(&r)));
        else
            pb_skip(&r, tag);
    }
    return ST_OK;
}

static uint32_t first_lone(const struct writer *w, uint64_t hash)
{
    uint32_t lo = 0, hi = w->n_lone;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (w->lone[mid].hash < hash)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Those of the entry itself, and those that came alone, once. */
static status exemplars_of(struct writer *w, uint32_t field, const struct rw_series *s)
{
    if (s->n_exemplars) TRY(exemplars(w, field, s->message));
    for (uint32_t i = first_lone(w, s->hash); i < w->n_lone && w->lone[i].hash == s->hash; i++) {
        str msg = w->lone[i].message;
        w->lone[i].message = (str){0};
        TRY(exemplars(w, field, msg));
    }
    return ST_OK;
}

/* ---- points ---- */

/* message Sample { double value = 1; int64 timestamp = 2; int64 start_timestamp = 3; } */
static status sample(struct writer *w, const struct rw_series *s, str msg, bool last)
{
    double value = 0;
    int64_t t = 0, started = s->created;
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_FIXED64): value = pb_double(&r); break;
        case PB_TAG(2, PB_VARINT): t = (int64_t)pb_varint(&r); break;
        case PB_TAG(3, PB_VARINT): started = (int64_t)pb_varint(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return rw_malformed(&w->q, r.bad, "malformed Sample");
    uint64_t at;
    if (!nanoseconds(t, &at)) {
        reject(w, t < 0 ? REJECT_TOO_OLD : REJECT_IN_FUTURE, 1, "timestamp %" PRId64 " of " STR_FMT,
               t, STR_ARG(s->name));
        return ST_OK;
    }
    pb_begin(&w->out, 1);
    start_time(w, started);
    pb_put_fixed64(&w->out, 3, at);
    if (rw_is_stale(value))
        pb_put_varint(&w->out, 8, FLAG_NO_RECORDED_VALUE);
    else
        pb_put_double(&w->out, 4, value);
    attributes(w, 7, s);
    status st = last ? exemplars_of(w, 5, s) : ST_OK;
    pb_end(&w->out);
    return st;
}

static status histogram(struct writer *w, const struct rw_series *s, str msg, bool last)
{
    struct rw_histogram h;
    const uint8_t *bad = NULL;
    const char *why = rw_histogram_read(w->q.arena, msg, &h, &bad);
    if (bad) return rw_malformed(&w->q, bad, "malformed Histogram");
    uint64_t at;
    if (!why && !nanoseconds(h.timestamp, &at)) why = "its timestamp is out of range";
    if (why) {
        reject(w, REJECT_BAD_BUCKETS, 1, "histogram " STR_FMT ": %s", STR_ARG(s->name), why);
        return ST_OK;
    }
    pb_begin(&w->out, 1);
    start_time(w, h.start ? h.start : s->created);
    pb_put_fixed64(&w->out, 3, at);
    if (rw_is_stale(h.sum))
        pb_put_varint(&w->out, 10, FLAG_NO_RECORDED_VALUE);
    else
        rw_histogram_put(&w->out, &h);
    attributes(w, 1, s);
    status st = last ? exemplars_of(w, 11, s) : ST_OK;
    pb_end(&w->out);
    return st;
}

/* One Metric message with the samples, or with the histograms, of a series. */
static status metric(struct writer *w, const struct rw_series *s, bool histograms)
{
    static const char *const types[] = {"unknown",        "counter", "gauge", "histogram",
                                        "gaugehistogram", "summary", "info",  "stateset"};
    bool sum = !histograms && s->type == RW_COUNTER;
    uint32_t wanted = histograms ? rw_fields_of(w->q.version).histograms : PB_TAG(2, PB_BYTES);
    uint32_t left = histograms ? s->n_histograms : s->n_samples;
    const char *type = types[histograms && !s->type ? RW_HISTOGRAM : s->type];
    resource_for(w, s);
    pb_begin(&w->out, 2);
    pb_put_str(&w->out, 1, s->name);
    if (s->help.len) pb_put_str(&w->out, 2, s->help);
    if (s->unit.len) pb_put_str(&w->out, 3, s->unit);
    attribute(&w->out, 12, S(PROMETHEUS_TYPE_KEY), (str){type, strlen(type)});
    pb_begin(&w->out, histograms ? 10 : sum ? 7 : 5);
    if (histograms || sum) pb_put_varint(&w->out, 2, TEMPORALITY_CUMULATIVE);
    if (sum) pb_put_varint(&w->out, 3, 1);
    struct pb_reader r = pb_read(s->message);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag != wanted) {
            pb_skip(&r, tag);
            continue;
        }
        str msg = pb_bytes(&r);
        left--;
        TRY(histograms ? histogram(w, s, msg, left == 0) : sample(w, s, msg, left == 0));
    }
    pb_end(&w->out);
    pb_end(&w->out);
    return ST_OK;
}

/* ---- series ---- */

static status write_series(struct writer *w, str msg)
{
    struct rw_series s;
    TRY(rw_series_read(&w->q, msg, &w->labels, &s));
    w->labels = s.labels;
    uint32_t items = s.n_samples + s.n_histograms;
    if (!items) return ST_OK;
    if (!s.name.len) {
        reject(w, REJECT_BAD_LABELS, items, "a series without __name__");
        return ST_OK;
    }
    if (rw_labels_repeat(&s.labels)) {
        reject(w, REJECT_BAD_LABELS, items, "a label twice in a series of " STR_FMT,
               STR_ARG(s.name));
        return ST_OK;
    }
    if (s.n_samples) TRY(metric(w, &s, false));
    return s.n_histograms ? metric(w, &s, true) : ST_OK;
}

static status find_lone(struct writer *w, str msg)
{
    struct rw_series s = {0};
    rw_series_count(&w->q, msg, &s);
    if (!s.n_exemplars || s.n_samples || s.n_histograms) return ST_OK;
    TRY(rw_series_read(&w->q, msg, &w->labels, &s));
    if (w->n_lone == w->cap_lone) {
        uint32_t cap = w->cap_lone * 2 + 16;
        struct lone *wider = arena_array(w->q.arena, struct lone, cap);
        if (w->n_lone) memcpy(wider, w->lone, w->n_lone * sizeof *wider);
        w->lone = wider;
        w->cap_lone = cap;
    }
    w->lone[w->n_lone++] = (struct lone){s.hash, msg};
    return ST_OK;
}

static int by_hash(const void *x, const void *y)
{
    const struct lone *a = x, *b = y;
    if (a->hash != b->hash) return a->hash < b->hash ? -1 : 1;
    return (a->message.ptr > b->message.ptr) - (a->message.ptr < b->message.ptr);
}

static status each_series(struct writer *w, status (*visit)(struct writer *w, str msg))
{
    uint32_t wanted = w->q.version == 1 ? PB_TAG(1, PB_BYTES) : PB_TAG(5, PB_BYTES);
    struct pb_reader r = pb_read(w->q.body);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag == wanted)
            TRY(visit(w, pb_bytes(&r)));
        else
            pb_skip(&r, tag);
        if (arena_over(w->q.arena) || w->text.over)
            return err_set(w->q.err, ST_LIMIT, ERR_NOPOS,
                           "the request needs more than the limit of %zu bytes",
                           w->q.arena->budget);
    }
    return r.bad ? rw_malformed(&w->q, r.bad, "malformed request") : ST_OK;
}

static status translate(struct writer *w)
{
    TRY(rw_symbols(&w->q));
    TRY(each_series(w, find_lone));
    if (w->n_lone) qsort(w->lone, w->n_lone, sizeof *w->lone, by_hash);
    TRY(each_series(w, write_series));
    close_resource(w);
    w->ret->otlp = arena_str(w->q.arena, buf_str(&w->text));
    return ST_OK;
}

status remote_write(struct arena *a, unsigned version, str body, struct remote_write *ret,
                    struct err *err)
{
    struct writer w = {.q = {.arena = a, .err = err, .version = version, .body = body}, .ret = ret};
    *ret = (struct remote_write){0};
    buf_init(&w.text, a->budget > a->used ? a->budget - a->used : 0);
    w.out = pb_begin_in(&w.text);
    status s = translate(&w);
    buf_done(&w.text);
    return s;
}
