/* The endpoints of Prometheus' API that tell about the server. weir scrapes nothing and has no
 * rules: those lists are empty. Flags and configuration are the limits of queries in force. */
#include <time.h>
#include <unistd.h>

#include "base/json_out.h"
#include "base/num.h"
#include "query/parse/parse.h"
#include "query/prometheus_endpoints.h"
#include "query/prometheus_params.h"
#include "query/render/prometheus_json.h"

static nanos started;
[[gnu::constructor]] static void remember_start(void) { started = clock_now(); }

static status constant(struct query_job *j, str data)
{
    struct json_out out = prometheus_begin(&j->body);
    json_raw(&out, data);
    prometheus_end(&out, NULL, NULL);
    return ST_OK;
}

/* Clients read the version of Prometheus whose API this is; the revision says who answers. */
status prometheus_buildinfo(struct query_job *j, struct err *)
{
    return constant(j, S("{\"version\":\"3.5.0\",\"revision\":\"weir-" WEIR_VERSION
                         "\",\"branch\":\"\",\"buildUser\":\"\",\"buildDate\":\"\","
                         "\"goVersion\":\"\"}"));
}

static void member(struct json_out *o, str key, str value)
{
    json_key(o, key);
    json_str(o, value);
}

static void time_member(struct json_out *o, str key, nanos t)
{
    time_t s = (time_t)(t / NANOS_S);
    struct tm tm;
    char text[32];
    gmtime_r(&s, &tm);
    member(o, key, (str){text, strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm)});
}

status prometheus_runtimeinfo(struct query_job *j, struct err *)
{
    char host[256] = "", folder[4096];
    (void)gethostname(host, sizeof host - 1);
    const char *at = getcwd(folder, sizeof folder) ? folder : "";
    struct json_out out = prometheus_begin(&j->body);
    json_object(&out);
    time_member(&out, S("startTime"), started);
    time_member(&out, S("serverTime"), j->now);
    member(&out, S("CWD"), (str){at, strlen(at)});
    member(&out, S("hostname"), (str){host, strlen(host)});
    json_key(&out, S("reloadConfigSuccess"));
    json_bool(&out, true); /* it is read once, and a bad one ends the start */
    time_member(&out, S("lastConfigTime"), started);
    json_end(&out);
    prometheus_end(&out, NULL, NULL);
    return ST_OK;
}

status prometheus_flags(struct query_job *j, struct err *)
{
    struct buf b;
    buf_init(&b, 4096);
    buf_printf(&b,
               "{\"query.lookback-delta\":\"5m\",\"query.max-samples\":\"%llu\","
               "\"query.timeout\":\"%ums\"}",
               (unsigned long long)j->limits->max_rows, j->limits->timeout_ms);
    status s = constant(j, buf_str(&b));
    buf_done(&b);
    return s;
}

status prometheus_config(struct query_job *j, struct err *)
{
    const struct query_limits *l = j->limits;
    struct buf b;
    buf_init(&b, 4096);
    buf_printf(&b,
               "query.timeout: %ums\nquery.max_rows: %llu\nquery.max_series: %llu\n"
               "query.max_memory: %llu\nquery.max_entries: %llu\n",
               l->timeout_ms, (unsigned long long)l->max_rows, (unsigned long long)l->max_series,
               (unsigned long long)l->max_bytes, (unsigned long long)l->max_entries);
    struct json_out out = prometheus_begin(&j->body);
    json_object(&out);
    member(&out, S("yaml"), buf_str(&b));
    json_end(&out);
    prometheus_end(&out, NULL, NULL);
    buf_done(&b);
    return ST_OK;
}

status prometheus_targets(struct query_job *j, struct err *)
{
    return constant(j,
                    S("{\"activeTargets\":[],\"droppedTargets\":[],\"droppedTargetCounts\":{}}"));
}

status prometheus_targets_metadata(struct query_job *j, struct err *)
{
    return constant(j, S("[]"));
}

status prometheus_scrape_pools(struct query_job *j, struct err *)
{
    return constant(j, S("{\"scrapePools\":[]}"));
}

static bool is_boolean(str s)
{
    static const str all[] = {{"1", 1}, {"t", 1}, {"true", 4}, {"0", 1}, {"f", 1}, {"false", 5}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (str_eq_fold(s, all[i])) return true;
    return false;
}

static status check_pages(const struct query_job *j, struct err *err)
{
    str limit = job_param(j, S("group_limit")), token = job_param(j, S("group_next_token"));
    int64_t n = 0;
    if (token.len && !limit.len)
        return err_set(err, ST_INVALID, 0,
                       "invalid parameter \"group_next_token\": group_limit needs to be present in "
                       "order to paginate over the groups");
    if (limit.len && (!num_parse_i64(limit, &n) || n > INT32_MAX))
        return err_set(err, ST_INVALID, 0,
                       "invalid parameter \"group_limit\": group_limit needs to be a valid number: "
                       "\"" STR_FMT "\"",
                       STR_ARG(limit));
    if (limit.len && n <= 0)
        return err_set(err, ST_INVALID, 0,
                       "invalid parameter \"group_limit\": group_limit needs to be greater than 0");
    if (token.len)
        return err_set(err, ST_INVALID, 0,
                       "invalid parameter \"group_next_token\": invalid group_next_token '" STR_FMT
                       "'. were rule groups changed?",
                       STR_ARG(token));
    return ST_OK;
}

/* There are no rules; what asks for some is checked all the same. */
status prometheus_rules(struct query_job *j, struct err *err)
{
    str type = job_param(j, S("type")), exclude = job_param(j, S("exclude_alerts"));
    struct selector *selectors;
    uint32_t n;
    TRY(prometheus_matches(j, &selectors, &n, err));
    if (type.len && !str_eq_fold(type, S("alert")) && !str_eq_fold(type, S("record")))
        return err_set(err, ST_INVALID, 0,
                       "invalid parameter \"type\": not supported value \"" STR_FMT "\"",
                       STR_ARG(type));
    if (exclude.len && !is_boolean(exclude))
        return err_set(err, ST_INVALID, 0,
                       "invalid parameter \"exclude_alerts\": error converting exclude_alerts: "
                       "\"" STR_FMT "\" is no boolean",
                       STR_ARG(exclude));
    TRY(check_pages(j, err));
    return constant(j, S("{\"groups\":[]}"));
}

status prometheus_no_data(struct query_job *j)
{
    j->http_status = 204;
    buf_clear(&j->body);
    return ST_OK;
}

/* What a start has to read again lies with the collector: queries wait for nothing. */
status prometheus_walreplay(struct query_job *j, struct err *)
{
    return constant(j, S("{\"min\":0,\"max\":0,\"current\":0}"));
}

static void feature(struct json_out *o, const char *name, bool is)
{
    json_key(o, (str){name, strlen(name)});
    json_bool(o, is);
}

static void feature_group(struct json_out *o, str name, const char *const *names, bool is)
{
    json_key(o, name);
    json_object(o);
    for (; *names; names++) feature(o, *names, is);
    json_end(o);
}

/* The categories and names of Prometheus, as far as weir has what they name. */
status prometheus_features(struct query_job *j, struct err *)
{
    static const char *const api[] = {"label_values_match", "query_stats",       "query_warnings",
                                      "time_range_labels",  "time_range_series", NULL};
    static const char *const promql[] = {
        "anchored",       "at_modifier",     "bool",       "by",         "duration_expr",
        "fill",           "fill_left",       "fill_right", "group_left", "group_right",
        "ignoring",       "negative_offset", "offset",     "on",         "per_query_lookback_delta",
        "per_step_stats", "smoothed",        "subqueries", "without",    NULL};
    static const char *const tsdb[] = {"exemplar_storage", "native_histograms", NULL};
    struct json_out out = prometheus_begin(&j->body);
    json_object(&out);
    feature_group(&out, S("api"), api, true);
    feature_group(&out, S("promql"), promql, true);
    json_key(&out, S("promql_functions"));
    json_object(&out);
    const struct promql_function *f;
    for (size_t i = 0; (f = promql_function_at(i)); i++)
        feature(&out, f->name, !f->experimental || j->limits->experimental);
    json_end(&out);
    json_key(&out, S("promql_operators"));
    json_object(&out);
    for (enum promql_op op = OP_ADD; op <= OP_UNLESS; op++) feature(&out, promql_op_name(op), true);
    for (enum promql_aggregate op = AGG_SUM; op <= AGG_LIMIT_RATIO; op++)
        feature(&out, promql_aggregate_name(op),
                (op != AGG_LIMITK && op != AGG_LIMIT_RATIO) || j->limits->experimental);
    json_end(&out);
    feature_group(&out, S("tsdb"), tsdb, true);
    json_end(&out);
    prometheus_end(&out, NULL, NULL);
    return ST_OK;
}

status prometheus_alerts(struct query_job *j, struct err *)
{
    return constant(j, S("{\"alerts\":[]}"));
}

status prometheus_alertmanagers(struct query_job *j, struct err *)
{
    return constant(j, S("{\"activeAlertmanagers\":[],\"droppedAlertmanagers\":[]}"));
}

status prometheus_healthy(struct query_job *j, struct err *)
{
    j->content_type = S("text/plain; charset=utf-8");
    buf_add(&j->body, S("Prometheus Server is Healthy.\n"));
    return ST_OK;
}

status prometheus_ready(struct query_job *j, struct err *)
{
    j->content_type = S("text/plain; charset=utf-8");
    buf_add(&j->body, S("Prometheus Server is Ready.\n"));
    return ST_OK;
}
