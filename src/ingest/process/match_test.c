#include <stdio.h>

#include "ingest/process/sample_test.h"
#include "testing/test.h"

/* Names of the rows on which an action was done. */
static str marked(struct telemetry_batch *b, const char *which)
{
    static char out[256];
    char yaml[512];
    snprintf(yaml, sizeof yaml,
             "attributes: {%s, actions: [{action: insert, key: MARK, value: 1}]}", which);
    (void)sample_run(yaml);
    out[0] = 0;
    for (uint32_t i = 0; i < telemetry_batch_rows(b); i++) {
        str row = sample_row(i);
        if (!row.len || !memmem(row.ptr, row.len, "MARK", 4)) continue;
        str name = b->signal == SIGNAL_TRACES ? b->spans.name[i]
                   : b->signal == SIGNAL_LOGS ? b->logs.severity_text[i]
                                              : b->metrics.descs[b->metrics.desc[i]].name;
        snprintf(out + strlen(out), sizeof out - strlen(out), STR_FMT " ", STR_ARG(name));
    }
    return str_of(out);
}

static str spans(const char *which)
{
    struct telemetry_batch *b = sample_begin(SIGNAL_TRACES);
    sample_resource("service.name=shop;env=prod");
    sample_scope("io.lib", "1.0");
    b->spans.kind[sample_span("get", "code=200;path=/a")] = 2;
    sample_span("put", "code=404");
    sample_resource("service.name=cart;env=test");
    sample_scope("other", "");
    b->spans.kind[sample_span("gone", "path=/b")] = 3;
    return marked(b, which);
}

#define STRICT(x) "include: {match_type: strict, " x "}"
#define REGEXP(x) "include: {match_type: regexp, " x "}"

TEST(match_spans_by_service_name_kind_and_library)
{
    CHECK_STR(spans(STRICT("services: [shop]")), S("get put "));
    CHECK_STR(spans(REGEXP("services: [^c]")), S("gone "));
    CHECK_STR(spans(STRICT("span_names: [get, gone]")), S("get gone "));
    CHECK_STR(spans(REGEXP("span_names: [^g]")), S("get gone "));
    CHECK_STR(spans(STRICT("span_kinds: [SPAN_KIND_SERVER]")), S("get "));
    CHECK_STR(spans(STRICT("libraries: [{name: io.lib}]")), S("get put "));
    CHECK_STR(spans(STRICT("libraries: [{name: io.lib, version: \"2\"}]")), S(""));
    CHECK_STR(spans(REGEXP("libraries: [{name: ., version: ^$}]")), S("gone "));
}

TEST(match_needs_every_attribute_and_resource_named)
{
    CHECK_STR(spans(STRICT("attributes: [{key: path}]")), S("get gone "));
    CHECK_STR(spans(STRICT("attributes: [{key: code, value: 404}]")), S("put "));
    CHECK_STR(spans(STRICT("attributes: [{key: code, value: \"404\"}]")), S(""));
    CHECK_STR(spans(REGEXP("attributes: [{key: code, value: ^4}]")), S("put "));
    CHECK_STR(spans(STRICT("attributes: [{key: code}, {key: path}]")), S("get "));
    CHECK_STR(spans(STRICT("resources: [{key: env, value: prod}]")), S("get put "));
    CHECK_STR(spans(REGEXP("resources: [{key: env, value: \"t$\"}]")), S("gone "));
}

TEST(match_needs_every_property_and_exclude_comes_after_include)
{
    CHECK_STR(spans(STRICT("services: [shop], span_names: [put, gone]")), S("put "));
    CHECK_STR(spans("exclude: {match_type: strict, services: [shop]}"), S("gone "));
    CHECK_STR(
        spans(STRICT("services: [shop]") ", exclude: {match_type: strict, span_names: [get]}"),
        S("put "));
}

static str logs(const char *which)
{
    static const char *const names[] = {"NONE", "INFO", "ERROR"};
    static const uint8_t numbers[] = {0, 9, 17};
    struct telemetry_batch *b = sample_begin(SIGNAL_LOGS);
    for (int i = 0; i < 3; i++) {
        uint32_t row = sample_log(i == 1 ? "5" : "a line", "k=1");
        b->logs.severity_text[row] = str_of(names[i]);
        b->logs.severity_number[row] = numbers[i];
    }
    return marked(b, which);
}

TEST(match_logs_by_severity_and_text_of_the_body)
{
    CHECK_STR(logs(STRICT("log_severity_number: {min: 10}")), S("ERROR "));
    CHECK_STR(logs(STRICT("log_severity_number: {min: 9, match_undefined: true}")),
              S("NONE INFO ERROR "));
    CHECK_STR(logs(REGEXP("log_severity_texts: [^E]")), S("ERROR "));
    CHECK_STR(logs(REGEXP("log_bodies: [.]")), S("NONE ERROR "));
    CHECK_STR(logs(STRICT("log_bodies: [a line]")), S("NONE ERROR "));
}

TEST(match_points_by_the_name_of_their_metric)
{
    struct telemetry_batch *b = sample_begin(SIGNAL_METRICS);
    sample_point("cpu", 1, "");
    sample_point("memory", 1, "");
    CHECK_STR(marked(b, REGEXP("metric_names: [^c]")), S("cpu "));
}

TEST(match_refuses_what_items_of_the_signal_do_not_have)
{
    const char *yaml = "attributes: {actions: [{action: delete, key: a}],\n"
                       "  include: {match_type: strict, span_names: [a]}}";
    CHECK_STR(sample_refusal(SIGNAL_TRACES, yaml), S(""));
    CHECK_STR(sample_refusal(SIGNAL_LOGS, yaml),
              S("test:2:33: attributes.include.span_names: no such option here"));
    CHECK_STR(sample_refusal(SIGNAL_TRACES,
                             "attributes: {actions: [{action: delete, key: a}], exclude: {}}"),
              S("test:1:51: attributes.exclude: match_type is needed: strict or regexp"));
    CHECK_STR(sample_refusal(SIGNAL_TRACES, "attributes: {actions: [{action: delete, key: a}], "
                                            "exclude: {match_type: strict}}"),
              S("test:1:51: attributes.exclude: nothing to match by is named besides match_type"));
}
