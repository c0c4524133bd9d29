/* What was decoded is the same after it was encoded and decoded again, in both formats: for the
 * published examples and for requests that use every field. */
#include <stdio.h>
#include <stdlib.h>

#include "ingest/decode/decode.h"
#include "ingest/export/otlp_json.h"
#include "ingest/export/otlp_nested.h"
#include "ingest/export/otlp_pb.h"
#include "model/batch_compare.h"
#include "testing/test.h"

struct decoded {
    struct arena arena;
    struct telemetry_batch *batch;
    char *body;
};

static struct decoded decode(enum signal_kind signal, enum payload_format format, str text)
{
    static const struct decode_options opt = {.received_at = 1700000000 * NANOS_S};
    struct decoded d = {.body = malloc(text.len + 64)};
    if (!d.body) abort();
    if (text.len) memcpy(d.body, text.ptr, text.len);
    memset(d.body + text.len, 0, 64);
    arena_init(&d.arena, 64 << 20);
    struct err err = {};
    status s =
        decode_request(&d.arena, signal, format, (str){d.body, text.len}, &opt, &d.batch, &err);
    CHECK_STR(str_of(err.msg), S(""));
    CHECK_INT(s, ST_OK);
    return d;
}

static void decoded_done(struct decoded *d)
{
    arena_done(&d->arena);
    free(d->body);
}

static void encode(const struct telemetry_batch *b, enum payload_format format, struct buf *out)
{
    struct arena scratch;
    arena_init(&scratch, 64 << 20);
    if (format == PAYLOAD_PROTOBUF) {
        otlp_pb_batch(&scratch, b, out);
    } else {
        buf_add(out, otlp_json_head(b->signal));
        otlp_json_batch(&scratch, b, out);
        buf_add(out, otlp_json_tail());
    }
    CHECK(!out->over);
    CHECK_INT(scratch.used, 0);
    arena_done(&scratch);
}

static void comes_back(const struct telemetry_batch *want, enum payload_format format)
{
    struct buf bytes, again;
    buf_init(&bytes, 1 << 24);
    buf_init(&again, 1 << 24);
    encode(want, format, &bytes);
    struct decoded d = decode(want->signal, format, buf_str(&bytes));
    struct err err = {};
    (void)!batch_compare(want, d.batch, &err);
    CHECK_STR(str_of(err.msg), S(""));
    encode(d.batch, format, &again);
    CHECK_STR(buf_str(&again), buf_str(&bytes));
    decoded_done(&d);
    buf_done(&bytes);
    buf_done(&again);
}

static void both_ways(enum signal_kind signal, enum payload_format format, str request,
                      uint32_t least_rows)
{
    struct decoded d = decode(signal, format, request);
    CHECK(telemetry_batch_rows(d.batch) >= least_rows);
    comes_back(d.batch, PAYLOAD_PROTOBUF);
    comes_back(d.batch, PAYLOAD_JSON);
    decoded_done(&d);
}

TEST(otlp_every_published_example_comes_back_the_same_from_both_formats)
{
    static const struct {
        const char *name;
        enum signal_kind signal;
    } examples[] = {{"trace", SIGNAL_TRACES},
                    {"logs", SIGNAL_LOGS},
                    {"events", SIGNAL_LOGS},
                    {"metrics", SIGNAL_METRICS}};
    const char *dir = test_conformance_dir();
    for (size_t i = 0; dir && i < sizeof examples / sizeof *examples; i++) {
        char path[512];
        for (int json = 0; json < 2; json++) {
            snprintf(path, sizeof path, "%s/otlp/examples/%s.%s", dir, examples[i].name,
                     json ? "json" : "pb");
            str text = test_read_file(path);
            CHECK(text.len > 0);
            both_ways(examples[i].signal, json ? PAYLOAD_JSON : PAYLOAD_PROTOBUF, text, 1);
        }
    }
}

TEST(otlp_requests_that_use_every_field_come_back_the_same)
{
    static const char *const files[] = {"fuzz/corpus/otlp_protobuf/traces.pb",
                                        "fuzz/corpus/otlp_protobuf/logs.pb",
                                        "fuzz/corpus/otlp_protobuf/metrics.pb"};
    for (size_t i = 0; i < 3; i++) {
        str file = test_repository_file(files[i]);
        CHECK(file.len > 100);
        both_ways((enum signal_kind)(file.ptr[0] % 3), PAYLOAD_PROTOBUF, str_drop(file, 1), 4);
    }
}

TEST(otlp_histograms_that_only_prometheus_has_come_back_the_same)
{
    str file = test_repository_file("fuzz/corpus/otlp_json/prometheus.json");
    both_ways(SIGNAL_METRICS, PAYLOAD_JSON, str_drop(file, 2), 5);
}

/* The bytes of one span with the given nested attribute: the protobuf of its AnyValue comes back
 * when the text is JSON, and a text when it is not. */
static void nested_comes_back(enum attr_type type, str text, enum attr_type want_type)
{
    struct attr attr = {S("k"), {type, {text}}};
    struct attr_range one = {0, 1}, none = {0, 0};
    struct resource resource = {0};
    struct scope scope = {0};
    uint8_t trace_id[1][16] = {{1}}, span_id[1][8] = {{1}}, parent[1][8] = {{0}};
    uint64_t time[1] = {1};
    uint32_t zero[1] = {0};
    uint8_t small[1] = {0};
    str empty[1] = {{0}};
    double adjusted[1] = {1};
    struct telemetry_batch b = {
        .signal = SIGNAL_TRACES,
        .n_attrs = 1,
        .n_resources = 1,
        .n_scopes = 1,
        .attrs = &attr,
        .resources = &resource,
        .scopes = &scope,
        .spans = {.n = 1,
                  .trace_id = trace_id,
                  .span_id = span_id,
                  .parent_span_id = parent,
                  .start_time = time,
                  .end_time = time,
                  .resource = zero,
                  .scope = zero,
                  .name = empty,
                  .trace_state = empty,
                  .status_message = empty,
                  .flags = zero,
                  .kind = small,
                  .status_code = small,
                  .attrs = &one,
                  .dropped_attributes = zero,
                  .dropped_events = zero,
                  .dropped_links = zero,
                  .events = &none,
                  .links = &none,
                  .adjusted_count = adjusted},
    };
    for (int json = 0; json < 2; json++) {
        struct buf out;
        buf_init(&out, 1 << 20);
        encode(&b, json ? PAYLOAD_JSON : PAYLOAD_PROTOBUF, &out);
        struct decoded d =
            decode(SIGNAL_TRACES, json ? PAYLOAD_JSON : PAYLOAD_PROTOBUF, buf_str(&out));
        CHECK_INT(d.batch->n_attrs, 1);
        CHECK_INT(d.batch->attrs[0].value.type, want_type);
        CHECK_STR(d.batch->attrs[0].value.text, text);
        decoded_done(&d);
        buf_done(&out);
    }
}

TEST(otlp_nested_values_keep_their_text)
{
    nested_comes_back(ATTR_KVLIST, S("{}"), ATTR_KVLIST);
    nested_comes_back(ATTR_ARRAY, S("[]"), ATTR_ARRAY);
    nested_comes_back(ATTR_ARRAY,
                      S("[null,true,false,0,-1,-0,9223372036854775807,-9223372036854775808,0.5,"
                        "1e+21,1e-9,18446744073709552000,\"NaN\",\"\",\"a\\\"\\\\\\n\xc3\xa4\"]"),
                      ATTR_ARRAY);
    nested_comes_back(ATTR_KVLIST,
                      S("{\"\":{},\"a\":[[],[{\"b\":[1,{\"c\":null}]}]],\"a\":\"twice\"}"),
                      ATTR_KVLIST);
}

TEST(otlp_nested_values_that_are_no_json_or_too_deep_are_sent_as_text)
{
    nested_comes_back(ATTR_KVLIST, S("{\"a\":"), ATTR_STRING);
    nested_comes_back(ATTR_ARRAY, S("[1] 2"), ATTR_STRING);
    nested_comes_back(ATTR_ARRAY, S(""), ATTR_STRING);
    char deep[2 * NESTED_DEPTH_MAX + 2];
    memset(deep, '[', NESTED_DEPTH_MAX + 1);
    memset(deep + NESTED_DEPTH_MAX + 1, ']', NESTED_DEPTH_MAX + 1);
    nested_comes_back(ATTR_ARRAY, (str){deep, sizeof deep}, ATTR_STRING);
}

TEST(otlp_a_batch_without_rows_is_an_empty_request)
{
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        struct decoded d = decode((enum signal_kind)i, PAYLOAD_JSON, S("{}"));
        struct buf out;
        buf_init(&out, 1 << 20);
        encode(d.batch, PAYLOAD_PROTOBUF, &out);
        CHECK_INT(out.len, 0);
        encode(d.batch, PAYLOAD_JSON, &out);
        CHECK(out.len > 0);
        decoded_done(&d);
        buf_done(&out);
    }
}
