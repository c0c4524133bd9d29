/* Blocks are encoded, read back, and compared with the model member by member. */
#include "ingest/encode/encode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "ingest/encode/sample_test.h"
#include "model/red.h"
#include "model/trace_hash.h"
#include "native/reader.h"
#include "schema/migrate.h"
#include "testing/test.h"

static struct arena arena;
static struct telemetry_block *block;
static struct encode_rows rows;
static struct encoded_block encoded;
static struct native_block table;
static struct err err;

static void encode(const struct encode_rows *groups, size_t n, struct encode_seen *seen)
{
    struct encode_options opt = {groups, n, seen};
    status s = encode_block(&arena, block, &opt, &encoded, &err);
    if (s != ST_OK) printf("%s\n", err.msg);
    CHECK_INT(s, ST_OK);
}

/* Rows in an order of their own, so that nothing is right by accident. */
static void begin(enum signal_kind signal, uint32_t batches, uint32_t n)
{
    arena_done(&arena);
    arena_init(&arena, (size_t)1 << 31);
    block = sample_block(&arena, signal, batches, n);
    rows = sample_rows(&arena, block);
    struct row_ref *order = arena_array(&arena, struct row_ref, rows.n);
    for (size_t i = 0; i < rows.n; i++) order[i] = rows.rows[(i * 7919 + 3) % rows.n];
    rows.rows = order;
    encode(&rows, 1, NULL);
}

static size_t inserts_of(str name)
{
    size_t n = 0;
    for (size_t i = 0; i < encoded.n; i++) n += str_eq(encoded.inserts[i].table, name);
    return n;
}

/* Reads part `part` of a table; its columns must be those of tables.def. */
static void open_table(str name, uint32_t part)
{
    for (size_t i = 0; i < encoded.n; i++) {
        const struct encoded_insert *in = &encoded.inserts[i];
        if (!str_eq(in->table, name) || in->part != part) continue;
        str body = in->body;
        status s = native_read_block(&arena, &body, &table, &err);
        if (s != ST_OK) printf("%s\n", err.msg);
        CHECK_INT(s, ST_OK);
        CHECK_INT(body.len, 0);
        CHECK_INT(table.rows, in->rows);
        size_t at = 0;
        for (size_t k = 0; k < n_schema_columns; k++) {
            const struct schema_column *c = &schema_columns[k];
            if (!str_eq(name, (str){c->table, strlen(c->table)})) continue;
            CHECK_STR(table.columns[at].name, ((str){c->column, strlen(c->column)}));
            CHECK_STR(table.columns[at].type, ((str){c->type, strlen(c->type)}));
            at++;
        }
        CHECK_INT(at, table.n_columns);
        return;
    }
    CHECK(false); /* no such insert */
}

static const struct native_column *col(const char *name)
{
    const struct native_column *c = native_find(&table, (str){name, strlen(name)});
    CHECK(c != NULL);
    return c;
}

static str text_of(const struct attr_value *v)
{
    static char out[4096];
    if (v->type == ATTR_BYTES) return (str){out, base64_encode(v->text, out)};
    str t = attr_text(v, out);
    return t;
}

/* Map entries from `at` to `end` of map column `m`, and the letters beside it. */
static void check_map(const struct native_column *m, uint64_t r, str types,
                      const struct telemetry_batch *b, struct attr_range want)
{
    uint64_t at = native_begin(m, r);
    CHECK_INT(native_end(m, r) - at, want.n);
    bool plain = true;
    for (uint32_t i = 0; i < want.n; i++) {
        const struct attr *a = &b->attrs[want.at + i];
        CHECK_STR(native_str(&m->child[0], at + i), a->key);
        CHECK_STR(native_str(&m->child[1], at + i), text_of(&a->value));
        plain = plain && a->value.type == ATTR_STRING;
    }
    CHECK_INT(types.len, plain ? 0 : want.n);
    for (uint32_t i = 0; i < types.len; i++)
        CHECK_INT(types.ptr[i], attr_letter(b->attrs[want.at + i].value.type));
}

static void check_origin(size_t i, const struct telemetry_batch *b, uint32_t resource,
                         uint32_t scope)
{
    const struct resource *r = &b->resources[resource];
    const struct scope *s = &b->scopes[scope];
    CHECK_STR(native_str(col("service_name"), i), r->service_name);
    check_map(col("resource_attributes"), i, native_str(col("resource_attribute_types"), i), b,
              r->attrs);
    CHECK_INT(native_u64(col("resource_dropped_attributes"), i), r->dropped_attributes);
    CHECK_STR(native_str(col("resource_schema_url"), i), r->schema_url);
    CHECK_STR(native_str(col("resource_entity_refs"), i), r->entity_refs);
    CHECK_STR(native_str(col("scope_name"), i), s->name);
    CHECK_STR(native_str(col("scope_version"), i), s->version);
    check_map(col("scope_attributes"), i, native_str(col("scope_attribute_types"), i), b, s->attrs);
    CHECK_INT(native_u64(col("scope_dropped_attributes"), i), s->dropped_attributes);
    CHECK_STR(native_str(col("scope_schema_url"), i), s->schema_url);
}

static void check_events(size_t i, const struct telemetry_batch *b, uint32_t r)
{
    const struct span_columns *c = &b->spans;
    uint64_t at = native_begin(col("events.name"), i);
    CHECK_INT(native_end(col("events.name"), i) - at, c->events[r].n);
    for (uint32_t j = 0; j < c->events[r].n; j++) {
        const struct span_event *e = &c->event[c->events[r].at + j];
        CHECK_INT(native_u64(&col("events.timestamp")->child[0], at + j), e->time);
        CHECK_STR(native_str(&col("events.name")->child[0], at + j), e->name);
        check_map(&col("events.attributes")->child[0], at + j,
                  native_str(&col("events.attribute_types")->child[0], at + j), b, e->attrs);
        CHECK_INT(native_u64(&col("events.dropped_attributes")->child[0], at + j),
                  e->dropped_attributes);
    }
}

static void check_links(size_t i, const struct telemetry_batch *b, uint32_t r)
{
    const struct span_columns *c = &b->spans;
    uint64_t at = native_begin(col("links.trace_id"), i);
    CHECK_INT(native_end(col("links.trace_id"), i) - at, c->links[r].n);
    for (uint32_t j = 0; j < c->links[r].n; j++) {
        const struct span_link *l = &c->link[c->links[r].at + j];
        CHECK_STR(native_str(&col("links.trace_id")->child[0], at + j),
                  ((str){(const char *)l->trace_id, 16}));
        CHECK_STR(native_str(&col("links.span_id")->child[0], at + j),
                  ((str){(const char *)l->span_id, 8}));
        CHECK_STR(native_str(&col("links.trace_state")->child[0], at + j), l->trace_state);
        check_map(&col("links.attributes")->child[0], at + j,
                  native_str(&col("links.attribute_types")->child[0], at + j), b, l->attrs);
        CHECK_INT(native_u64(&col("links.dropped_attributes")->child[0], at + j),
                  l->dropped_attributes);
        CHECK_INT(native_u64(&col("links.flags")->child[0], at + j), l->flags);
    }
}

TEST(every_member_of_a_span_is_in_its_row)
{
    begin(SIGNAL_TRACES, 4, 50);
    open_table(S("otel_traces"), 0);
    CHECK_INT(table.rows, 200);
    for (size_t i = 0; i < rows.n; i++) {
        const struct telemetry_batch *b = block->batches[rows.rows[i].batch];
        const struct span_columns *c = &b->spans;
        uint32_t r = rows.rows[i].row;
        CHECK_INT(native_u64(col("timestamp"), i), c->start_time[r]);
        CHECK_STR(native_str(col("trace_id"), i), ((str){(const char *)c->trace_id[r], 16}));
        CHECK_STR(native_str(col("span_id"), i), ((str){(const char *)c->span_id[r], 8}));
        CHECK_STR(native_str(col("parent_span_id"), i),
                  ((str){(const char *)c->parent_span_id[r], 8}));
        CHECK_STR(native_str(col("trace_state"), i), c->trace_state[r]);
        CHECK_INT(native_u64(col("flags"), i), c->flags[r]);
        CHECK_STR(native_str(col("span_name"), i), c->name[r]);
        CHECK_INT(native_u64(col("span_kind"), i), c->kind[r]);
        CHECK_INT(native_u64(col("duration_ns"), i), c->end_time[r] - c->start_time[r]);
        CHECK_INT(native_u64(col("status_code"), i), c->status_code[r]);
        CHECK_STR(native_str(col("status_message"), i), c->status_message[r]);
        check_origin(i, b, c->resource[r], c->scope[r]);
        check_map(col("span_attributes"), i, native_str(col("span_attribute_types"), i), b,
                  c->attrs[r]);
        CHECK_INT(native_u64(col("dropped_attributes"), i), c->dropped_attributes[r]);
        CHECK_INT(native_u64(col("dropped_events"), i), c->dropped_events[r]);
        CHECK_INT(native_u64(col("dropped_links"), i), c->dropped_links[r]);
        CHECK_NEAR(native_f64(col("adjusted_count"), i), c->adjusted_count[r], 0);
        check_events(i, b, r);
        check_links(i, b, r);
    }
}

TEST(every_member_of_a_log_record_is_in_its_row)
{
    begin(SIGNAL_LOGS, 4, 50);
    open_table(S("otel_logs"), 0);
    for (size_t i = 0; i < rows.n; i++) {
        const struct telemetry_batch *b = block->batches[rows.rows[i].batch];
        const struct log_columns *c = &b->logs;
        uint32_t r = rows.rows[i].row;
        CHECK_INT(native_u64(col("timestamp"), i), c->time[r]);
        CHECK_INT(native_u64(col("observed_timestamp"), i), c->observed_time[r]);
        CHECK_INT(native_u64(col("timestamp_origin"), i), c->time_origin[r]);
        CHECK_STR(native_str(col("trace_id"), i), ((str){(const char *)c->trace_id[r], 16}));
        CHECK_STR(native_str(col("span_id"), i), ((str){(const char *)c->span_id[r], 8}));
        CHECK_INT(native_u64(col("flags"), i), c->flags[r]);
        CHECK_INT(native_u64(col("severity_number"), i), c->severity_number[r]);
        CHECK_STR(native_str(col("severity_text"), i), c->severity_text[r]);
        CHECK_STR(native_str(col("event_name"), i), c->event_name[r]);
        CHECK_INT(native_u64(col("stream_id"), i), b->resources[c->resource[r]].hash);
        CHECK_STR(native_str(col("body"), i), text_of(&c->body[r]));
        char letter = attr_letter(c->body[r].type);
        CHECK_STR(native_str(col("body_type"), i), letter == 's' ? (str){0} : ((str){&letter, 1}));
        check_origin(i, b, c->resource[r], c->scope[r]);
        check_map(col("log_attributes"), i, native_str(col("log_attribute_types"), i), b,
                  c->attrs[r]);
        CHECK_INT(native_u64(col("dropped_attributes"), i), c->dropped_attributes[r]);
    }
}

static void check_numbers(const char *name, size_t i, struct num_range want, const uint64_t *u64s,
                          const double *f64s)
{
    const struct native_column *c = col(name);
    uint64_t at = native_begin(c, i);
    CHECK_INT(native_end(c, i) - at, want.n);
    for (uint32_t j = 0; j < want.n; j++) {
        if (f64s)
            CHECK_NEAR(native_f64(&c->child[0], at + j), f64s[want.at + j], 0);
        else
            CHECK_INT(native_u64(&c->child[0], at + j), u64s[want.at + j]);
    }
}

/* As readers have it. */
static double number_of(size_t i)
{
    int64_t whole = native_i64(col("int_value"), i);
    return whole ? (double)whole : native_f64(col("value"), i);
}

static void check_number(size_t i, const struct metric_columns *c, uint32_t row)
{
    if (c->present[row] & POINT_IS_INT)
        CHECK_INT(native_i64(col("int_value"), i), c->int_value[row]);
    CHECK_NEAR(number_of(i), c->value[row], 0);
}

TEST(every_member_of_a_data_point_is_in_its_row)
{
    begin(SIGNAL_METRICS, 4, 50);
    open_table(S("otel_metrics"), 0);
    for (size_t i = 0; i < rows.n; i++) {
        const struct metric_columns *c = &block->batches[rows.rows[i].batch]->metrics;
        uint32_t r = rows.rows[i].row;
        const struct metric_desc *d = &c->descs[c->desc[r]];
        CHECK_INT(native_i64(col("timestamp"), i), c->time[r] / 1'000'000);
        CHECK_INT(native_i64(col("start_timestamp"), i), c->start_time[r] / 1'000'000);
        CHECK_STR(native_str(col("metric_name"), i), d->name);
        CHECK_INT(native_u64(col("series_id"), i), c->series_id[r]);
        CHECK_INT(native_u64(col("type"), i), d->type);
        CHECK_INT(native_u64(col("flags"), i), c->flags[r]);
        CHECK_INT(native_u64(col("present"), i), c->present[r]);
        check_number(i, c, r);
        CHECK_INT(native_u64(col("count"), i), c->count[r]);
        CHECK_NEAR(native_f64(col("sum"), i), c->sum[r], 0);
        CHECK_NEAR(native_f64(col("min"), i), c->min[r], 0);
        CHECK_NEAR(native_f64(col("max"), i), c->max[r], 0);
        CHECK_INT(native_i64(col("scale"), i), c->scale[r]);
        CHECK_INT(native_u64(col("zero_count"), i), c->zero_count[r]);
        CHECK_NEAR(native_f64(col("zero_threshold"), i), c->zero_threshold[r], 0);
        CHECK_INT(native_i64(col("positive_offset"), i), c->positive_offset[r]);
        CHECK_INT(native_i64(col("negative_offset"), i), c->negative_offset[r]);
        check_numbers("bucket_counts", i, c->bucket_counts[r], c->u64s, NULL);
        check_numbers("positive_counts", i, c->positive_counts[r], c->u64s, NULL);
        check_numbers("negative_counts", i, c->negative_counts[r], c->u64s, NULL);
        check_numbers("quantiles", i, c->quantiles[r], NULL, c->f64s);
        check_numbers("quantile_values", i, c->quantile_values[r], NULL, c->f64s);
    }
}

TEST(integers_have_a_column_of_their_own_and_every_double_is_read_back_to_the_bit)
{
    static const double numbers[] = {0,          -0.0,     1,         -1,     0.5,   4096,
                                     0x1p53 + 2, -0x1p63,  0x1p63,    0x1p64, 1e300, -1e-300,
                                     5e-324,     INFINITY, -INFINITY, NAN};
    begin(SIGNAL_METRICS, 1, sizeof numbers / sizeof *numbers);
    struct metric_columns *c = &block->batches[0]->metrics;
    memcpy(c->value, numbers, sizeof numbers);
    uint64_t gone = 0x7ff0000000000002; /* Prometheus's end of a series */
    memcpy(&c->value[15], &gone, sizeof gone);
    memset(c->present, 0, c->n);
    encode(&rows, 1, NULL);
    open_table(S("otel_metrics"), 0);
    for (size_t i = 0; i < rows.n; i++) {
        double read = number_of(i), value = c->value[rows.rows[i].row];
        CHECK(memcmp(&read, &value, sizeof value) == 0);
        bool whole = value != 0 && value >= -0x1p63 && value < 0x1p63 && value == trunc(value);
        CHECK_INT(native_i64(col("int_value"), i), whole ? (int64_t)value : 0);
        if (whole) CHECK_NEAR(native_f64(col("value"), i), 0, 0);
    }
}

TEST(the_trace_index_names_each_trace_and_hour_once)
{
    begin(SIGNAL_TRACES, 2, 40);
    struct span_columns *c = &block->batches[0]->spans;
    for (uint32_t i = 1; i < 40; i++) memcpy(c->trace_id[i], c->trace_id[0], 16);
    for (uint32_t i = 0; i < 40; i++) c->start_time[i] = SAMPLE_TIME + (i % 2) * 3'600'000'000'000u;
    encode(&rows, 1, NULL);
    size_t found = 0;
    for (uint32_t part = 0; part < inserts_of(S("otel_trace_index")); part++) {
        open_table(S("otel_trace_index"), part);
        for (uint64_t i = 0; i < table.rows; i++)
            if (native_u64(col("trace_hash"), i) == trace_hash(c->trace_id[0])) {
                uint64_t hour = native_u64(col("hour"), i);
                CHECK(hour == 1'699'999'200 || hour == 1'700'002'800);
                found++;
            }
    }
    CHECK_INT(found, 2);
    CHECK_INT(trace_hash((const uint8_t *)"0123456789abcdef"), 3640271149);
}

TEST(side_tables_come_first_and_say_nothing_twice)
{
    struct encode_seen *seen = encode_seen_new(100000);
    begin(SIGNAL_TRACES, 2, 40);
    encode(&rows, 1, seen);
    CHECK(inserts_of(S("otel_trace_index")) > 0);
    CHECK_INT(inserts_of(S("otel_span_names")), 1);
    CHECK_STR(encoded.inserts[encoded.n - 2].table, S("otel_traces"));
    encode(&rows, 1, seen);
    CHECK_INT(encoded.n, 3);
    CHECK_STR(encoded.inserts[0].table, S("otel_trace_filters"));
    CHECK_STR(encoded.inserts[1].table, S("otel_traces"));
    CHECK_STR(encoded.inserts[2].table, S("otel_traces_red_5m"));
    encode_seen_free(seen);
}

TEST(a_full_set_forgets_and_says_again)
{
    struct encode_seen *seen = encode_seen_new(3);
    begin(SIGNAL_LOGS, 2, 40);
    encode(&rows, 1, seen);
    encode(&rows, 1, seen);
    CHECK(inserts_of(S("otel_log_streams")) > 0);
    encode_seen_free(seen);
    encode_seen_free(NULL);
}

TEST(span_names_are_the_distinct_operations_in_the_tables_order)
{
    begin(SIGNAL_TRACES, 3, 100);
    open_table(S("otel_span_names"), 0);
    CHECK(table.rows > 1 && table.rows < 300);
    for (uint64_t i = 1; i < table.rows; i++) {
        str s = native_str(col("service_name"), i - 1), t = native_str(col("service_name"), i);
        CHECK(strncmp(s.ptr, t.ptr, s.len) <= 0);
    }
    CHECK_INT(native_u64(col("day"), 0), SAMPLE_TIME / 86'400'000'000'000);
}

/* Row `i` of the table is the row of `red` with its key. */
static const struct red_row *red_at(const struct red_rows *red, uint64_t i)
{
    for (uint32_t k = 0; k < red->n; k++) {
        const struct red_row *r = &red->rows[k];
        if (r->time == native_u64(col("time"), i) && r->kind == native_u64(col("span_kind"), i) &&
            str_eq(r->service_name, native_str(col("service_name"), i)) &&
            str_eq(r->span_name, native_str(col("span_name"), i)))
            return r;
    }
    CHECK(false);
    return NULL;
}

static void check_red(const struct red_rows *red)
{
    open_table(S("otel_traces_red_5m"), 0);
    CHECK_INT(table.rows, red->n);
    const struct native_column *h = col("histogram");
    for (uint64_t i = 0; i < table.rows; i++) {
        const struct red_row *r = red_at(red, i);
        CHECK_NEAR(native_f64(col("count"), i), r->count, 0);
        CHECK_NEAR(native_f64(col("errors"), i), r->errors, 0);
        CHECK_NEAR(native_f64(col("duration_sum"), i), r->duration_sum, 0);
        CHECK_INT(native_u64(col("duration_max"), i), r->duration_max);
        uint64_t at = native_begin(&h->child[0], i);
        CHECK_INT(native_end(&h->child[0], i) - at, r->n_buckets);
        CHECK_INT(native_end(&h->child[1], i) - at, r->n_buckets);
        for (uint32_t k = 0; k < r->n_buckets; k++) {
            CHECK_INT(native_u64(&h->child[0].child[0], at + k), r->buckets[k].index);
            CHECK_NEAR(native_f64(&h->child[1].child[0], at + k), r->buckets[k].count, 0);
        }
    }
}

TEST(red_rows_are_of_the_block_and_in_the_tables_order)
{
    begin(SIGNAL_TRACES, 4, 100);
    check_red(red_of_block(&arena, block));
    for (uint64_t i = 1; i < table.rows; i++) {
        if (native_u64(col("time"), i) / 86400 != native_u64(col("time"), i - 1) / 86400) continue;
        str s = native_str(col("service_name"), i - 1), t = native_str(col("service_name"), i);
        CHECK(strncmp(s.ptr, t.ptr, s.len) <= 0);
    }
}

TEST(red_rows_are_written_of_spans_that_were_all_sampled_out)
{
    begin(SIGNAL_TRACES, 3, 50);
    const struct red_rows *whole = red_of_block(&arena, block);
    for (size_t i = 0; i < block->n; i++) {
        block->batches[i]->red = red_take(&arena, block->batches[i]);
        block->batches[i]->spans.n = 0;
    }
    encode(NULL, 0, NULL);
    CHECK_INT(encoded.n, 1);
    check_red(whole);
}

TEST(span_names_of_a_sampled_block_are_those_of_the_spans_left)
{
    begin(SIGNAL_TRACES, 2, 30);
    for (size_t i = 0; i < block->n; i++) {
        block->batches[i]->red = red_take(&arena, block->batches[i]);
        for (uint32_t r = 0; r < 30; r++) block->batches[i]->spans.name[r] = S("renamed");
    }
    encode(&rows, 1, NULL);
    open_table(S("otel_span_names"), 0);
    for (uint64_t i = 0; i < table.rows; i++)
        CHECK_STR(native_str(col("span_name"), i), S("renamed"));
}

TEST(log_streams_carry_their_resource)
{
    begin(SIGNAL_LOGS, 1, 30);
    open_table(S("otel_log_streams"), 0);
    const struct telemetry_batch *b = block->batches[0];
    for (uint64_t i = 0; i < table.rows; i++) {
        bool known = false;
        for (uint32_t r = 0; r < b->n_resources; r++)
            known =
                known || (native_u64(col("stream_id"), i) == b->resources[r].hash &&
                          str_eq(native_str(col("service_name"), i), b->resources[r].service_name));
        CHECK(known);
    }
}

/* The first point of a series on a day. */
static struct row_ref point_of(uint64_t series, uint64_t day)
{
    for (size_t i = 0; i < rows.n; i++) {
        struct row_ref r = rows.rows[i];
        const struct metric_columns *c = &block->batches[r.batch]->metrics;
        if (c->series_id[r.row] == series && c->time[r.row] / 86'400'000'000'000 == day) return r;
    }
    CHECK(false); /* no such series */
    return (struct row_ref){0};
}

TEST(a_series_is_described_once_by_its_first_point)
{
    begin(SIGNAL_METRICS, 4, 50);
    open_table(S("otel_metric_series"), 0);
    CHECK(table.rows > 10 && table.rows < 200);
    for (uint64_t i = 0; i < table.rows; i++) {
        struct row_ref r = point_of(native_u64(col("series_id"), i), native_u64(col("day"), i));
        const struct telemetry_batch *b = block->batches[r.batch];
        const struct metric_columns *c = &b->metrics;
        const struct metric_desc *d = &c->descs[c->desc[r.row]];
        CHECK_INT(native_u64(col("day"), i), c->time[r.row] / 86'400'000'000'000);
        CHECK_STR(native_str(col("metric_name"), i), d->name);
        CHECK_INT(native_u64(col("type"), i), d->type);
        CHECK_INT(native_u64(col("temporality"), i), d->temporality);
        CHECK_INT(native_u64(col("monotonic"), i), d->monotonic);
        CHECK_STR(native_str(col("unit"), i), d->unit);
        CHECK_STR(native_str(col("description"), i), d->description);
        check_map(col("metadata"), i, native_str(col("metadata_types"), i), b, d->metadata);
        check_numbers("explicit_bounds", i, c->explicit_bounds[r.row], NULL, c->f64s);
        check_map(col("attributes"), i, native_str(col("attribute_types"), i), b, c->attrs[r.row]);
        check_origin(i, b, d->resource, d->scope);
        str name = native_str(col("prometheus_name"), i);
        CHECK(memcmp(name.ptr, "http_server_duration", 20) == 0);
        if (d->monotonic) CHECK_STR(name, S("http_server_duration1_milliseconds_total"));
    }
}

TEST(a_series_answers_to_its_prometheus_labels)
{
    begin(SIGNAL_METRICS, 1, 1);
    struct telemetry_batch *b = block->batches[0];
    b->attrs[0] = (struct attr){S("http.route"), {.type = ATTR_STRING, .text = S("/a")}};
    b->attrs[1] = (struct attr){S("service.name"), {.type = ATTR_STRING, .text = S("cart")}};
    b->metrics.attrs[0] = (struct attr_range){0, 1};
    b->metrics.descs[b->metrics.desc[0]].resource = 0;
    b->resources[0].attrs = (struct attr_range){1, 1};
    encode(&rows, 1, NULL);
    open_table(S("otel_metric_series"), 0);
    const struct native_column *labels = col("prometheus_labels");
    CHECK_INT(native_end(labels, 0), 2);
    CHECK_STR(native_str(&labels->child[0], 0), S("http_route"));
    CHECK_STR(native_str(&labels->child[1], 0), S("/a"));
    CHECK_STR(native_str(&labels->child[0], 1), S("job"));
    CHECK_STR(native_str(&labels->child[1], 1), S("cart"));
}

/* Two resources, the second with nothing but its name; the points of the first at 0, 1 s, 10 min.
 */
TEST(a_resource_is_a_target_from_its_first_to_its_last_moment_in_a_request)
{
    begin(SIGNAL_METRICS, 1, 4);
    struct telemetry_batch *b = block->batches[0];
    static struct attr attrs[] = {{S("service.name"), {.type = ATTR_STRING, .text = S("cart")}},
                                  {S("host.name"), {.type = ATTR_STRING, .text = S("h")}}};
    static struct resource resources[] = {{.attrs = {0, 2}, .service_name = S("cart"), .hash = 7},
                                          {.attrs = {0, 1}, .service_name = S("cart"), .hash = 8}};
    static struct metric_desc descs[2];
    static uint32_t of[] = {0, 0, 0, 1};
    const uint64_t hour = 1'700'000'400'000'000'000, minute = 60'000'000'000;
    uint64_t times[] = {hour + 10 * minute, hour, hour + minute / 60, hour};
    b->attrs = attrs;
    b->n_attrs = 2;
    b->resources = resources;
    b->n_resources = 2;
    b->metrics.n_descs = 2;
    b->metrics.descs = descs;
    descs[0] = descs[1] = (struct metric_desc){.name = S("x"), .type = METRIC_GAUGE};
    descs[1].resource = 1;
    b->metrics.desc = of;
    b->metrics.time = times;
    for (int i = 0; i < 4; i++) b->metrics.attrs[i] = (struct attr_range){0, 0};
    b->metrics.n_exemplars = 0;
    b->n_scopes = 1;
    b->scopes[0].attrs = (struct attr_range){0, 0};
    encode(&rows, 1, NULL);
    open_table(S("otel_metric_resources"), 0);
    CHECK_INT(table.rows, 1);
    CHECK_INT(native_u64(col("resource_id"), 0), 7);
    CHECK_STR(native_str(col("service_name"), 0), S("cart"));
    const struct native_column *map = col("resource_attributes");
    CHECK_INT(native_end(map, 0), 2);
    open_table(S("otel_metric_targets"), 0);
    CHECK_INT(table.rows, 5);
    for (uint64_t i = 0; i < 5; i++) {
        CHECK_INT(native_u64(col("resource_id"), i), 7);
        CHECK_INT(native_i64(col("timestamp"), i), 1'700'000'400'000 + (int64_t)i * 150'000);
    }
}

TEST(exemplars_are_rows_of_their_points_series)
{
    begin(SIGNAL_METRICS, 2, 50);
    size_t want = 0;
    for (size_t i = 0; i < block->n; i++) want += block->batches[i]->metrics.n_exemplars;
    open_table(S("otel_metric_exemplars"), 0);
    CHECK_INT(table.rows, want);
    for (uint64_t i = 0; i < table.rows; i++) {
        str id = native_str(col("trace_id"), i);
        bool known = false;
        for (size_t b = 0; b < block->n; b++) {
            const struct telemetry_batch *t = block->batches[b];
            for (uint32_t e = 0; e < t->metrics.n_exemplars; e++) {
                const struct exemplar *x = &t->metrics.exemplar[e];
                if (memcmp(x->trace_id, id.ptr, 16) != 0) continue;
                known = true;
                CHECK_INT(native_u64(col("timestamp"), i), x->time);
                CHECK_INT(native_u64(col("series_id"), i), t->metrics.series_id[x->point]);
                CHECK_INT(native_u64(col("present"), i), x->present);
                CHECK_INT(native_i64(col("int_value"), i), x->int_value);
                CHECK_NEAR(native_f64(col("value"), i), x->value, 0);
                CHECK_STR(native_str(col("span_id"), i), ((str){(const char *)x->span_id, 8}));
                check_map(col("attributes"), i, native_str(col("attribute_types"), i), t, x->attrs);
            }
        }
        CHECK(known);
    }
}

TEST(groups_are_inserts_of_their_own)
{
    begin(SIGNAL_TRACES, 2, 30);
    struct encode_rows groups[] = {{rows.rows, 10}, {rows.rows + 10, 50}};
    encode(groups, 2, NULL);
    CHECK_INT(inserts_of(S("otel_traces")), 2);
    open_table(S("otel_traces"), 0);
    CHECK_INT(table.rows, 10);
    open_table(S("otel_traces"), 1);
    CHECK_INT(table.rows, 50);
    const struct row_ref r = rows.rows[10];
    CHECK_INT(native_u64(col("timestamp"), 0), block->batches[r.batch]->spans.start_time[r.row]);
}

TEST(side_tables_span_few_partitions_per_insert)
{
    begin(SIGNAL_TRACES, 1, 60);
    struct span_columns *c = &block->batches[0]->spans;
    for (uint32_t i = 0; i < 60; i++)
        c->start_time[i] = SAMPLE_TIME + i % 10 * 86'400'000'000'000u * 31;
    encode(&rows, 1, NULL);
    CHECK_INT(inserts_of(S("otel_trace_index")), 3);
    CHECK_INT(inserts_of(S("otel_span_names")), 3);
    CHECK_INT(inserts_of(S("otel_traces_red_5m")), 3);
}

TEST(the_same_block_gives_the_same_bytes)
{
    for (int signal = 0; signal < SIGNAL_COUNT; signal++) {
        begin((enum signal_kind)signal, 3, 40);
        struct encoded_block first = encoded;
        encode(&rows, 1, NULL);
        CHECK_INT(first.n, encoded.n);
        for (size_t i = 0; i < first.n; i++)
            CHECK(str_eq(first.inserts[i].body, encoded.inserts[i].body));
    }
}

TEST(a_block_without_rows_gives_nothing)
{
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    block = sample_block(&arena, SIGNAL_TRACES, 2, 0);
    encode(NULL, 0, NULL);
    CHECK_INT(encoded.n, 0);
}
