#include "ingest/process/condition.h"

#include <stdio.h>

#include "ingest/process/sample_test.h"
#include "testing/test.h"

static struct arena memory;
static struct telemetry_batch *b;

/* What the condition says of row 0 (and event 0): "true", "false", or "12: why" with the byte. */
static const char *says(enum condition_context on, bool named, const char *text)
{
    static char out[600];
    const struct condition *c;
    struct err err;
    arena_done(&memory);
    arena_init(&memory, 1 << 20);
    if (condition_new(&memory, on, named, str_of(text), &c, &err) != ST_OK) {
        snprintf(out, sizeof out, "%d: %s", (int)err.pos, err.msg);
        return out;
    }
    struct regex_scratch *scratch = regex_scratch_new();
    struct condition_row row = {.batch = b, .arena = &memory, .regex = scratch};
    bool holds = condition_holds(c, &row);
    regex_scratch_free(scratch);
    return holds ? "true" : "false";
}

#define SAYS(on, text, want) CHECK_STR(str_of(says(on, false, text)), S(want))

static void one_span(void)
{
    b = sample_begin(SIGNAL_TRACES);
    sample_resource("service.name=shop;zone=2");
    sample_scope("io.lib", "1.2");
    sample_span("GET /things", "code=404;ratio=0.5;ok=true;path=/a/b;list=[1]");
    sample_event("exception", "type=E");
    struct span_columns *c = &b->spans;
    c->kind[0] = 2;
    c->status_code[0] = 2;
    c->status_message[0] = S("it failed");
    memcpy(c->trace_id[0], "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10", 16);
    memcpy(c->span_id[0], "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
}

TEST(condition_compares_fields_of_a_span)
{
    one_span();
    SAYS(ON_SPAN, "name == \"GET /things\"", "true");
    SAYS(ON_SPAN, "span.name != \"GET /things\"", "false");
    SAYS(ON_SPAN, "kind == SPAN_KIND_SERVER", "true");
    SAYS(ON_SPAN, "kind.string == \"Server\"", "true");
    SAYS(ON_SPAN, "status.code == STATUS_CODE_ERROR", "true");
    SAYS(ON_SPAN, "status.message == \"it failed\"", "true");
    SAYS(ON_SPAN, "trace_id == 0x0102030405060708090a0b0c0d0e0f10", "true");
    SAYS(ON_SPAN, "trace_id == TraceID(0x0102030405060708090a0b0c0d0e0f10)", "true");
    SAYS(ON_SPAN, "trace_id.string == \"0102030405060708090a0b0c0d0e0f10\"", "true");
    SAYS(ON_SPAN, "span_id == SpanID(0x0102030405060708)", "true");
    SAYS(ON_SPAN, "span_id.string == \"0102030405060708\"", "true");
    SAYS(ON_SPAN, "parent_span_id == 0x0000000000000000 and IsRootSpan()", "true");
    SAYS(ON_SPAN, "parent_span_id.string == \"0000000000000000\"", "true");
    SAYS(ON_SPAN, "start_time_unix_nano == 1700000000000000000", "true");
    SAYS(ON_SPAN, "end_time_unix_nano - start_time_unix_nano > 999", "true");
    SAYS(ON_SPAN, "trace_state == \"\" and flags == 0", "true");
    SAYS(ON_SPAN, "dropped_attributes_count + dropped_events_count + dropped_links_count == 0",
         "true");
    SAYS(ON_SPAN, "resource.attributes[\"service.name\"] == \"shop\"", "true");
    SAYS(ON_SPAN, "resource.dropped_attributes_count == 0 and resource.schema_url == \"\"", "true");
    SAYS(ON_SPAN, "instrumentation_scope.name == \"io.lib\" and scope.version > \"1.1\"", "true");
    SAYS(ON_SPAN, "scope.attributes[\"k\"] == nil", "true");
}

TEST(condition_sees_the_event_and_its_span)
{
    one_span();
    SAYS(ON_EVENT, "name == \"exception\"", "true");
    SAYS(ON_EVENT, "spanevent.attributes[\"type\"] == \"E\" and span.kind == 2", "true");
    SAYS(ON_EVENT, "time_unix_nano == 0 and dropped_attributes_count == 0", "true");
    SAYS(ON_SPAN, "spanevent.name == \"x\"", "0: not of the items that are filtered here");
}

TEST(condition_compares_by_type)
{
    one_span();
    SAYS(ON_SPAN, "attributes[\"code\"] == 404", "true");
    SAYS(ON_SPAN, "attributes[\"code\"] == 404.0", "true");
    SAYS(ON_SPAN, "attributes[\"code\"] >= 404.5", "false");
    SAYS(ON_SPAN, "attributes[\"code\"] == \"404\"", "false");
    SAYS(ON_SPAN, "attributes[\"code\"] != \"404\"", "true");
    SAYS(ON_SPAN, "attributes[\"code\"] < \"404\"", "false");
    SAYS(ON_SPAN, "attributes[\"ratio\"] <= .5", "true");
    SAYS(ON_SPAN, "attributes[\"ratio\"] > -1", "true");
    SAYS(ON_SPAN, "attributes[\"ok\"] == true", "true");
    SAYS(ON_SPAN, "attributes[\"ok\"] > false", "true");
    SAYS(ON_SPAN, "attributes[\"path\"] < \"/a/c\"", "true");
    SAYS(ON_SPAN, "attributes[\"none\"] == nil", "true");
    SAYS(ON_SPAN, "attributes[\"none\"] != 1", "true");
    SAYS(ON_SPAN, "attributes[\"none\"] < 1", "false");
    SAYS(ON_SPAN, "attributes[\"path\"] != nil", "true");
    SAYS(ON_SPAN, "attributes[\"list\"] == attributes[\"list\"]", "true");
    SAYS(ON_SPAN, "attributes[\"list\"] < attributes[\"list\"]", "false");
}

TEST(condition_not_binds_tighter_than_and_than_or)
{
    one_span();
    SAYS(ON_SPAN, "true or false and false", "true");
    SAYS(ON_SPAN, "(true or false) and false", "false");
    SAYS(ON_SPAN, "not false and false", "false");
    SAYS(ON_SPAN, "not (false and false)", "true");
    SAYS(ON_SPAN, "not not true", "true");
    SAYS(ON_SPAN, "false or false or kind == 2", "true");
    SAYS(ON_SPAN, "not name == \"x\"", "true");
}

TEST(condition_computes_with_numbers)
{
    one_span();
    SAYS(ON_SPAN, "1 + 2 * 3 == 7", "true");
    SAYS(ON_SPAN, "(1 + 2) * 3 == 9", "true");
    SAYS(ON_SPAN, "7 / 2 == 3 and 7.0 / 2 == 3.5", "true");
    SAYS(ON_SPAN, "1 - 2 - 3 == -4", "true");
    SAYS(ON_SPAN, "1 / 0 == nil and 1.0 / 0 == nil", "true");
    SAYS(ON_SPAN, "1 + \"x\" == nil", "true");
    SAYS(ON_SPAN, "-9223372036854775807 - 1 < 0 and (-9223372036854775807 - 1) / -1 < 0", "true");
}

TEST(condition_has_functions)
{
    one_span();
    SAYS(ON_SPAN, "IsMatch(name, \"^GET .*s$\")", "true");
    SAYS(ON_SPAN, "IsMatch(attributes[\"code\"], \"^4\\\\d\\\\d$\")", "true");
    SAYS(ON_SPAN, "IsMatch(attributes[\"none\"], \".*\")", "false");
    SAYS(ON_SPAN, "HasPrefix(name, \"GET\") and HasSuffix(name, \"s\")", "true");
    SAYS(ON_SPAN, "HasPrefix(name, \"GET /things and more\") or HasPrefix(kind, \"2\")", "false");
    SAYS(ON_SPAN, "IsString(name) and IsInt(kind) and IsDouble(1.5) and IsBool(true)", "true");
    SAYS(ON_SPAN, "IsString(kind) or IsInt(name) or IsDouble(1) or IsBool(1)", "false");
    SAYS(ON_SPAN, "Len(name) == 11 and Len(kind) == nil", "true");
    SAYS(ON_SPAN, "Int(\"12\") == 12 and Int(1.9) == 1 and Int(\"x\") == nil", "true");
    SAYS(ON_SPAN, "Double(\"1.5\") == 1.5 and String(kind) == \"2\"", "true");
    SAYS(ON_SPAN, "IsMatch(name, \"x\") == false", "true");
}

TEST(condition_compares_fields_of_a_log_record)
{
    b = sample_begin(SIGNAL_LOGS);
    sample_log("a line", "k=v");
    b->logs.severity_number[0] = 14;
    b->logs.severity_text[0] = S("WARN2");
    b->logs.event_name[0] = S("crash");
    SAYS(ON_LOG, "severity_number == SEVERITY_NUMBER_WARN2", "true");
    SAYS(ON_LOG,
         "severity_number < SEVERITY_NUMBER_ERROR and severity_number >= SEVERITY_NUMBER_WARN",
         "true");
    SAYS(ON_LOG, "log.severity_text == \"WARN2\" and event_name == \"crash\"", "true");
    SAYS(ON_LOG, "body == \"a line\" and body.string == \"a line\"", "true");
    SAYS(ON_LOG, "IsMatch(body, \"line\") and attributes[\"k\"] == \"v\"", "true");
    SAYS(ON_LOG, "time_unix_nano > 0 and observed_time_unix_nano == 0 and flags == 0", "true");
    SAYS(ON_LOG, "trace_id == TraceID(0x00000000000000000000000000000000)", "true");
}

TEST(condition_steps_into_lists_and_arrays)
{
    b = sample_begin(SIGNAL_LOGS);
    sample_log("{\"a\":{\"b\":[1,2.5,{\"c\":\"x\\ny\"}]},\"t\":true,\"n\":null}", "l=[\"p\",[7]]");
    SAYS(ON_LOG, "body[\"a\"][\"b\"][0] == 1 and body[\"a\"][\"b\"][1] == 2.5", "true");
    SAYS(ON_LOG, "body[\"a\"][\"b\"][2][\"c\"] == \"x\\ny\"", "true");
    SAYS(ON_LOG, "String(body[\"a\"][\"b\"]) == \"[1,2.5,{\\\"c\\\":\\\"x\\\\ny\\\"}]\"", "true");
    SAYS(ON_LOG, "body[\"t\"] == true and body[\"n\"] == nil and body[\"z\"] == nil", "true");
    SAYS(ON_LOG, "body[\"a\"][\"b\"][3] == nil and body[0] == nil and body[\"t\"][\"x\"] == nil",
         "true");
    SAYS(ON_LOG, "attributes[\"l\"][0] == \"p\" and attributes[\"l\"][1][0] == 7", "true");
    SAYS(ON_RESOURCE, "attributes[\"l\"] == nil and resource.schema_url == \"\"", "true");
    SAYS(ON_RESOURCE, "log.body == nil", "0: not of the items that are filtered here");
}

TEST(condition_compares_fields_of_a_metric_and_its_points)
{
    b = sample_begin(SIGNAL_METRICS);
    sample_point("requests", 5, "k=v");
    b->metrics.descs[0].unit = S("1");
    b->metrics.descs[0].temporality = TEMPORALITY_DELTA;
    SAYS(ON_METRIC, "name == \"requests\" and type == METRIC_DATA_TYPE_SUM and unit == \"1\"",
         "true");
    SAYS(ON_METRIC, "aggregation_temporality == AGGREGATION_TEMPORALITY_DELTA", "true");
    SAYS(ON_METRIC, "metric.is_monotonic == false and description == \"\"", "true");
    SAYS(ON_POINT, "metric.name == \"requests\" and value_int == 5 and value_double == nil",
         "true");
    SAYS(ON_POINT, "datapoint.attributes[\"k\"] == \"v\" and flags == FLAG_NONE", "true");
    SAYS(ON_POINT, "count == nil and sum == nil and time_unix_nano == start_time_unix_nano",
         "true");
    b->metrics.descs[0].type = METRIC_HISTOGRAM;
    b->metrics.count[0] = 3;
    b->metrics.sum[0] = 1.5;
    b->metrics.present[0] = POINT_HAS_SUM;
    SAYS(ON_POINT, "count == 3 and sum == 1.5 and value_int == nil", "true");
}

TEST(condition_errors_have_their_place)
{
    one_span();
    SAYS(ON_SPAN, "", "0: the condition ends where a value is expected");
    SAYS(ON_SPAN, "name", "0: a value where a condition is expected: compare it with something");
    SAYS(ON_SPAN, "true and name",
         "9: a value where a condition is expected: compare it with something");
    SAYS(ON_SPAN, "name == \"x\" nand true", "12: the condition should end here");
    SAYS(ON_SPAN, "nmae == 1", "0: no such path here");
    SAYS(ON_SPAN, "body == 1", "0: no such path here");
    SAYS(ON_SPAN, "kind == SPAN_KIND_SEVER", "8: no such name");
    SAYS(ON_SPAN, "IsMtch(name, \"x\")", "0: no such function here");
    SAYS(ON_SPAN, "IsMatch(name)", "12: one more argument is expected");
    SAYS(ON_SPAN, "IsMatch(name, name)", "14: the pattern of IsMatch is written as a string");
    SAYS(ON_SPAN, "IsMatch(name, \"x\", 1)", "17: \")\" is expected");
    SAYS(ON_SPAN, "name == \"x", "8: a string without its end");
    SAYS(ON_SPAN, "name == \"\\d\"", "9: no such escape; a backslash is written as \\\\");
    SAYS(ON_SPAN, "attributes == 1", "0: attributes need a key: attributes[\"name\"]");
    SAYS(ON_SPAN, "attributes[0] == 1", "0: attributes need a key: attributes[\"name\"]");
    SAYS(ON_SPAN, "name[\"a\"] == 1", "4: this path has no keys");
    SAYS(ON_SPAN, "attributes[\"a\"][1.5] == 1", "16: a whole number is expected");
    SAYS(ON_SPAN, "kind == 99999999999999999999", "8: not a number that fits");
    SAYS(ON_SPAN, "(kind == 1", "10: \")\" is expected");
    CHECK_STR(str_of(says(ON_SPAN, true, "name == \"x\"")),
              S("0: a path begins with what it belongs to: span., spanevent., log., metric., "
                "datapoint., resource. or scope."));
    CHECK_STR(str_of(says(ON_SPAN, true, "span.name == \"x\"")), S("false"));
}

TEST(condition_is_bounded_in_depth_and_length)
{
    char text[CONDITION_MAX_BYTES + 2];
    one_span();
    memset(text, '(', 100);
    strcpy(text + 100, "true");
    SAYS(ON_SPAN, text, "65: nested deeper than the limit of 64 levels");
    memset(text, '1', sizeof text);
    text[sizeof text - 1] = 0;
    SAYS(ON_SPAN, text, "-1: a condition of 4097 bytes, limit 4096");
    char *to = stpcpy(text, "0");
    for (int i = 0; i < 100; i++) to = stpcpy(to, "+1");
    SAYS(ON_SPAN, text, "129: more than 64 operators in a row");
    to = stpcpy(text, "false");
    for (int i = 0; i < 400; i++) to = stpcpy(to, " or false");
    SAYS(ON_SPAN, text, "false");
    sample_end();
    arena_done(&memory);
}
