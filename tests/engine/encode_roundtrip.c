/* Blocks of each signal, ordered, encoded, stored by the real engine and selected back: every value
 * of every column of every table must come back as it was encoded. */
#include <stdio.h>

#include "base/yaml.h"
#include "engine/engine.h"
#include "ingest/batch/batch.h"
#include "ingest/encode/sample_test.h"
#include "ingest/process/process.h"
#include "lifecycle/lifecycle.h"
#include "native/reader.h"

static struct arena arena;

static struct store *tables(void)
{
    static bool ready;
    static const struct schema_settings forever = {.traces_partition_seconds = 3600};
    struct err err = {};
    if (!ready) WANT(lifecycle_start(engine_store(), &forever, &err), ST_OK);
    ready = true;
    return engine_store();
}

/* Row `g` of one column against row `w` of another. */
static void check_value(const struct native_column *got, uint64_t g,
                        const struct native_column *want, uint64_t w)
{
    CHECK_INT(got->kind, want->kind);
    switch (want->kind) {
    case NATIVE_UINT:
    case NATIVE_INT: CHECK_INT(native_i64(got, g), native_i64(want, w)); return;
    case NATIVE_FLOAT: CHECK_NEAR(native_f64(got, g), native_f64(want, w), 0); return;
    case NATIVE_STRING:
    case NATIVE_FIXED: CHECK_STR(native_str(got, g), native_str(want, w)); return;
    default: break;
    }
    if (want->kind == NATIVE_TUPLE) {
        for (uint32_t c = 0; c < want->n_children; c++)
            check_value(&got->child[c], g, &want->child[c], w);
        return;
    }
    uint64_t at = native_begin(got, g), n = native_end(got, g) - at, from = native_begin(want, w);
    CHECK_INT(n, native_end(want, w) - from);
    for (uint32_t c = 0; c < want->n_children; c++)
        for (uint64_t i = 0; i < n; i++)
            check_value(&got->child[c], at + i, &want->child[c], from + i);
}

/* The table's rows, in the order they were encoded in; the engine answers in blocks of its own. */
static void check_rows(const struct native_block *want, const char *table, const char *order)
{
    struct err err = {};
    char sql[300];
    int n = snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY %s", table, order);
    struct buf *out = arena_new(&arena, struct buf);
    buf_init(out, 1 << 26);
    struct store_query q = {.sql = {sql, (size_t)n}};
    WANT(store_query_buf(tables(), &q, out, &err), ST_OK);
    uint64_t row = 0;
    for (str bytes = buf_str(out); bytes.len;) {
        struct native_block got;
        WANT(native_read_block(&arena, &bytes, &got, &err), ST_OK);
        CHECK_INT(got.n_columns, want->n_columns);
        CHECK(row + got.rows <= want->rows);
        for (uint32_t c = 0; c < got.n_columns; c++) {
            CHECK_STR(got.columns[c].name, want->columns[c].name);
            for (uint64_t r = 0; r < got.rows; r++)
                check_value(&got.columns[c], r, &want->columns[c], row + r);
        }
        row += got.rows;
    }
    CHECK_INT(row, want->rows);
    buf_done(out);
}

static void check_table(const struct encoded_block *e, const char *table, const char *order)
{
    size_t found = 0;
    for (size_t i = 0; i < e->n; i++) {
        const struct encoded_insert *in = &e->inserts[i];
        if (!str_eq(in->table, (str){table, strlen(table)})) continue;
        found++;
        struct err err = {};
        struct native_block want;
        str bytes = in->body;
        WANT(native_read_block(&arena, &bytes, &want, &err), ST_OK);
        check_rows(&want, table, order);
    }
    CHECK_INT(found, 1); /* the sample's days and hours fit into one insert */
}

static struct encoded_block store_block(const struct telemetry_block *b)
{
    struct err err = {};
    struct block_order o;
    struct batch_partitioning p = {.traces_seconds = 3600, .max_partitions = 4};
    block_order(&arena, b, &p, &o);
    CHECK_INT(o.n_groups, 1);
    struct encode_rows rows = {o.rows, o.n_rows};
    struct encode_options opt = {&rows, 1, NULL};
    struct encoded_block e;
    WANT(encode_block(&arena, b, &opt, &e, &err), ST_OK);
    for (size_t i = 0; i < e.n; i++)
        WANT(store_insert(tables(), e.inserts[i].table, S(""), &e.inserts[i].body, 1, &err), ST_OK);
    return e;
}

static struct encoded_block store_sample(enum signal_kind signal)
{
    arena_init(&arena, (size_t)1 << 30);
    return store_block(sample_block(&arena, signal, 4, 100));
}

TEST(spans_come_back_as_they_were_encoded)
{
    struct encoded_block e = store_sample(SIGNAL_TRACES);
    check_table(&e, "otel_traces", "toStartOfHour(timestamp), trace_id, span_id, timestamp");
    check_table(&e, "otel_trace_index", "toDate(hour), trace_hash, hour");
    check_table(&e, "otel_span_names",
                "toStartOfMonth(day), service_name, span_name, span_kind, day");
    check_table(&e, "otel_traces_red_5m", "toDate(time), service_name, span_name, span_kind, time");
    CHECK_STR(
        engine_ask(
            tables(),
            "SELECT count() FROM otel_traces AS t WHERE (bitAnd(xxh3(trace_id), 0xffffffff), "
            "toStartOfHour(timestamp)) NOT IN (SELECT trace_hash, hour FROM otel_trace_index)"),
        S("0"));
}

TEST(red_rows_are_the_sums_of_the_rows)
{
    static const char *const by = " GROUP BY t, service_name, span_name, span_kind";
    char sql[1200];
    snprintf(sql, sizeof sql,
             "SELECT count() > 9, countIf(n != 2) FROM (SELECT count() AS n FROM ("
             "SELECT toStartOfFiveMinutes(timestamp)::DateTime('UTC') AS t, service_name, "
             "span_name, span_kind, sum(adjusted_count) AS c, sumIf(adjusted_count, status_code = "
             "2) AS e, sum(adjusted_count * duration_ns) AS s, toUInt64(max(duration_ns)) AS m, "
             "sumMap([toUInt16(floor(log2(greatest(duration_ns, 1)) * 8))], [adjusted_count]) AS h "
             "FROM otel_traces%s UNION ALL SELECT time AS t, service_name, span_name, span_kind, "
             "sum(count) AS c, sum(errors) AS e, sum(duration_sum) AS s, max(duration_max) AS m, "
             "sumMap(histogram) AS h FROM otel_traces_red_5m%s)%s, c, e, s, m, h)",
             by, by, by);
    CHECK_STR(engine_ask(tables(), sql), S("1\t0"));
    CHECK_STR(engine_ask(tables(), "SELECT sum(count) FROM otel_traces_red_5m"),
              engine_ask(tables(), "SELECT sum(adjusted_count) FROM otel_traces"));
}

/* Keeps one of ten. */
static struct process_chain *sampler(void)
{
    struct process_chain *chain = NULL;
    struct err err = {};
    const struct tree *options;
    WANT(yaml_parse(&arena, S("sampling_percentage: 10"), "sampler.yaml", NULL, NULL, &options,
                    &err),
         ST_OK);
    struct process_spec spec = {.name = S("probabilistic_sampler"), .options = options};
    WANT(process_chain_new(SIGNAL_TRACES, &spec, 1, &chain, &err), ST_OK);
    return chain;
}

TEST(red_rows_count_the_spans_that_a_sampler_took_out)
{
    arena_init(&arena, (size_t)1 << 30);
    engine_do(tables(), "TRUNCATE TABLE otel_traces");
    engine_do(tables(), "TRUNCATE TABLE otel_traces_red_5m");
    struct telemetry_block *b = sample_block(&arena, SIGNAL_TRACES, 4, 500);
    struct process_chain *chain = sampler();
    double all = 0;
    b->rows = 0;
    for (size_t i = 0; i < b->n; i++) {
        struct telemetry_batch *t = b->batches[i];
        t->arena = &arena;
        t->cap_attrs = t->n_attrs;
        for (uint32_t r = 0; r < t->spans.n; r++) all += t->spans.adjusted_count[r];
        process_run(chain, t, NULL);
        b->rows += t->spans.n;
    }
    process_chain_free(chain);
    CHECK(b->rows > 100 && b->rows < 400); /* of 2,000 */
    store_block(b);
    char text[40];
    snprintf(text, sizeof text, "%llu", (unsigned long long)b->rows);
    CHECK_STR(engine_ask(tables(), "SELECT count() FROM otel_traces"), str_of(text));
    snprintf(text, sizeof text, "%g", all);
    CHECK_STR(engine_ask(tables(), "SELECT sum(count) FROM otel_traces_red_5m"), str_of(text));
}

TEST(log_records_come_back_as_they_were_encoded)
{
    struct encoded_block e = store_sample(SIGNAL_LOGS);
    check_table(&e, "otel_logs",
                "toStartOfFiveMinutes(timestamp), severity_number, service_name, timestamp");
    check_table(&e, "otel_log_streams", "toStartOfMonth(day), service_name, stream_id, day");
}

/* Resources of two attributes and more get a name: they have a target_info. */
static void name_resources(struct telemetry_batch *b)
{
    for (uint32_t i = 0; i < b->n_resources; i++) {
        struct attr_range r = b->resources[i].attrs;
        if (r.n > 1)
            b->attrs[r.at] =
                (struct attr){S("service.name"), {.type = ATTR_STRING, .text = S("cart")}};
    }
}

TEST(data_points_come_back_as_they_were_encoded)
{
    arena_init(&arena, (size_t)1 << 30);
    const struct telemetry_block *sample = sample_block(&arena, SIGNAL_METRICS, 4, 100);
    for (size_t i = 0; i < sample->n; i++) name_resources(sample->batches[i]);
    struct encoded_block e = store_block(sample);
    check_table(&e, "otel_metrics", "toStartOfHour(timestamp), metric_name, series_id, timestamp");
    check_table(&e, "otel_metric_series", "toStartOfMonth(day), prometheus_name, series_id, day");
    check_table(&e, "otel_metric_resources", "toStartOfMonth(day), service_name, resource_id, day");
    check_table(&e, "otel_metric_targets", "toStartOfMonth(timestamp), resource_id, timestamp");
    check_table(&e, "otel_metric_exemplars",
                "toDate(timestamp), metric_name, series_id, timestamp");
}
