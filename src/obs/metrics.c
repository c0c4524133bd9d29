#include "obs/metrics.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>

enum kind { COUNTER, GAUGE, HISTOGRAM };
enum labels {
    NONE,
    SIGNAL,
    SIGNAL_REASON,
    SIGNAL_POLICY,
    TABLE,
    API,
    PROTOCOL,
    OUTCOME,
    ROUTE,
    ROUTE_POLICY,
    PROCESSOR,
    JOB,
    ROLLUP
};

static const struct {
    enum kind kind;
    enum labels labels;
    const char *name, *help;
} table[METRIC_COUNT] = {
#define X(id, k, l, n, h) {k, l, n, h},
#include "obs/metrics.def"
#undef X
};

/* Label lists: the slot of a value is its place. The lists mirror enums elsewhere, which are
 * append-only. */
static const char *const signals[] = {"traces", "logs", "metrics"};
static const char *const reasons[8] = {
    "bad_id", "too_old", "in_future", "bad_buckets", "too_many_attributes", "bad_labels"};
static const char *const policies[8] = {"sampled", "filtered", "dead", "overrun", "refused"};
static const char *const rollups[] = {"metrics_5m", "metrics_1h", "logs_5m", "logs_1h",
                                      "traces_red_1h"};
const char *const metric_tables[METRIC_TABLES] = {"otel_traces",         "otel_logs",
                                                  "otel_metrics",        "otel_trace_index",
                                                  "otel_span_names",     "otel_log_streams",
                                                  "otel_metric_series",  "otel_metric_exemplars",
                                                  "otel_traces_red_5m",  "otel_metric_resources",
                                                  "otel_metric_targets", "otel_trace_filters",
                                                  "otel_log_filters"};
static const char *const apis[] = {"prometheus", "loki", "jaeger", "clickhouse"};
static const char *const protocols[] = {"grpc", "http_protobuf", "http_json", "remote_write_1",
                                        "remote_write_2"};
static const char *const outcomes[] = {
#define X(name, http, grpc, retry, doc) #name,
#include "base/status.def"
#undef X
};

#define LEN(a) (sizeof(a) / sizeof *(a))

static atomic_uint_fast64_t values[METRIC_COUNT][METRIC_SLOT_MAX];

/* Histogram buckets: 0.1 ms * 10^(i/3), then +Inf. */
enum { BUCKETS = 19 };
static const double bounds[BUCKETS] = {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01,
                                       0.02,   0.05,   0.1,    0.2,   0.5,   1,     2,
                                       5,      10,     20,     50,    100};
static struct {
    atomic_uint_fast64_t bucket[BUCKETS + 1], nanos;
} histograms[METRIC_COUNT][16];

void metric_add(enum metric_id m, unsigned slot, uint64_t n)
{
    assert(slot < METRIC_SLOT_MAX);
    atomic_fetch_add_explicit(&values[m][slot], n, memory_order_relaxed);
}

void metric_set(enum metric_id m, unsigned slot, int64_t v)
{
    assert(slot < METRIC_SLOT_MAX);
    atomic_store_explicit(&values[m][slot], (uint64_t)v, memory_order_relaxed);
}

void metric_move(enum metric_id m, unsigned slot, int64_t delta)
{
    metric_add(m, slot, (uint64_t)delta);
}

uint64_t metric_get(enum metric_id m, unsigned slot)
{
    assert(slot < METRIC_SLOT_MAX);
    return atomic_load_explicit(&values[m][slot], memory_order_relaxed);
}

unsigned metric_table_slot(str name)
{
    for (unsigned i = 0; i < METRIC_TABLES; i++)
        if (str_eq(name, str_of(metric_tables[i]))) return i;
    return METRIC_SLOT_MAX;
}

void metric_observe(enum metric_id m, unsigned slot, double seconds)
{
    assert(slot < LEN(histograms[0]));
    unsigned b = 0;
    while (b < BUCKETS && seconds > bounds[b]) b++;
    atomic_fetch_add_explicit(&histograms[m][slot].bucket[b], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histograms[m][slot].nanos,
                              seconds > 0 ? (uint64_t)(seconds * 1e9) : 0, memory_order_relaxed);
}

/* Label texts that are known at start only. */
enum { NAMES_MAX = 480, TEXT_MAX = NAMES_MAX + 40 };
static char routes[METRIC_ROUTES_MAX][NAMES_MAX], processors[METRIC_SLOT_MAX][NAMES_MAX];

static const char *jobs[METRIC_JOBS_MAX];

static void add_label(struct buf *b, const char *key, str value)
{
    buf_printf(b, "%s%s=\"", b->len ? "," : "", key);
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c == '"' || c == '\\') buf_char(b, '\\');
        buf_char(b, c == '\n' ? ' ' : c);
    }
    buf_char(b, '"');
}

static void set_names(char out[NAMES_MAX], struct buf *b)
{
    if (b->len < NAMES_MAX) {
        memcpy(out, b->ptr, b->len);
        out[b->len] = 0;
    }
    buf_done(b);
}

void metric_label_route(unsigned slot, str pipeline, str exporter, const char *signal)
{
    assert(slot < METRIC_ROUTES_MAX);
    struct buf b;
    buf_init(&b, 65536);
    add_label(&b, "pipeline", pipeline);
    add_label(&b, "exporter", exporter);
    add_label(&b, "signal", str_of(signal));
    set_names(routes[slot], &b);
}

void metric_label_processor(unsigned slot, str pipeline, str processor)
{
    assert(slot < METRIC_SLOT_MAX);
    struct buf b;
    buf_init(&b, 65536);
    add_label(&b, "pipeline", pipeline);
    add_label(&b, "processor", processor);
    set_names(processors[slot], &b);
}

void metric_label_job(unsigned slot, const char *name)
{
    assert(slot < METRIC_JOBS_MAX);
    jobs[slot] = name;
}

/* The label text of a slot, or NULL when the slot has none. Without braces; empty for NONE. */
static const char *label_text(enum labels l, unsigned slot, char out[TEXT_MAX])
{
    const char *const *names = NULL;
    const char *key = "";
    unsigned n = 0;
    switch (l) {
    case NONE: out[0] = 0; return slot == 0 ? out : NULL;
    case SIGNAL: names = signals, n = LEN(signals), key = "signal"; break;
    case TABLE: names = metric_tables, n = METRIC_TABLES, key = "table"; break;
    case API: names = apis, n = LEN(apis), key = "api"; break;
    case PROTOCOL: names = protocols, n = LEN(protocols), key = "protocol"; break;
    case OUTCOME: names = outcomes, n = LEN(outcomes), key = "status"; break;
    case ROLLUP: names = rollups, n = LEN(rollups), key = "rollup"; break;
    case ROUTE: return slot < METRIC_ROUTES_MAX && *routes[slot] ? routes[slot] : NULL;
    case PROCESSOR: return *processors[slot] ? processors[slot] : NULL;
    case JOB:
        if (slot >= METRIC_JOBS_MAX || !jobs[slot]) return NULL;
        snprintf(out, TEXT_MAX, "job=\"%s\"", jobs[slot]);
        return out;
    case ROUTE_POLICY:
        if (slot / 8 >= METRIC_ROUTES_MAX || !*routes[slot / 8] || !policies[slot % 8]) return NULL;
        snprintf(out, TEXT_MAX, "%s,policy=\"%s\"", routes[slot / 8], policies[slot % 8]);
        return out;
    case SIGNAL_REASON:
    case SIGNAL_POLICY: {
        const char *second = l == SIGNAL_REASON ? reasons[slot % 8] : policies[slot % 8];
        if (slot / 8 >= LEN(signals) || !second) return NULL;
        snprintf(out, TEXT_MAX, "signal=\"%s\",%s=\"%s\"", signals[slot / 8],
                 l == SIGNAL_REASON ? "reason" : "policy", second);
        return out;
    }
    }
    if (slot >= n) return NULL;
    snprintf(out, TEXT_MAX, "%s=\"%s\"", key, names[slot]);
    return out;
}

static void render_histogram(struct buf *out, enum metric_id m, unsigned slot, const char *labels)
{
    uint64_t sum = 0;
    const char *comma = *labels ? "," : "";
    for (unsigned b = 0; b <= BUCKETS; b++) {
        sum += atomic_load_explicit(&histograms[m][slot].bucket[b], memory_order_relaxed);
        char le[24] = "+Inf";
        if (b < BUCKETS) snprintf(le, sizeof le, "%g", bounds[b]);
        buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %llu\n", table[m].name, labels, comma, le,
                   (unsigned long long)sum);
    }
    double seconds =
        (double)atomic_load_explicit(&histograms[m][slot].nanos, memory_order_relaxed) / 1e9;
    const char *open = *labels ? "{" : "", *close = *labels ? "}" : "";
    buf_printf(out, "%s_sum%s%s%s %.9g\n%s_count%s%s%s %llu\n", table[m].name, open, labels, close,
               seconds, table[m].name, open, labels, close, (unsigned long long)sum);
}

void metrics_render(struct buf *out)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    for (enum metric_id m = 0; m < METRIC_COUNT; m++) {
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", table[m].name, table[m].help, table[m].name,
                   kinds[table[m].kind]);
        char text[TEXT_MAX];
        for (unsigned slot = 0; slot < METRIC_SLOT_MAX; slot++) {
            const char *labels = label_text(table[m].labels, slot, text);
            if (!labels) continue;
            if (table[m].kind == HISTOGRAM) {
                render_histogram(out, m, slot, labels);
                continue;
            }
            buf_printf(out, "%s%s%s%s %lld\n", table[m].name, *labels ? "{" : "", labels,
                       *labels ? "}" : "", (long long)metric_get(m, slot));
        }
    }
}
