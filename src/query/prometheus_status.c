/* The endpoints of Prometheus' API that tell about the server. weir scrapes nothing and has no
 * rules: those lists are empty. Flags and configuration are the limits of queries in force. */
#include <time.h>
#include <unistd.h>

#include "base/json_out.h"
#include "query/prometheus_endpoints.h"
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

status prometheus_rules(struct query_job *j, struct err *)
{
    return constant(j, S("{\"groups\":[]}"));
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
