/* debug (logging): batches to weir's own log, at level info. basic: a line of counts for a batch;
 * normal: and one for each item; detailed: each item whole, as OTLP/JSON. */
#include <stdio.h>
#include <stdlib.h>

#include <pthread.h>

#include "base/hex.h"
#include "ingest/export/exporter.h"
#include "ingest/export/otlp_json.h"
#include "obs/log.h"

enum verbosity { BASIC, NORMAL, DETAILED };

/* Of what one item prints; a line of the log has 64 KiB at most. */
enum { NAME_MAX_BYTES = 256, TEXT_MAX_BYTES = 4096, ITEM_MAX_BYTES = 20000 };

struct debug_exporter {
    struct exporter base;
    str name; /* borrowed from the spec's text, copied behind the struct */
    enum verbosity verbosity;
    uint64_t initial, thereafter;
    pthread_mutex_t lock; /* of the sampling */
    int64_t second;
    uint64_t seen;
};

static void debug_close(struct exporter *base)
{
    struct debug_exporter *e = (struct debug_exporter *)base;
    pthread_mutex_destroy(&e->lock);
    free(e);
}

static status read_options(struct debug_exporter *e, const struct tree *o, struct err *err)
{
    uint32_t verbosity = BASIC;
    bool internal = true;
    TRY(TREE_ONLY(o, err, S("verbosity"), S("sampling_initial"), S("sampling_thereafter"),
                  S("use_internal_logger"), EXPORT_COMMON_OPTIONS));
    TRY(tree_choice(o, S("verbosity"), "basic|normal|detailed", &verbosity, err));
    TRY(tree_u64(o, S("sampling_initial"), 1, UINT32_MAX, &e->initial, err));
    TRY(tree_u64(o, S("sampling_thereafter"), 0, UINT32_MAX, &e->thereafter, err));
    TRY(tree_flag(o, S("use_internal_logger"), &internal, err));
    if (!internal)
        return tree_fail(tree_get(o, S("use_internal_logger")), err,
                         "weir's own log is where it goes; for a file take the file exporter");
    e->verbosity = (enum verbosity)verbosity;
    return ST_OK;
}

static status debug_open(const struct exporter_spec *spec, const struct exporter_kind *kind,
                         struct exporter **ret, struct err *err)
{
    struct debug_exporter *e = calloc(1, sizeof *e + spec->name.len);
    if (!e) abort();
    *e = (struct debug_exporter){.base.kind = kind, .initial = 2, .thereafter = 1};
    memcpy(e + 1, spec->name.ptr, spec->name.len);
    e->name = (str){(const char *)(e + 1), spec->name.len};
    pthread_mutex_init(&e->lock, NULL);
    status s = read_options(e, spec->options, err);
    if (s != ST_OK) {
        debug_close(&e->base);
        return s;
    }
    *ret = &e->base;
    return ST_OK;
}

/* The first `initial` batches of a second, then every `thereafter`th; none when that is 0. */
static bool sampled(struct debug_exporter *e)
{
    int64_t second = clock_monotonic() / NANOS_S;
    pthread_mutex_lock(&e->lock);
    if (second != e->second) e->seen = 0;
    e->second = second;
    uint64_t n = ++e->seen;
    pthread_mutex_unlock(&e->lock);
    if (n <= e->initial) return true;
    return e->thereafter && (n - e->initial) % e->thereafter == 0;
}

static str cut(str s, size_t most) { return (str){s.ptr, s.len < most ? s.len : most}; }

/* "key=value key=value": resource attributes and such on one line. */
static void add_attributes(struct arena *a, const struct telemetry_batch *b, struct attr_range r,
                           struct buf *out)
{
    for (uint32_t i = 0; i < r.n; i++) {
        const struct attr *attr = &b->attrs[r.at + i];
        if (out->len) buf_char(out, ' ');
        buf_add(out, cut(attr->key, NAME_MAX_BYTES));
        buf_char(out, '=');
        buf_add(out, cut(attr_stored_text(a, &attr->value), NAME_MAX_BYTES));
    }
}

static void basic(const struct debug_exporter *e, const struct telemetry_batch *b)
{
    static const char *const titles[] = {"Traces", "Logs", "Metrics"};
    static const char *const counts[] = {"spans", "log_records", "data_points"};
    uint32_t rows = telemetry_batch_rows(b);
    if (b->signal == SIGNAL_METRICS)
        log_info("debug", titles[b->signal], LOG_STR("exporter", e->name),
                 LOG_INT("resources", b->n_resources), LOG_INT("metrics", b->metrics.n_descs),
                 LOG_INT(counts[b->signal], rows));
    else
        log_info("debug", titles[b->signal], LOG_STR("exporter", e->name),
                 LOG_INT("resources", b->n_resources), LOG_INT(counts[b->signal], rows));
}

static void normal_span(const struct telemetry_batch *b, uint32_t i, str attributes)
{
    const struct span_columns *c = &b->spans;
    char trace[32], span[16];
    hex_encode(c->trace_id[i], 16, trace);
    hex_encode(c->span_id[i], 8, span);
    log_info("debug", "span", LOG_STR("name", cut(c->name[i], NAME_MAX_BYTES)),
             LOG_STR("trace_id", ((str){trace, 32})), LOG_STR("span_id", ((str){span, 16})),
             LOG_STR("attributes", attributes));
}

static void normal_log(struct arena *a, const struct telemetry_batch *b, uint32_t i, str attributes)
{
    const struct log_columns *c = &b->logs;
    log_info("debug", "log", LOG_STR("severity", cut(c->severity_text[i], NAME_MAX_BYTES)),
             LOG_STR("body", cut(attr_stored_text(a, &c->body[i]), TEXT_MAX_BYTES)),
             LOG_STR("attributes", attributes));
}

static void normal_point(const struct telemetry_batch *b, uint32_t i, str attributes)
{
    const struct metric_columns *c = &b->metrics;
    const struct metric_desc *d = &c->descs[c->desc[i]];
    struct log_field name = LOG_STR("name", cut(d->name, NAME_MAX_BYTES));
    struct log_field labels = LOG_STR("attributes", attributes);
    if (d->type == METRIC_GAUGE || d->type == METRIC_SUM)
        log_info("debug", "data point", name, LOG_DOUBLE("value", c->value[i]), labels);
    else
        log_info("debug", "data point", name, LOG_INT("count", c->count[i]),
                 LOG_DOUBLE("sum", c->sum[i]), labels);
}

static struct attr_range row_attributes(const struct telemetry_batch *b, uint32_t i)
{
    return b->signal == SIGNAL_TRACES ? b->spans.attrs[i]
           : b->signal == SIGNAL_LOGS ? b->logs.attrs[i]
                                      : b->metrics.attrs[i];
}

static void normal(struct arena *a, const struct telemetry_batch *b)
{
    struct buf attributes;
    buf_init(&attributes, TEXT_MAX_BYTES);
    for (uint32_t i = 0; i < telemetry_batch_rows(b); i++) {
        struct arena_mark mark = arena_mark(a);
        buf_clear(&attributes);
        add_attributes(a, b, row_attributes(b, i), &attributes);
        switch (b->signal) {
        case SIGNAL_TRACES: normal_span(b, i, buf_str(&attributes)); break;
        case SIGNAL_LOGS: normal_log(a, b, i, buf_str(&attributes)); break;
        default: normal_point(b, i, buf_str(&attributes)); break;
        }
        arena_rewind(a, mark);
    }
    buf_done(&attributes);
}

static void resource_and_scope(const struct telemetry_batch *b, uint32_t i, uint32_t *ret_resource,
                               uint32_t *ret_scope)
{
    bool metric = b->signal == SIGNAL_METRICS;
    const struct metric_desc *d = metric ? &b->metrics.descs[b->metrics.desc[i]] : NULL;
    bool log = b->signal == SIGNAL_LOGS;
    *ret_resource = metric ? d->resource : log ? b->logs.resource[i] : b->spans.resource[i];
    *ret_scope = metric ? d->scope : log ? b->logs.scope[i] : b->spans.scope[i];
}

/* What does not fit into a line of the log is cut, and said to be. */
static void detailed_row(struct arena *a, const struct telemetry_batch *b, uint32_t i,
                         struct buf parts[3])
{
    static const char *const titles[] = {"span", "log", "data point"};
    uint32_t resource, scope;
    for (int k = 0; k < 3; k++) buf_clear(&parts[k]);
    resource_and_scope(b, i, &resource, &scope);
    otlp_json_resource(a, b, resource, &parts[0]);
    otlp_json_scope(a, b, scope, &parts[1]);
    otlp_json_row(a, b, i, &parts[2]);
    struct log_field item = LOG_STR("item", cut(buf_str(&parts[2]), ITEM_MAX_BYTES));
    struct log_field from = LOG_STR("resource", cut(buf_str(&parts[0]), TEXT_MAX_BYTES));
    struct log_field by = LOG_STR("scope", cut(buf_str(&parts[1]), TEXT_MAX_BYTES));
    if (parts[2].len > ITEM_MAX_BYTES || parts[2].over)
        log_info("debug", titles[b->signal], from, by, item, LOG_INT("cut_at", ITEM_MAX_BYTES));
    else
        log_info("debug", titles[b->signal], from, by, item);
}

static void detailed(struct arena *a, const struct telemetry_batch *b)
{
    struct buf parts[3];
    for (int k = 0; k < 3; k++) buf_init(&parts[k], 16 << 20);
    for (uint32_t i = 0; i < telemetry_batch_rows(b); i++) detailed_row(a, b, i, parts);
    for (int k = 0; k < 3; k++) buf_done(&parts[k]);
}

static status debug_send(struct exporter *base, const struct telemetry_block *b,
                         struct export_progress *io, atomic_bool *cancel, uint32_t *,
                         struct err *err)
{
    struct debug_exporter *e = (struct debug_exporter *)base;
    struct arena scratch;
    arena_init(&scratch, 64 << 20);
    while (io->batches < b->n && !export_cancelled(cancel)) {
        const struct telemetry_batch *batch = b->batches[io->batches];
        uint32_t rows = telemetry_batch_rows(batch);
        if (rows && sampled(e)) {
            basic(e, batch);
            if (e->verbosity == NORMAL) normal(&scratch, batch);
            if (e->verbosity == DETAILED) detailed(&scratch, batch);
        }
        export_progress_add(io, 1, rows, 0, NULL);
    }
    arena_done(&scratch);
    return io->batches < b->n ? err_set(err, ST_CANCELLED, ERR_NOPOS, "cancelled") : ST_OK;
}

const struct exporter_kind export_debug = {
    .names = {"debug", "logging"},
    .open = debug_open,
    .close = debug_close,
    .send = debug_send,
};
