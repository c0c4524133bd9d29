#include "query/render/jaeger_json.h"

#include <stdio.h>

#include "testing/test.h"

static struct arena arena;
static struct buf out;

static void begin(void)
{
    arena_init(&arena, 1 << 20);
    buf_init(&out, 1 << 20);
}

static void check(str want)
{
    CHECK_STR(buf_str(&out), want);
    buf_done(&out);
    arena_done(&arena);
}

#define ATTRS(...)                                                                       \
    {                                                                                    \
        (const struct trace_attr[]){__VA_ARGS__},                                        \
            sizeof((const struct trace_attr[]){__VA_ARGS__}) / sizeof(struct trace_attr) \
    }

/* Removes the space between the tokens. */
static str compact(str json)
{
    char *p = arena_alloc(&arena, json.len + 1, 1);
    size_t n = 0;
    bool text = false;
    for (size_t i = 0; i < json.len; i++) {
        if (json.ptr[i] == '"' && (i == 0 || json.ptr[i - 1] != '\\')) text = !text;
        if (text || !strchr(" \n\r\t", json.ptr[i])) p[n++] = json.ptr[i];
    }
    return (str){p, n};
}

TEST(lists_are_arrays_and_never_null)
{
    begin();
    jaeger_render_names(&out, NULL, 0);
    check(S("{\"data\":[],\"total\":0,\"limit\":0,\"offset\":0,\"errors\":null}"));
    begin();
    jaeger_render_names(&out, (const str[]){S("a"), S("b\"")}, 2);
    check(S("{\"data\":[\"a\",\"b\\\"\"],\"total\":2,\"limit\":0,\"offset\":0,\"errors\":null}"));
    begin();
    struct trace_operation op = {S("GET"), SPAN_KIND_SERVER};
    jaeger_render_operations(&out, &op, 1);
    check(S("{\"data\":[{\"name\":\"GET\",\"spanKind\":\"server\"}],\"total\":1,\"limit\":0,"
            "\"offset\":0,\"errors\":null}"));
    begin();
    struct trace_dependency d = {S("a"), S("b"), 3};
    jaeger_render_dependencies(&out, &d, 1);
    check(
        S("{\"data\":[{\"parent\":\"a\",\"child\":\"b\",\"callCount\":3}],\"total\":0,\"limit\":0,"
          "\"offset\":0,\"errors\":null}"));
}

TEST(errors_are_in_the_envelope)
{
    begin();
    jaeger_render_error(&out, 404, S("trace not found"));
    check(S("{\"data\":null,\"total\":0,\"limit\":0,\"offset\":0,\"errors\":[{\"code\":404,\"msg\":"
            "\"trace not found\"}]}\n"));
    begin();
    struct trace_id id;
    CHECK(trace_id_parse(S("1f"), &id));
    jaeger_render_traces(&out, &arena, NULL, 0, &id, 1);
    check(S("{\"data\":[],\"total\":0,\"limit\":0,\"offset\":0,\"errors\":[{\"msg\":\"trace not "
            "found\",\"traceID\":\"000000000000001f\"}]}"));
}

TEST(trace_ids_are_printed_16_or_32_digits_long)
{
    struct trace_id id;
    char text[32];
    CHECK(trace_id_parse(S("1f"), &id));
    CHECK_INT(jaeger_trace_id_text(&id, text), 16);
    CHECK(trace_id_parse(S("10000000000000000"), &id));
    CHECK_INT(jaeger_trace_id_text(&id, text), 32);
}

/* One of everything. */
TEST(span_with_all_members)
{
    begin();
    struct trace_resource front = {
        .service_name = S("front"),
        .attrs = ATTRS({S("service.name"), S("front"), 's'}, {S("host.cpus"), S("8"), 'i'}),
        .hash = 1};
    struct trace_resource nameless = {.hash = 2};
    struct trace_event events[] = {
        {1'700'000'000'000'001'999, S("exception"), ATTRS({S("message"), S("no"), 's'})},
        {1'700'000'000'000'003'000, S("lost"), ATTRS({S("event"), S("kept"), 's'})}};
    struct trace_id id;
    CHECK(trace_id_parse(S("1f"), &id));
    struct trace_link links[] = {
        {id, {9}, ATTRS({S("opentracing.ref_type"), S("follows_from"), 's'})}, /* the parent */
        {id, {7}, ATTRS({S("opentracing.ref_type"), S("child_of"), 's'})},
        {id, {6}, {0}}};
    struct trace_span spans[] = {
        {.trace_id = id,
         .span_id = {1},
         .parent_span_id = {9},
         .start = 1'700'000'000'000'001'999,
         .duration_ns = 2'500,
         .name = S("GET /\n"),
         .trace_state = S("a=b"),
         .status_message = S("broken"),
         .scope_name = S("lib"),
         .scope_version = S("1.0"),
         .flags = 0x101,
         .kind = SPAN_KIND_CLIENT,
         .status_code = SPAN_STATUS_ERROR,
         .resource = &front,
         .attrs = ATTRS({S("s"), S("text"), 's'}, {S("i"), S("-5"), 'i'},
                        {S("big"), S("9007199254740992"), 'i'}, {S("d"), S("72.5"), 'd'},
                        {S("inf"), S("Infinity"), 'd'}, {S("b"), S("true"), 'b'},
                        {S("y"), S("AAE="), 'y'}, {S("a"), S("[1]"), 'a'}, {S("odd"), S("x"), 'i'}),
         .events = events,
         .n_events = 2,
         .links = links,
         .n_links = 3},
        {.trace_id = id, .span_id = {2}, .start = 5000, .resource = &nameless},
        {.trace_id = id,
         .span_id = {3},
         .start = 6000,
         .resource = &front,
         .status_code = SPAN_STATUS_OK},
    };
    struct trace t = {.id = id, .spans = spans, .n_spans = 3};
    jaeger_render_traces(&out, &arena, &t, 1, NULL, 0);
    struct buf pretty;
    buf_init(&pretty, 1 << 20);
    jaeger_pretty(&pretty, buf_str(&out));
    buf_char(&pretty, '\n');
    test_golden("src/query/render/testdata/jaeger_trace.json", buf_str(&pretty));
    CHECK_STR(compact(buf_str(&pretty)), buf_str(&out));
    buf_done(&pretty);
    buf_done(&out);
    arena_done(&arena);
}

TEST(process_with_attributes_and_no_service_name_has_an_empty_name)
{
    begin();
    struct trace_resource r = {.attrs = ATTRS({S("host.name"), S("h"), 's'}), .hash = 1};
    struct trace_span span = {.span_id = {1}, .resource = &r};
    struct trace t = {.spans = &span, .n_spans = 1};
    jaeger_render_traces(&out, &arena, &t, 1, NULL, 0);
    static const str want = S("\"processes\":{\"p1\":{\"serviceName\":\"\",\"tags\":[{\"key\":"
                              "\"host.name\",\"type\":\"string\",\"value\":\"h\"}]}}");
    CHECK(memmem(out.ptr, out.len, want.ptr, want.len) != NULL);
    buf_done(&out);
    arena_done(&arena);
}

/* The pair otlp2jaeger-in.json, otlp2jaeger-out.json: the trace as it is stored, against upstream's
 * own answer. */
TEST(trace_is_translated_as_upstream_does)
{
    const char *dir = test_conformance_dir();
    if (!dir) return;
    char path[1000];
    snprintf(path, sizeof path, "%s/jaeger/otlp2jaeger/otlp2jaeger-out.json", dir);
    begin();
    struct trace_resource r = {.service_name = S("telemetrygen"),
                               .attrs = ATTRS({S("service.name"), S("telemetrygen"), 's'})};
    struct trace_span s = {.span_id = {0xe1, 0x27, 0xaf, 0x99, 0xe3, 0xb3, 0xe0, 0x74},
                           .parent_span_id = {0x90, 0x95, 0x41, 0xb9, 0x2c, 0xf0, 0x53, 0x11},
                           .name = S("okey-dokey-0"),
                           .kind = SPAN_KIND_SERVER,
                           .start = 1706678909209712000,
                           .duration_ns = 123000,
                           .scope_name = S("telemetrygen"),
                           .resource = &r,
                           .attrs = ATTRS({S("net.peer.ip"), S("1.2.3.4"), 's'},
                                          {S("peer.service"), S("telemetrygen-client"), 's'})};
    CHECK(trace_id_parse(S("83a9efd15c1c98a977e0711cc93ee28b"), &s.trace_id));
    struct trace_span spans[] = {s, s};
    struct trace t = {.id = s.trace_id, .spans = spans, .n_spans = 2};
    jaeger_render_traces(&out, &arena, &t, 1, NULL, 0);
    check(compact(test_read_file(path)));
}

TEST(pretty_print_survives_any_text)
{
    begin();
    jaeger_pretty(&out, S("{\"a\":[],\"b\":{},\"c\":[1,\"x\\\"},\"]}"));
    check(S("{\n    \"a\": [],\n    \"b\": {},\n    \"c\": [\n        1,\n        \"x\\\"},\"\n    "
            "]\n}"));
    begin();
    jaeger_pretty(&out, S("]}\"ab\\"));
    check(S("\n]\n}\"ab\\"));
}

TEST(red_is_a_family_of_gauges_by_service_or_operation)
{
    struct trace_red_query q = {
        .what = TRACE_RED_LATENCIES, .quantile = 0.95, .by_operation = true};
    struct trace_red_point p[] = {{S("cart"), S("get"), 1'700'000'100, 12.5},
                                  {S("cart"), S("get"), 1'700'000'400, 0},
                                  {S("cart"), S("put"), 1'700'000'100, 3}};
    begin();
    jaeger_render_red(&out, &q, p, 3);
    check(S("{\"name\":\"service_operation_latencies\",\"type\":\"GAUGE\",\"help\":\"0.95th "
            "quantile latency, grouped by service & operation\",\"metrics\":["
            "{\"labels\":[{\"name\":\"operation\",\"value\":\"get\"},{\"name\":\"service_name\","
            "\"value\":\"cart\"}],\"metricPoints\":["
            "{\"gaugeValue\":{\"doubleValue\":12.5},\"timestamp\":\"2023-11-14T22:15:00Z\"},"
            "{\"gaugeValue\":{\"doubleValue\":0},\"timestamp\":\"2023-11-14T22:20:00Z\"}]},"
            "{\"labels\":[{\"name\":\"operation\",\"value\":\"put\"},{\"name\":\"service_name\","
            "\"value\":\"cart\"}],\"metricPoints\":["
            "{\"gaugeValue\":{\"doubleValue\":3},\"timestamp\":\"2023-11-14T22:15:00Z\"}]}]}"));
    begin();
    jaeger_render_red(&out, &(struct trace_red_query){.what = TRACE_RED_CALLS}, NULL, 0);
    check(S("{\"name\":\"service_call_rate\",\"type\":\"GAUGE\",\"help\":\"calls/sec, grouped by "
            "service\",\"metrics\":[]}"));
    begin();
    jaeger_render_number(&out, 300000);
    check(S("{\"data\":300000,\"total\":0,\"limit\":0,\"offset\":0,\"errors\":null}"));
}
