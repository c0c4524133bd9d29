/* Rate, errors and durations as Jaeger's metric families. */
#include <stdio.h>
#include <time.h>

#include "base/json_out.h"
#include "query/render/jaeger_envelope.h"
#include "query/render/jaeger_json.h"

static void text_member(struct json_out *o, str key, str value)
{
    json_key(o, key);
    json_str(o, value);
}

static void family(struct json_out *o, const struct trace_red_query *q)
{
    static const char *const names[] = {"call_rate", "error_rate", "latencies"};
    const char *of = q->by_operation ? "service_operation" : "service",
               *grouped = q->by_operation ? "service & operation" : "service";
    char name[64], help[160];
    int n = snprintf(name, sizeof name, "%s_%s", of, names[q->what]), k = 0;
    switch (q->what) {
    case TRACE_RED_CALLS:
        k = snprintf(help, sizeof help, "calls/sec, grouped by %s", grouped);
        break;
    case TRACE_RED_ERRORS:
        k = snprintf(help, sizeof help,
                     "error rate, computed as a fraction of errors/sec over calls/sec, grouped by "
                     "%s",
                     grouped);
        break;
    case TRACE_RED_LATENCIES:
        k = snprintf(help, sizeof help, "%.2fth quantile latency, grouped by %s", q->quantile,
                     grouped);
    }
    text_member(o, S("name"), (str){name, (size_t)n});
    text_member(o, S("type"), S("GAUGE"));
    text_member(o, S("help"), (str){help, (size_t)k});
}

static void label(struct json_out *o, str name, str value)
{
    json_object(o);
    text_member(o, S("name"), name);
    text_member(o, S("value"), value);
    json_end(o);
}

static void point(struct json_out *o, const struct trace_red_point *p)
{
    char text[32];
    struct tm tm;
    time_t t = (time_t)p->time;
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
    json_object(o);
    json_key(o, S("gaugeValue"));
    json_object(o);
    json_key(o, S("doubleValue"));
    json_f64(o, p->value);
    json_end(o);
    text_member(o, S("timestamp"), (str){text, n});
    json_end(o);
}

/* One series: the points that begin here. Returns how many. */
static size_t series(struct json_out *o, const struct trace_red_query *q,
                     const struct trace_red_point *p, size_t n)
{
    size_t i = 0;
    json_object(o);
    json_key(o, S("labels"));
    json_array(o);
    if (q->by_operation) label(o, S("operation"), p->operation);
    label(o, S("service_name"), trace_service_shown(p->service));
    json_end(o);
    json_key(o, S("metricPoints"));
    json_array(o);
    for (; i < n && str_eq(p[i].service, p->service) && str_eq(p[i].operation, p->operation); i++)
        point(o, &p[i]);
    json_end(o);
    json_end(o);
    return i;
}

void jaeger_render_red(struct buf *out, const struct trace_red_query *q,
                       const struct trace_red_point *points, size_t n)
{
    struct json_out o = json_begin(out);
    json_object(&o);
    family(&o, q);
    json_key(&o, S("metrics"));
    json_array(&o);
    for (size_t i = 0; i < n;) i += series(&o, q, points + i, n - i);
    json_end(&o);
    json_end(&o);
}

void jaeger_render_number(struct buf *out, uint64_t v)
{
    struct json_out o = jaeger_begin(out);
    json_u64(&o, v);
    jaeger_end(&o, 0);
}
