/* Prometheus' HTTP API: parse the parameters and the expression, evaluate it over the store,
 * render. */
#include "query/api.h"
#include "query/eval/eval.h"
#include "query/parse/parse.h"
#include "query/plan/promql_plan.h"
#include "query/prometheus_endpoints.h"
#include "query/prometheus_params.h"
#include "query/promql_cached.h"
#include "query/promql_store.h"
#include "query/render/prometheus_json.h"
#include "query/render/promql_tree.h"

static status check_job(void *ctx, struct err *err) { return job_check(ctx, err); }

/* What is wrong with the expression, with its place: invalid parameter "query": 1:5: parse error:
 * ... */
static status expression(struct query_job *j, str *ret_text, struct promql_expr **ret,
                         struct err *err)
{
    str q = job_param(j, S("query"));
    struct promql_options opt = {.experimental = j->limits->experimental};
    status s = promql_parse(j->arena, q, opt, ret, err);
    if (s != ST_OK) {
        struct buf b;
        buf_init(&b, 64);
        promql_place(&b, q, err->pos);
        err_wrap(err, s, "invalid parameter \"query\": " STR_FMT ": parse error",
                 STR_ARG(buf_str(&b)));
        buf_done(&b);
    }
    *ret_text = q;
    return s;
}

struct answer {
    struct notes warnings, infos;
    struct value v;
    struct prometheus_stats stats;
    bool wants_stats;
};

static double seconds(nanos t) { return (double)t / (double)NANOS_S; }

static void take_stats(struct answer *a, const struct query_job *j, nanos begun, nanos read,
                       const struct promql_counts *c)
{
    nanos arrived = j->arrived ? j->arrived : begun, now = clock_monotonic();
    a->wants_stats = job_param(j, S("stats")).len > 0;
    uint64_t total = 0;
    for (uint32_t i = 0; c->reads && i < a->v.grid.n; i++) total += c->reads[i];
    bool steps = str_eq(job_param(j, S("stats")), S("all"));
    a->stats = (struct prometheus_stats){.eval_total = seconds(now - begun),
                                         .sorting = seconds(c->sorting),
                                         .preparation = seconds(read),
                                         .inner_eval = seconds(now - begun - read - c->sorting),
                                         .queued = seconds(begun - arrived),
                                         .exec_total = seconds(now - arrived),
                                         .queryable = c->queryable,
                                         .peak = c->peak,
                                         .read = total,
                                         .per_step = steps ? c->per_step : NULL,
                                         .reads = c->reads,
                                         .grid = a->v.grid,
                                         .resolution = j->resolution};
}

/* A client may ask past the cache; timings are of a query that did the work. */
static bool may_be_cached(const struct query_job *j, const struct promql_eval_options *opt)
{
    str control = job_header(j, S("cache-control"));
    return j->cache && opt->is_range && !job_param(j, S("stats")).len && !j->trace &&
           !str_eq(job_param(j, S("nocache")), S("1")) &&
           !memmem(control.ptr ? control.ptr : "", control.len, "no-store", 8) &&
           !memmem(control.ptr ? control.ptr : "", control.len, "no-cache", 8);
}

static status evaluate_store(struct query_job *j, str text, struct promql_expr *e,
                             const struct promql_eval_options *opt, struct promql_store *store,
                             struct answer *ret, struct err *err)
{
    bool done = false;
    struct promql_cached q = {store, text, e, opt, &ret->warnings, &ret->infos};
    if (may_be_cached(j, opt)) TRY(promql_cached_eval(&q, &ret->v, &done, err));
    if (!done)
        TRY(promql_eval(j->arena, text, e, opt, &store->source, &ret->warnings, &ret->infos,
                        &ret->v, err));
    if (opt->is_range) {
        notes_sort(&ret->warnings);
        notes_sort(&ret->infos);
    }
    return ST_OK;
}

static status evaluate(struct query_job *j, str text, struct promql_expr *e,
                       struct promql_eval_options *opt, struct answer *ret, struct err *err)
{
    struct promql_store store;
    struct promql_counts counts = {0};
    nanos begun = clock_monotonic();
    if (str_eq(job_param(j, S("explain")), S("1"))) query_trace_begin(j);
    promql_store_init(&store, j);
    if (j->limits->experimental) promql_store_starts_for(&store, e); /* behind a flag there too */
    *ret = (struct answer){.warnings = {.arena = j->arena}, .infos = {.arena = j->arena}};
    opt->max_samples = j->limits->max_rows;
    opt->check = check_job;
    opt->check_ctx = j;
    opt->counts = &counts;
    opt->counts_steps = job_param(j, S("stats")).len > 0;
    opt->clock = clock_monotonic;
    TRY(prometheus_span_param(j, S("lookback_delta"), 0, &opt->lookback_ms, err));
    TRY(evaluate_store(j, text, e, opt, &store, ret, err));
    j->resolution = promql_store_resolutions(j->arena, store.used);
    take_stats(ret, j, begun, store.spent, &counts);
    return ST_OK;
}

static void cut(struct answer *a, uint64_t limit)
{
    uint32_t *n = a->v.kind == VALUE_MATRIX ? &a->v.matrix.n : &a->v.n_rows;
    if (!limit || *n <= limit) return;
    *n = (uint32_t)limit;
    notes_add(&a->warnings, S("results truncated due to limit"));
}

/* A piece of it; the rest when the client has taken that. */
static void write_answer(struct query_job *j)
{
    bool whole = prometheus_answer_write(j->more_ctx, &j->body, job_piece(j));
    j->more = whole ? NULL : write_answer;
}

static void answer(struct query_job *j, const struct answer *a, bool range)
{
    struct answer *kept = arena_new(j->arena, struct answer);
    struct prometheus_answer *out = arena_new(j->arena, struct prometheus_answer);
    *kept = *a;
    *out = (struct prometheus_answer){.value = &kept->v,
                                      .is_range = range,
                                      .stats = a->wants_stats ? &kept->stats : NULL,
                                      .trace = j->trace,
                                      .warnings = &kept->warnings,
                                      .infos = &kept->infos};
    j->more_ctx = out;
    write_answer(j);
}

static status run_query(struct query_job *j, struct err *err)
{
    int64_t t;
    uint64_t limit;
    TRY(prometheus_limit(j, &limit, err));
    TRY(prometheus_time_param(j, S("time"), j->now / NANOS_MS, &t, err));
    TRY(prometheus_timeout(j, err));
    str text;
    struct promql_expr *e;
    TRY(expression(j, &text, &e, err));
    struct promql_eval_options opt = {.grid = {t, 1000, 1}, .start_ms = t, .end_ms = t};
    struct answer a;
    TRY(evaluate(j, text, e, &opt, &a, err));
    cut(&a, limit);
    answer(j, &a, false);
    return ST_OK;
}

static status run_query_range(struct query_job *j, struct err *err)
{
    int64_t start, end, step;
    uint64_t limit;
    TRY(prometheus_limit(j, &limit, err));
    TRY(prometheus_time_needed(j, S("start"), &start, err));
    TRY(prometheus_time_needed(j, S("end"), &end, err));
    if (end < start)
        return err_set(err, ST_INVALID, 0,
                       "invalid parameter \"end\": end timestamp must not be before start time");
    TRY(prometheus_span_needed(j, S("step"), &step, err));
    if (step <= 0)
        return err_set(err, ST_INVALID, 0,
                       "invalid parameter \"step\": zero or negative query resolution step widths "
                       "are not accepted. "
                       "Try a positive integer");
    if ((end - start) / step > 11000)
        return err_set(
            err, ST_INVALID, 0,
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
            "resolution (?step=XX)");
    TRY(prometheus_timeout(j, err));
    str text;
    struct promql_expr *e;
    TRY(expression(j, &text, &e, err));
    enum promql_type type = promql_type_of(e);
    if (type != PROMQL_SCALAR && type != PROMQL_VECTOR)
        return err_set(err, ST_INVALID, 0,
                       "invalid parameter \"query\": invalid expression type \"%s\" for range "
                       "query, must be Scalar or "
                       "instant Vector",
                       promql_type_text(type));
    struct promql_eval_options opt = {.grid = {start, step, (uint32_t)((end - start) / step) + 1},
                                      .start_ms = start,
                                      .end_ms = end,
                                      .is_range = true};
    struct answer a;
    TRY(evaluate(j, text, e, &opt, &a, err));
    cut(&a, limit);
    answer(j, &a, true);
    return ST_OK;
}

/* Label sets of match[]; all series when there is none. */
static status find_series(struct query_job *j, bool needed, struct label_sets *ret,
                          struct notes *warnings, struct err *err)
{
    int64_t start, end;
    TRY(prometheus_time_param(j, S("start"), 0, &start, err));
    TRY(prometheus_time_param(j, S("end"), (int64_t)PROMQL_TIME_MAX * 1000, &end, err));
    if (end < start)
        return err_set(err, ST_INVALID, 0,
                       "invalid parameter \"end\": end timestamp must not be before start time");
    struct selector *selectors;
    uint32_t n;
    TRY(prometheus_matches(j, &selectors, &n, err));
    if (needed && !n) return err_set(err, ST_INVALID, 0, "no match[] parameter provided");
    struct selector all = {0};
    struct promql_store store;
    promql_store_init(&store, j);
    return promql_store_series(&store, n ? selectors : &all, n ? n : 1, start, end, warnings, ret,
                               err);
}

static bool past(struct notes *warnings, uint64_t limit, uint32_t i)
{
    if (!limit || i < limit) return false;
    notes_add(warnings, S("results truncated due to limit"));
    return true;
}

/* An answer of label sets, and how far it is written. */
struct series_answer {
    struct label_sets sets;
    struct notes warnings;
    struct json_out out;
    uint32_t next;
};

/* A piece of it, as write_answer. */
static void write_series(struct query_job *j)
{
    struct series_answer *a = j->more_ctx;
    size_t until = j->body.len + job_piece(j);
    a->out.out = &j->body;
    for (; a->next < a->sets.n && j->body.len < until; a->next++)
        render_labels(&a->out, a->sets.list[a->next]);
    j->more = a->next < a->sets.n ? write_series : NULL;
    if (j->more) return;
    json_end(&a->out);
    prometheus_end(&a->out, &a->warnings, NULL);
}

static status run_series(struct query_job *j, struct err *err)
{
    struct series_answer *a = arena_new(j->arena, struct series_answer);
    *a = (struct series_answer){.warnings = {.arena = j->arena}};
    uint64_t limit;
    TRY(prometheus_limit(j, &limit, err));
    TRY(find_series(j, true, &a->sets, &a->warnings, err));
    if (limit && a->sets.n > limit) {
        a->sets.n = (uint32_t)limit;
        notes_add(&a->warnings, S("results truncated due to limit"));
    }
    a->out = prometheus_begin(&j->body);
    json_array(&a->out);
    j->more_ctx = a;
    write_series(j);
    return ST_OK;
}

static status names_answer(struct query_job *j, str *names, uint32_t n, uint64_t limit,
                           struct notes *warnings)
{
    struct json_out out = prometheus_begin(&j->body);
    json_array(&out);
    n = prometheus_sort_names(names, n);
    for (uint32_t i = 0; i < n && !past(warnings, limit, i); i++) json_str(&out, names[i]);
    json_end(&out);
    prometheus_end(&out, warnings, NULL);
    return ST_OK;
}

static status run_labels(struct query_job *j, struct err *err)
{
    struct notes warnings = {.arena = j->arena};
    struct label_sets sets;
    uint64_t limit, total = 0;
    TRY(prometheus_limit(j, &limit, err));
    TRY(find_series(j, false, &sets, &warnings, err));
    for (uint32_t i = 0; i < sets.n; i++) total += sets.list[i].n;
    str *names = arena_array(j->arena, str, total + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < sets.n; i++)
        for (uint32_t k = 0; k < sets.list[i].n; k++) names[n++] = sets.list[i].list[k].name;
    return names_answer(j, names, n, limit, &warnings);
}

static status run_label_values(struct query_job *j, struct err *err)
{
    struct notes warnings = {.arena = j->arena};
    struct label_sets sets;
    uint64_t limit;
    str name;
    TRY(prometheus_segment_label(j, &name, err));
    TRY(prometheus_limit(j, &limit, err));
    TRY(find_series(j, false, &sets, &warnings, err));
    str *values = arena_array(j->arena, str, sets.n + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < sets.n; i++) {
        str v = labels_get(sets.list[i], name);
        if (v.len) values[n++] = v;
    }
    return names_answer(j, values, n, limit, &warnings);
}

static status run_metadata(struct query_job *j, struct err *err)
{
    return prometheus_metadata(j, err);
}

static status run_format_query(struct query_job *j, struct err *err)
{
    str text;
    struct promql_expr *e;
    TRY(expression(j, &text, &e, err));
    struct buf pretty;
    buf_init(&pretty, j->body.max);
    promql_pretty(&pretty, e);
    struct json_out out = prometheus_begin(&j->body);
    json_str(&out, buf_str(&pretty));
    prometheus_end(&out, NULL, NULL);
    if (pretty.over) j->body.over = true;
    buf_done(&pretty);
    return ST_OK;
}

static status run_parse_query(struct query_job *j, struct err *err)
{
    str text;
    struct promql_expr *e;
    TRY(expression(j, &text, &e, err));
    struct json_out out = prometheus_begin(&j->body);
    promql_tree(&out, e);
    prometheus_end(&out, NULL, NULL);
    return ST_OK;
}

/* The vector selectors of an expression. */
struct selectors {
    struct arena *arena;
    struct selector *list;
    uint32_t n;
};

static void add_selector(void *ctx, struct promql_expr *e)
{
    struct selectors *s = ctx;
    if (e->kind != PROMQL_SELECTOR) return;
    if ((s->n & (s->n - 1)) == 0) {
        struct selector *list = arena_array(s->arena, struct selector, s->n ? s->n * 2 : 1);
        if (s->n) memcpy(list, s->list, s->n * sizeof *list);
        s->list = list;
    }
    s->list[s->n++] = (struct selector){e->selector.matchers, e->selector.n_matchers};
}

static status run_query_exemplars(struct query_job *j, struct err *err)
{
    int64_t start, end;
    str text;
    struct promql_expr *e;
    TRY(prometheus_time_param(j, S("start"), 0, &start, err));
    TRY(prometheus_time_param(j, S("end"), (int64_t)PROMQL_TIME_MAX * 1000, &end, err));
    if (end < start)
        return err_set(err, ST_INVALID, 0,
                       "invalid parameter \"end\": end timestamp must not be before start time");
    TRY(expression(j, &text, &e, err));
    struct selectors s = {.arena = j->arena};
    promql_walk(e, add_selector, &s);
    if (!s.n) return prometheus_no_data(j);
    struct notes warnings = {.arena = j->arena};
    struct json_out out = prometheus_begin(&j->body);
    TRY(prometheus_exemplars(j, s.list, s.n, start, end, &warnings, &out, err));
    prometheus_end(&out, &warnings, NULL);
    return ST_OK;
}

static status run_tsdb(struct query_job *j, struct err *err) { return prometheus_tsdb(j, err); }
static status run_rules(struct query_job *j, struct err *err) { return prometheus_rules(j, err); }

/* Errors in Prometheus' form, once, for all endpoints. */
static status finish(struct query_job *j, status s, struct err *err)
{
    if (s == ST_OK && j->body.over)
        s = err_set(err, ST_EXECUTION, ERR_NOPOS, "the answer is too large: narrow the query");
    if (s != ST_OK)
        j->http_status = prometheus_error(&j->body, s, (str){err->msg, strlen(err->msg)});
    return s;
}

#define ENDPOINT(name)                                       \
    static status name(struct query_job *j, struct err *err) \
    {                                                        \
        return finish(j, run_##name(j, err), err);           \
    }
ENDPOINT(query)
ENDPOINT(query_range)
ENDPOINT(series)
ENDPOINT(labels)
ENDPOINT(label_values)
ENDPOINT(metadata)
ENDPOINT(format_query)
ENDPOINT(parse_query)
ENDPOINT(query_exemplars)
ENDPOINT(tsdb)
ENDPOINT(rules)

const struct query_route prometheus_routes[] = {
    {"GET POST", "/api/v1/query", query, QUERY_PROMETHEUS},
    {"GET POST", "/api/v1/query_range", query_range, QUERY_PROMETHEUS},
    {"GET POST", "/api/v1/series", series, QUERY_PROMETHEUS},
    {"GET POST", "/api/v1/labels", labels, QUERY_PROMETHEUS},
    {"GET", "/api/v1/label/{}/values", label_values, QUERY_PROMETHEUS},
    {"GET", "/api/v1/metadata", metadata, QUERY_PROMETHEUS},
    {"GET POST", "/api/v1/format_query", format_query, QUERY_PROMETHEUS},
    {"GET POST", "/api/v1/parse_query", parse_query, QUERY_PROMETHEUS},
    {"POST", "/api/v1/read", prometheus_read, QUERY_PROMETHEUS},
    {"GET", "/federate", prometheus_federate, QUERY_PROMETHEUS},
    {"GET POST", "/api/v1/query_exemplars", query_exemplars, QUERY_PROMETHEUS},
    {"GET", "/api/v1/status/buildinfo", prometheus_buildinfo, QUERY_PROMETHEUS},
    {"GET", "/api/v1/status/runtimeinfo", prometheus_runtimeinfo, QUERY_PROMETHEUS},
    {"GET", "/api/v1/status/flags", prometheus_flags, QUERY_PROMETHEUS},
    {"GET", "/api/v1/status/config", prometheus_config, QUERY_PROMETHEUS},
    {"GET", "/api/v1/status/tsdb", tsdb, QUERY_PROMETHEUS},
    {"GET", "/api/v1/status/walreplay", prometheus_walreplay, QUERY_PROMETHEUS},
    {"GET", "/api/v1/features", prometheus_features, QUERY_PROMETHEUS},
    {"GET", "/api/v1/targets", prometheus_targets, QUERY_PROMETHEUS},
    {"GET", "/api/v1/targets/metadata", prometheus_targets_metadata, QUERY_PROMETHEUS},
    {"GET", "/api/v1/scrape_pools", prometheus_scrape_pools, QUERY_PROMETHEUS},
    {"GET", "/api/v1/rules", rules, QUERY_PROMETHEUS},
    {"GET", "/api/v1/alerts", prometheus_alerts, QUERY_PROMETHEUS},
    {"GET", "/api/v1/alertmanagers", prometheus_alertmanagers, QUERY_PROMETHEUS},
    {"GET", "/-/healthy", prometheus_healthy, QUERY_PROMETHEUS},
    {"GET", "/-/ready", prometheus_ready, QUERY_PROMETHEUS},
    {},
};
