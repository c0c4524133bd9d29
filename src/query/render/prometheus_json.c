#include "query/render/prometheus_json.h"

#include <math.h>
#include <stdio.h>

#include "base/num.h"

enum { NOTES_MAX = 10 };

struct json_out prometheus_begin(struct buf *out)
{
    struct json_out j = json_begin(out);
    json_object(&j);
    json_key(&j, S("status"));
    json_str(&j, S("success"));
    json_key(&j, S("data"));
    return j;
}

static void notes(struct json_out *j, str key, const char *kind, const struct notes *n)
{
    if (!n || !n->n) return;
    json_key(j, key);
    json_array(j);
    for (uint32_t i = 0; i < n->n && i < NOTES_MAX; i++) json_str(j, n->list[i]);
    if (n->n > NOTES_MAX) {
        char text[80];
        int len =
            snprintf(text, sizeof text, "%u more %s annotations omitted", n->n - NOTES_MAX, kind);
        json_str(j, (str){text, (size_t)len});
    }
    json_end(j);
}

void prometheus_end(struct json_out *j, const struct notes *warnings, const struct notes *infos)
{
    notes(j, S("warnings"), "warning", warnings);
    notes(j, S("infos"), "info", infos);
    json_end(j);
}

/* Seconds with three decimals, none when whole. */
static void timestamp(struct json_out *j, int64_t ms)
{
    char t[NUM_MAX + 8];
    uint64_t abs = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
    unsigned rest = (unsigned)(abs % 1000);
    size_t n = 0;
    if (ms < 0) t[n++] = '-';
    n += num_format_u64(abs / 1000, t + n);
    if (rest) {
        t[n++] = '.';
        for (unsigned unit = 100; unit; unit /= 10) t[n++] = (char)('0' + rest / unit % 10);
    }
    json_raw(j, (str){t, n});
}

static void point(struct json_out *j, int64_t t, double v)
{
    char text[NUM_MAX];
    json_array(j);
    timestamp(j, t);
    json_str(j, (str){text, num_format_prometheus(v, text)});
    json_end(j);
}

static void number(struct json_out *j, double v)
{
    char text[NUM_MAX];
    json_str(j, (str){text, num_format_prometheus(v, text)});
}

/* [boundaries, lower, upper, count]: which ends belong to the bucket. 0: the upper, 1: the lower,
 * 3: both. Spec: Prometheus HTTP API, "Native histograms". */
static void buckets(struct json_out *j, const struct histogram *h)
{
    struct arena a;
    arena_init(&a, 64u << 20);
    struct histogram_bucket *list;
    uint32_t n = histogram_buckets(&a, h, &list);
    if (n) {
        json_key(j, S("buckets"));
        json_array(j);
    }
    for (uint32_t i = 0; i < n; i++) {
        bool zero = !histogram_is_custom(h) && list[i].lower <= 0 && list[i].upper >= 0;
        bool both = zero || (histogram_is_custom(h) && isinf(list[i].lower));
        json_array(j);
        json_u64(j, both ? 3 : !histogram_is_custom(h) && list[i].upper < 0 ? 1 : 0);
        number(j, list[i].lower);
        number(j, list[i].upper);
        number(j, list[i].count);
        json_end(j);
    }
    if (n) json_end(j);
    arena_done(&a);
}

static void histogram_point(struct json_out *j, int64_t t, const struct histogram *h)
{
    json_array(j);
    timestamp(j, t);
    json_object(j);
    json_key(j, S("count"));
    number(j, h->count);
    json_key(j, S("sum"));
    number(j, h->sum);
    buckets(j, h);
    json_end(j);
    json_end(j);
}

void render_labels(struct json_out *j, struct labels l)
{
    json_object(j);
    for (uint32_t i = 0; i < l.n; i++) {
        json_key(j, l.list[i].name);
        json_str(j, l.list[i].value);
    }
    json_end(j);
}

/* Numbers are "value" or "values", histograms "histogram" or "histograms". */
static void row_points(struct json_out *j, const struct row *r, struct grid g, bool range,
                       enum point kind)
{
    if (!memchr(r->has, (int)kind, g.n)) return;
    if (kind == POINT_FLOAT)
        json_key(j, range ? S("values") : S("value"));
    else
        json_key(j, range ? S("histograms") : S("histogram"));
    if (range) json_array(j);
    for (uint32_t i = 0; i < g.n; i++) {
        int64_t t = g.start + (int64_t)i * g.step;
        if (r->has[i] != kind) continue;
        if (kind == POINT_FLOAT)
            point(j, t, r->v[i]);
        else
            histogram_point(j, t, r->h[i]);
    }
    if (range) json_end(j);
}

static void row(struct json_out *j, const struct row *r, struct grid g, bool range)
{
    json_object(j);
    json_key(j, S("metric"));
    render_labels(j, r->labels);
    row_points(j, r, g, range, POINT_FLOAT);
    row_points(j, r, g, range, POINT_HISTOGRAM);
    json_end(j);
}

static void raw(struct json_out *j, const struct raw_series *s)
{
    json_object(j);
    json_key(j, S("metric"));
    render_labels(j, s->labels);
    if (s->n || !s->n_histograms) {
        json_key(j, S("values"));
        json_array(j);
        for (uint32_t i = 0; i < s->n; i++) point(j, s->samples[i].t, s->samples[i].v);
        json_end(j);
    }
    if (s->n_histograms) {
        json_key(j, S("histograms"));
        json_array(j);
        for (uint32_t i = 0; i < s->n_histograms; i++)
            histogram_point(j, s->histograms[i].t, s->histograms[i].h);
        json_end(j);
    }
    json_end(j);
}

/* Over a range: a series without labels. */
static void scalars(struct json_out *j, const struct value *v)
{
    json_array(j);
    json_object(j);
    json_key(j, S("metric"));
    render_labels(j, (struct labels){0});
    json_key(j, S("values"));
    json_array(j);
    for (uint32_t i = 0; i < v->grid.n; i++)
        point(j, v->grid.start + (int64_t)i * v->grid.step, v->scalar[i]);
    json_end(j);
    json_end(j);
    json_end(j);
}

/* A result that is not a list of rows. */
static void single(struct json_out *j, const struct value *v, bool range)
{
    if (v->kind == VALUE_SCALAR && range) {
        scalars(j, v);
    } else if (v->kind == VALUE_SCALAR) {
        point(j, v->grid.start, v->scalar[0]);
    } else {
        json_array(j);
        timestamp(j, v->grid.start);
        json_str(j, v->text);
        json_end(j);
    }
}

static void seconds(struct json_out *j, str key, double v)
{
    json_key(j, key);
    json_f64(j, v);
}

static void count(struct json_out *j, str key, uint64_t v)
{
    json_key(j, key);
    json_u64(j, v);
}

static void counts(struct json_out *j, str key, struct grid g, const uint64_t *list)
{
    json_key(j, key);
    json_array(j);
    for (uint32_t i = 0; i < g.n; i++) {
        json_array(j);
        timestamp(j, g.start + (int64_t)i * g.step);
        json_u64(j, list[i]);
        json_end(j);
    }
    json_end(j);
}

static void render_stats(struct json_out *j, const struct prometheus_stats *s)
{
    json_key(j, S("stats"));
    json_object(j);
    json_key(j, S("timings"));
    json_object(j);
    seconds(j, S("evalTotalTime"), s->eval_total);
    seconds(j, S("resultSortTime"), s->sorting);
    seconds(j, S("queryPreparationTime"), s->preparation);
    seconds(j, S("innerEvalTime"), s->inner_eval);
    seconds(j, S("execQueueTime"), s->queued);
    seconds(j, S("execTotalTime"), s->exec_total);
    json_end(j);
    json_key(j, S("samples"));
    json_object(j);
    if (s->per_step) counts(j, S("totalQueryableSamplesPerStep"), s->grid, s->per_step);
    count(j, S("totalQueryableSamples"), s->queryable);
    if (s->per_step) counts(j, S("samplesReadPerStep"), s->grid, s->reads);
    count(j, S("samplesRead"), s->read);
    count(j, S("peakSamples"), s->peak);
    json_end(j);
    if (s->resolution.len) {
        json_key(j, S("resolution"));
        json_str(j, s->resolution);
    }
    json_end(j);
}

static bool has_rows(const struct value *v)
{
    return v->kind == VALUE_VECTOR || v->kind == VALUE_MATRIX;
}

static void begin_answer(struct prometheus_answer *a, struct buf *out)
{
    static const char *const names[] = {[VALUE_SCALAR] = "scalar",
                                        [VALUE_STRING] = "string",
                                        [VALUE_VECTOR] = "vector",
                                        [VALUE_MATRIX] = "matrix"};
    const char *name = a->is_range ? "matrix" : names[a->value->kind];
    a->out = prometheus_begin(out);
    json_object(&a->out);
    json_key(&a->out, S("resultType"));
    json_str(&a->out, str_of(name));
    json_key(&a->out, S("result"));
    if (has_rows(a->value))
        json_array(&a->out);
    else
        single(&a->out, a->value, a->is_range);
}

bool prometheus_answer_write(struct prometheus_answer *a, struct buf *out, size_t enough)
{
    const struct value *v = a->value;
    uint32_t n = v->kind == VALUE_VECTOR ? v->n_rows : v->kind == VALUE_MATRIX ? v->matrix.n : 0;
    size_t until = out->len + enough;
    if (!a->out.out) begin_answer(a, out);
    struct json_out *j = &a->out;
    j->out = out;
    for (; a->next < n && out->len < until; a->next++) {
        if (v->kind == VALUE_VECTOR)
            row(j, &v->rows[a->next], v->grid, a->is_range);
        else
            raw(j, &v->matrix.list[a->next]);
    }
    if (a->next < n) return false;
    if (has_rows(v)) json_end(j);
    if (a->stats) render_stats(j, a->stats);
    if (a->trace) prometheus_explain(j, a->trace);
    json_end(j);
    prometheus_end(j, a->warnings, a->infos);
    return true;
}

unsigned prometheus_error(struct buf *out, status st, str message)
{
    unsigned http = 500;
    const char *type = "internal";
    switch (st) {
    case ST_INVALID: http = 400, type = "bad_data"; break;
    case ST_EXECUTION:
    case ST_LIMIT:
    case ST_UNSUPPORTED: http = 422, type = "execution"; break;
    case ST_CANCELLED: http = 499, type = "canceled"; break;
    case ST_TIMEOUT: http = 503, type = "timeout"; break;
    case ST_NOT_FOUND: http = 404, type = "not_found"; break;
    case ST_OVERLOADED:
    case ST_UNAVAILABLE: http = 503, type = "unavailable"; break;
    default: break;
    }
    buf_clear(out);
    struct json_out j = json_begin(out);
    json_object(&j);
    json_key(&j, S("status"));
    json_str(&j, S("error"));
    json_key(&j, S("errorType"));
    json_str(&j, (str){type, strlen(type)});
    json_key(&j, S("error"));
    json_str(&j, message);
    json_end(&j);
    return http;
}
