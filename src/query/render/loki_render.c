#include "query/render/loki_render.h"

#include <stdio.h>

#include "base/num.h"

static void labels(struct json_out *j, const struct loki_labels *l)
{
    json_object(j);
    for (uint32_t i = 0; i < l->n; i++) {
        json_key(j, l->v[i].name);
        json_str(j, l->v[i].value);
    }
    json_end(j);
}

static void begin(struct json_out *j, str result_type)
{
    json_object(j);
    json_key(j, S("status"));
    json_str(j, S("success"));
    json_key(j, S("data"));
    json_object(j);
    json_key(j, S("resultType"));
    json_str(j, result_type);
}

static void number(struct json_out *j, str key, double v)
{
    json_key(j, key);
    json_f64(j, v);
}

static void whole(struct json_out *j, str key, uint64_t v)
{
    json_key(j, key);
    json_u64(j, v);
}

/* The members of the summary that Grafana shows and logcli prints. */
static void end(struct json_out *j, const struct loki_stats *s)
{
    double per_second = s->seconds > 0 ? 1 / s->seconds : 0;
    json_key(j, S("stats"));
    json_object(j);
    json_key(j, S("summary"));
    json_object(j);
    whole(j, S("bytesProcessedPerSecond"), (uint64_t)((double)s->bytes * per_second));
    whole(j, S("linesProcessedPerSecond"), (uint64_t)((double)s->lines * per_second));
    whole(j, S("totalBytesProcessed"), s->bytes);
    whole(j, S("totalLinesProcessed"), s->lines);
    number(j, S("execTime"), s->seconds);
    number(j, S("queueTime"), 0);
    whole(j, S("subqueries"), 0);
    whole(j, S("totalEntriesReturned"), s->entries);
    whole(j, S("splits"), 0);
    whole(j, S("shards"), 0);
    whole(j, S("totalPostFilterLines"), s->lines);
    whole(j, S("totalStructuredMetadataBytesProcessed"), 0);
    json_end(j);
    json_end(j);
    json_end(j);
    json_end(j);
    buf_char(j->out, '\n');
}

static void time_string(struct json_out *j, nanos t)
{
    char text[NUM_MAX];
    json_str(j, (str){text, num_format_i64(t, text)});
}

static void entry(struct json_out *j, const struct loki_entry *e, bool categorized)
{
    json_array(j);
    time_string(j, e->time);
    json_str(j, e->line);
    if (categorized) {
        json_object(j);
        if (e->metadata.n) {
            json_key(j, S("structuredMetadata"));
            labels(j, &e->metadata);
        }
        json_end(j);
    }
    json_end(j);
}

void loki_render_streams(struct buf *out, const struct loki_stream *v, size_t n, bool categorized,
                         const struct loki_stats *stats)
{
    struct json_out j = json_begin(out);
    begin(&j, S("streams"));
    if (categorized) {
        json_key(&j, S("encodingFlags"));
        json_array(&j);
        json_str(&j, S("categorize-labels"));
        json_end(&j);
    }
    json_key(&j, S("result"));
    json_array(&j);
    for (size_t i = 0; i < n; i++) {
        json_object(&j);
        json_key(&j, S("stream"));
        labels(&j, &v[i].labels);
        json_key(&j, S("values"));
        json_array(&j);
        for (uint32_t k = 0; k < v[i].n; k++) entry(&j, &v[i].v[k], categorized);
        json_end(&j);
        json_end(&j);
    }
    json_end(&j);
    end(&j, stats);
}

/* Seconds with at most three decimals: Loki's samples have milliseconds. */
static void sample(struct json_out *j, nanos t, double v)
{
    char text[NUM_MAX + 32];
    int64_t ms = t / NANOS_MS, s = ms / 1000, rest = ms % 1000;
    if (rest < 0) rest += 1000, s--;
    int n = rest ? snprintf(text, sizeof text, "%lld.%03lld", (long long)s, (long long)rest)
                 : snprintf(text, sizeof text, "%lld", (long long)s);
    while (rest && text[n - 1] == '0') n--;
    json_array(j);
    json_raw(j, (str){text, (size_t)n});
    json_str(j, (str){text, num_format_prometheus(v, text)});
    json_end(j);
}

static void matrix_series(struct json_out *j, const struct loki_labels *l,
                          const struct logql_grid *g, const double *values, const bool *present,
                          double number_)
{
    json_object(j);
    json_key(j, S("metric"));
    labels(j, l);
    json_key(j, S("values"));
    json_array(j);
    for (uint32_t i = 0; i < g->n; i++)
        if (!present || present[i])
            sample(j, g->start + (int64_t)i * g->step, values ? values[i] : number_);
    json_end(j);
    json_end(j);
}

void loki_render_matrix(struct buf *out, const struct logql_matrix *m, const struct logql_grid *g,
                        const struct loki_stats *stats)
{
    struct json_out j = json_begin(out);
    begin(&j, S("matrix"));
    json_key(&j, S("result"));
    json_array(&j);
    if (m->scalar) matrix_series(&j, &(struct loki_labels){0}, g, NULL, NULL, m->number);
    for (uint32_t i = 0; i < m->n; i++)
        matrix_series(&j, &m->v[i].labels, g, m->v[i].values, m->v[i].present, 0);
    json_end(&j);
    end(&j, stats);
}

void loki_render_instant(struct buf *out, const struct logql_matrix *m, const struct logql_grid *g,
                         const struct loki_stats *stats)
{
    struct json_out j = json_begin(out);
    begin(&j, m->scalar ? S("scalar") : S("vector"));
    json_key(&j, S("result"));
    if (m->scalar) {
        sample(&j, g->start, m->number);
        end(&j, stats);
        return;
    }
    json_array(&j);
    for (uint32_t i = 0; i < m->n; i++) {
        if (!m->v[i].present[0]) continue;
        json_object(&j);
        json_key(&j, S("metric"));
        labels(&j, &m->v[i].labels);
        json_key(&j, S("value"));
        sample(&j, g->start, m->v[i].values[0]);
        json_end(&j);
    }
    json_end(&j);
    end(&j, stats);
}

static struct json_out begin_list(struct buf *out)
{
    struct json_out j = json_begin(out);
    json_object(&j);
    json_key(&j, S("status"));
    json_str(&j, S("success"));
    json_key(&j, S("data"));
    json_array(&j);
    return j;
}

static void end_list(struct json_out *j)
{
    json_end(j);
    json_end(j);
    buf_char(j->out, '\n');
}

void loki_render_strings(struct buf *out, const str *v, size_t n)
{
    struct json_out j = begin_list(out);
    for (size_t i = 0; i < n; i++) json_str(&j, v[i]);
    end_list(&j);
}

void loki_render_series(struct buf *out, const struct loki_labels *v, size_t n)
{
    struct json_out j = begin_list(out);
    for (size_t i = 0; i < n; i++) labels(&j, &v[i]);
    end_list(&j);
}
