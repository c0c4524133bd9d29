/* The endpoints of Loki: a log query goes parse, plan, fetch, pipeline, render; a metric query
 * parse, eval (which has its windows planned and fetched), render. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/json_out.h"
#include "query/api.h"
#include "query/loki_fetch.h"
#include "query/loki_params.h"
#include "query/parse/logql_parse.h"
#include "query/render/loki_render.h"

/* Errors are plain text. What the query itself did wrong or asked too much of is 400. */
static status finish(struct query_job *j, status s, const struct err *err)
{
    if (s == ST_OK) {
        j->http_status = 200;
        j->content_type = S("application/json; charset=UTF-8");
        return s;
    }
    bool own = s == ST_INVALID || s == ST_UNSUPPORTED || s == ST_EXECUTION || s == ST_LIMIT;
    buf_clear(&j->body);
    if (s == ST_TIMEOUT)
        buf_add(
            &j->body,
            S("request timed out, decrease the duration of the request or add more label matchers "
              "(prefer exact match over regex match) to reduce the amount of data processed"));
    else
        buf_add(&j->body, (str){err->msg, strlen(err->msg)});
    buf_char(&j->body, '\n');
    j->http_status = own ? 400 : (unsigned)status_http(s);
    j->content_type = S("text/plain; charset=utf-8");
    return s;
}

static status body_fits(const struct query_job *j, struct err *err)
{
    if (!j->body.over) return ST_OK;
    return err_set(err, ST_EXECUTION, ERR_NOPOS,
                   "the answer is larger than its limit of %zu bytes: narrow the query",
                   j->body.max);
}

static status parse_query(struct query_job *j, struct logql_expr **ret, struct err *err)
{
    str query = job_param(j, S("query"));
    return logql_parse(j->arena, query, ret, err);
}

static status check_entries(const struct query_job *j, uint64_t limit, struct err *err)
{
    if (limit <= j->limits->max_entries) return ST_OK;
    return err_set(
        err, ST_INVALID, ERR_NOPOS,
        "max entries limit per query exceeded, limit > max_entries_limit_per_query (%llu > %llu)",
        (unsigned long long)limit, (unsigned long long)j->limits->max_entries);
}

/* X-Loki-Response-Encoding-Flags: a, categorize-labels */
static bool wants_categories(const struct query_job *j)
{
    static const str flag = S("categorize-labels");
    str h = job_header(j, S("x-loki-response-encoding-flags"));
    while (h.len) {
        const char *comma = memchr(h.ptr, ',', h.len);
        str one = {h.ptr, comma ? (size_t)(comma - h.ptr) : h.len};
        h = str_drop(h, one.len + 1);
        while (one.len && one.ptr[0] == ' ') one = str_drop(one, 1);
        while (one.len && one.ptr[one.len - 1] == ' ') one.len--;
        if (str_eq(one, flag)) return true;
    }
    return false;
}

static double seconds_since(nanos t) { return (double)(clock_monotonic() - t) / (double)NANOS_S; }

static status log_range(struct query_job *j, const struct logql_expr *x,
                        const struct loki_range_params *p, struct err *err)
{
    TRY(check_entries(j, p->limit, err));
    nanos began = clock_monotonic();
    struct loki_log_query q = {
        .log = &x->log,
        .start = p->start < 0 ? 0 : p->start,
        .end = p->end,
        .interval = p->interval,
        .limit = p->limit,
        .forward = p->forward,
        .categorized = wants_categories(j),
    };
    struct loki_found found = {0};
    if (q.start < q.end) TRY(loki_find(j, &q, &found, err));
    found.stats.seconds = seconds_since(began);
    loki_render_streams(&j->body, found.v, found.n, q.categorized, &found.stats);
    return body_fits(j, err);
}

static status metric(struct query_job *j, const struct logql_expr *x, struct logql_grid grid,
                     bool instant, struct err *err)
{
    nanos began = clock_monotonic();
    struct loki_metric_source source;
    loki_metric_source_init(&source, j);
    struct logql_eval e = {.arena = j->arena,
                           .grid = grid,
                           .source = &source.source,
                           .max_series = j->limits->max_series};
    struct logql_matrix m;
    TRY(logql_eval(&e, x, &m, err));
    source.stats.seconds = seconds_since(began);
    if (instant)
        loki_render_instant(&j->body, &m, &grid, &source.stats);
    else
        loki_render_matrix(&j->body, &m, &grid, &source.stats);
    return body_fits(j, err);
}

static status query_range(struct query_job *j, struct err *err)
{
    struct loki_range_params p;
    struct logql_expr *x;
    TRY(loki_range_params(j, &p, err));
    TRY(parse_query(j, &x, err));
    if (x->kind == LOGQL_LOG) return log_range(j, x, &p, err);
    struct logql_grid grid = {p.start, p.step, (uint32_t)((p.end - p.start) / p.step + 1)};
    return metric(j, x, grid, false, err);
}

static status query_instant(struct query_job *j, struct err *err)
{
    struct logql_expr *x;
    uint64_t limit;
    bool forward;
    nanos at = j->now;
    str time = job_param(j, S("time"));
    if (time.len) {
        status s = loki_time(time, &at, err);
        if (s != ST_OK) return err_wrap(err, s, "could not parse 'time' parameter");
    }
    TRY(loki_limit(j, &limit, err));
    TRY(loki_direction(j, &forward, err));
    TRY(parse_query(j, &x, err));
    if (x->kind == LOGQL_LOG)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "log queries are not supported as an instant query type, please change your "
                       "query to a range "
                       "query type");
    return metric(j, x, (struct logql_grid){at, 1, 1}, true, err);
}

/* --- labels, values, series --- */

static status select_streams(struct query_job *j, str selector, struct loki_selected *ret,
                             struct err *err)
{
    nanos start, end;
    struct logql_matchers m = {0};
    TRY(loki_bounds(j, &start, &end, err));
    if (selector.len) TRY(logql_parse_matchers(j->arena, selector, &m, err));
    if (start < 0) start = 0;
    if (end < start)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "end timestamp must not be before or equal to start time");
    return loki_select(j, &m, start, end, ret, err);
}

/* Strings, each once. */
struct names {
    struct arena *arena;
    struct map by_name;
    str *v;
    uint32_t n;
};

struct named {
    const struct names *names;
    str name;
};

static bool same_name(const void *ctx, uint32_t i)
{
    const struct named *c = ctx;
    return str_eq(c->names->v[i], c->name);
}

static void names_add(struct names *s, str name)
{
    struct named c = {s, name};
    uint32_t at;
    uint64_t hash = hash_str(name);
    if (map_find(&s->by_name, hash, same_name, &c, &at)) return;
    if ((s->n & (s->n - 1)) == 0) {
        str *v = arena_array(s->arena, str, s->n ? s->n * 2 : 1);
        if (s->n) memcpy(v, s->v, s->n * sizeof *v);
        s->v = v;
    }
    map_add(&s->by_name, hash, s->n);
    s->v[s->n++] = name;
}

static int by_text(const void *x, const void *y)
{
    str a = *(const str *)x, b = *(const str *)y;
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

static status answer_names(struct query_job *j, struct names *s, struct err *err)
{
    if (s->n > 1) qsort(s->v, s->n, sizeof *s->v, by_text);
    loki_render_strings(&j->body, s->v, s->n);
    return body_fits(j, err);
}

static status labels(struct query_job *j, struct err *err)
{
    struct loki_selected streams;
    TRY(select_streams(j, job_param(j, S("query")), &streams, err));
    struct names s = {.arena = j->arena};
    map_init(&s.by_name, j->arena, 64);
    for (uint32_t i = 0; i < streams.n; i++)
        for (uint32_t k = 0; k < streams.v[i].labels.n; k++)
            names_add(&s, streams.v[i].labels.v[k].name);
    return answer_names(j, &s, err);
}

static status label_values(struct query_job *j, struct err *err)
{
    struct loki_selected streams;
    TRY(select_streams(j, job_param(j, S("query")), &streams, err));
    struct names s = {.arena = j->arena};
    map_init(&s.by_name, j->arena, 64);
    for (uint32_t i = 0; i < streams.n; i++) {
        const struct loki_label *l = loki_labels_find(&streams.v[i].labels, j->segment);
        if (l && l->value.len) names_add(&s, l->value);
    }
    return answer_names(j, &s, err);
}

struct label_sets {
    struct loki_labels *v;
    uint32_t n;
};

static int by_labels(const void *x, const void *y) { return loki_labels_compare(x, y); }

/* match[] of everyone, match of logcli; repeated, any of them. */
static status series(struct query_job *j, struct err *err)
{
    static const str params[] = {S("match[]"), S("match")};
    struct label_sets all = {0};
    uint32_t cap = 0;
    bool any = false;
    for (size_t p = 0; p < 3; p++) {
        for (size_t i = 0;; i++) {
            str match = p < 2 ? job_param_at(j, params[p], i) : (str){0};
            if (p < 2 && !match.ptr) break;
            if (p == 2 && any)
                break; /* the third time round: no selector at all means every stream */
            any = true;
            struct loki_selected streams;
            TRY(select_streams(j, match, &streams, err));
            if (all.n + streams.n > cap) {
                cap = (all.n + streams.n) * 2;
                struct loki_labels *v = arena_array(j->arena, struct loki_labels, cap);
                if (all.n) memcpy(v, all.v, all.n * sizeof *v);
                all.v = v;
            }
            for (uint32_t k = 0; k < streams.n; k++) all.v[all.n++] = streams.v[k].labels;
        }
    }
    if (all.n > 1) qsort(all.v, all.n, sizeof *all.v, by_labels);
    uint32_t n = 0;
    for (uint32_t i = 0; i < all.n; i++)
        if (!n || !loki_labels_equal(&all.v[n - 1], &all.v[i])) all.v[n++] = all.v[i];
    loki_render_series(&j->body, all.v, n);
    return body_fits(j, err);
}

/* --- the rest --- */

struct totals {
    uint64_t streams, lines, bytes;
};

static status totals_block(void *ctx, const struct native_block *b, struct err *err)
{
    struct totals *t = ctx;
    const struct native_column *streams = native_find(b, S("streams")),
                               *lines = native_find(b, S("lines")),
                               *bytes = native_find(b, S("bytes"));
    if (!streams || !lines || !bytes)
        return err_set(err, ST_INTERNAL, ERR_NOPOS, "a column is missing");
    for (uint64_t r = 0; r < b->rows; r++) {
        t->streams += native_u64(streams, r);
        t->lines += native_u64(lines, r);
        t->bytes += native_u64(bytes, r);
    }
    return ST_OK;
}

static status index_stats(struct query_job *j, struct err *err)
{
    struct loki_selected streams;
    struct totals t = {0};
    nanos start, end;
    TRY(loki_bounds(j, &start, &end, err));
    TRY(select_streams(j, job_param(j, S("query")), &streams, err));
    if (streams.n) {
        struct sql *q = arena_new(j->arena, struct sql);
        sql_init(q, j->arena);
        loki_plan_stats(q, &streams.plan, start < 0 ? 0 : start, end);
        TRY(fetch_rows(j->fetcher, q, totals_block, &t, err));
    }
    struct json_out o = json_begin(&j->body);
    json_object(&o);
    json_key(&o, S("streams"));
    json_u64(&o, t.streams);
    json_key(&o, S("chunks")); /* there are none here; a stream that has lines counts as one */
    json_u64(&o, t.streams);
    json_key(&o, S("bytes"));
    json_u64(&o, t.bytes);
    json_key(&o, S("entries"));
    json_u64(&o, t.lines);
    json_end(&o);
    buf_char(&j->body, '\n');
    return ST_OK;
}

static status format_query(struct query_job *j, struct err *err)
{
    struct logql_expr *x;
    struct buf text;
    TRY(parse_query(j, &x, err));
    buf_init(&text, 1 << 20);
    logql_print(&text, x);
    struct json_out o = json_begin(&j->body);
    json_object(&o);
    json_key(&o, S("status"));
    json_str(&o, S("success"));
    json_key(&o, S("data"));
    json_str(&o, buf_str(&text));
    json_end(&o);
    buf_char(&j->body, '\n');
    buf_done(&text);
    return body_fits(j, err);
}

static status buildinfo(struct query_job *j, struct err *err)
{
    (void)err;
    struct json_out o = json_begin(&j->body);
    json_object(&o);
    json_key(&o, S("version"));
    json_str(&o, (str){WEIR_VERSION, sizeof WEIR_VERSION - 1});
    static const str empty[] = {S("revision"), S("branch"), S("buildUser"), S("buildDate"),
                                S("goVersion")};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        json_key(&o, empty[i]);
        json_str(&o, S(""));
    }
    json_end(&o);
    buf_char(&j->body, '\n');
    return ST_OK;
}

#define ENDPOINT(name)                                             \
    static status run_##name(struct query_job *j, struct err *err) \
    {                                                              \
        return finish(j, name(j, err), err);                       \
    }
ENDPOINT(query_range)
ENDPOINT(query_instant)
ENDPOINT(labels)
ENDPOINT(label_values)
ENDPOINT(series)
ENDPOINT(index_stats)
ENDPOINT(format_query)
ENDPOINT(buildinfo)

const struct query_route loki_routes[] = {
    {"GET POST", "/loki/api/v1/query_range", run_query_range, QUERY_LOKI},
    {"GET POST", "/loki/api/v1/query", run_query_instant, QUERY_LOKI},
    {"GET POST", "/loki/api/v1/labels", run_labels, QUERY_LOKI},
    {"GET POST", "/loki/api/v1/label", run_labels, QUERY_LOKI},
    {"GET POST", "/loki/api/v1/label/{}/values", run_label_values, QUERY_LOKI},
    {"GET POST", "/loki/api/v1/series", run_series, QUERY_LOKI},
    {"GET POST", "/loki/api/v1/index/stats", run_index_stats, QUERY_LOKI},
    {"GET POST", "/loki/api/v1/format_query", run_format_query, QUERY_LOKI},
    {"GET", "/loki/api/v1/status/buildinfo", run_buildinfo, QUERY_LOKI},
    {NULL, NULL, NULL, QUERY_LOKI},
};
