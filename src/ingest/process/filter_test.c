#include "ingest/process/sample_test.h"
#include "testing/test.h"

static struct telemetry_batch *three_spans(void)
{
    struct telemetry_batch *b = sample_begin(SIGNAL_TRACES);
    sample_resource("host=a");
    sample_span("one", "code=200");
    sample_event("start", "");
    sample_event("noise", "x=1");
    sample_event("end", "");
    sample_span("two", "code=404");
    sample_event("noise", "");
    sample_resource("host=b");
    sample_span("three", "");
    return b;
}

TEST(filter_drops_spans_for_which_any_condition_holds)
{
    struct telemetry_batch *b = three_spans();
    struct process_count n = sample_run("filter: {traces: {span: ['name == \"one\"',"
                                        " 'resource.attributes[\"host\"] == \"b\"']}}");
    CHECK_STR(sample_names(), S("two"));
    CHECK_INT(n.seen, 3);
    CHECK_INT(n.dropped, 2);
    CHECK_INT(n.changed, 0);
    CHECK_INT(b->dropped[DROP_FILTERED], 2);
    CHECK_INT(b->dropped[DROP_SAMPLED], 0);
    CHECK_INT(b->received, 3);
}

TEST(filter_takes_events_out_and_leaves_their_span)
{
    struct telemetry_batch *b = three_spans();
    struct process_count n = sample_run("filter: {traces: {spanevent: ['name == \"noise\"']}}");
    CHECK_STR(sample_names(), S("one two three"));
    CHECK_INT(n.changed, 2);
    CHECK_INT(n.dropped, 0);
    CHECK_INT(b->spans.events[0].n, 2);
    CHECK_STR(b->spans.event[b->spans.events[0].at + 1].name, S("end"));
    CHECK_INT(b->spans.events[1].n, 0);
}

TEST(filter_does_not_look_at_events_of_dropped_spans)
{
    three_spans();
    struct process_count n =
        sample_run("filter: {error_mode: ignore, traces: {span: ['name == \"one\"'],"
                   " spanevent: ['name == \"noise\"']}}");
    CHECK_INT(n.changed, 1);
    CHECK_INT(n.dropped, 1);
}

TEST(filter_infers_what_a_condition_is_about)
{
    three_spans();
    struct process_count n = sample_run(
        "filter: {trace_conditions: ['span.name == \"one\"', 'spanevent.name == \"noise\"',"
        " 'resource.attributes[\"spanevent.x\"] == \"y\"']}");
    CHECK_STR(sample_names(), S("two three"));
    CHECK_INT(n.changed, 1);
    struct telemetry_batch *b = sample_begin(SIGNAL_METRICS);
    sample_point("cpu", 1, "");
    sample_point("memory", 1, "k=1");
    sample_point("memory", 2, "");
    (void)b;
    sample_run("filter: {metric_conditions: ['metric.name == \"cpu\"',"
               " 'datapoint.value_int == 2']}");
    CHECK_STR(sample_names(), S("memory"));
    CHECK_STR(sample_row(0), S("k=i:1"));
}

TEST(filter_drops_all_points_of_a_metric_and_single_ones)
{
    struct telemetry_batch *b = sample_begin(SIGNAL_METRICS);
    sample_point("cpu", 1, "");
    sample_exemplar(0, "of=0");
    sample_point("memory", 1, "");
    sample_point("memory", 2, "k=2");
    sample_exemplar(2, "of=2");
    sample_exemplar(1, "of=1");
    struct process_count n = sample_run(
        "filter: {metrics: {metric: ['name == \"cpu\"'], datapoint: ['value_int == 1']}}");
    CHECK_INT(n.dropped, 2);
    CHECK_STR(sample_row(0), S("k=i:2"));
    CHECK_INT(b->metrics.n_exemplars, 1);
    CHECK_INT(b->metrics.exemplar[0].point, 0);
    CHECK_STR(sample_text(b->metrics.exemplar[0].attrs), S("of=i:2"));
}

TEST(filter_drops_all_items_of_a_resource)
{
    three_spans();
    sample_run("filter: {traces: {resource: ['attributes[\"host\"] == \"a\"']},"
               " logs: {resource: ['true']}}");
    CHECK_STR(sample_names(), S("three"));
    sample_begin(SIGNAL_METRICS);
    sample_resource("host=a");
    sample_point("cpu", 1, "");
    sample_resource("host=b");
    sample_point("memory", 1, "");
    sample_run("filter: {metrics: {resource: ['attributes[\"host\"] == \"a\"']}}");
    CHECK_STR(sample_names(), S("memory"));
    sample_begin(SIGNAL_LOGS);
    sample_log("kept", "");
    sample_run("filter: {metrics: {resource: ['true']}}");
    CHECK_STR(sample_names(), S("kept"));
}

TEST(filter_drops_log_records_and_what_is_for_other_signals_does_nothing)
{
    struct telemetry_batch *b = sample_begin(SIGNAL_LOGS);
    b->logs.severity_number[sample_log("quiet", "")] = 5;
    b->logs.severity_number[sample_log("loud", "")] = 17;
    const char *yaml = "filter: {logs: {log_record: ['severity_number < SEVERITY_NUMBER_INFO']},"
                       " traces: {span: ['true']}, log_conditions: ['log.body == \"none\"']}";
    sample_run(yaml);
    CHECK_STR(sample_names(), S("loud"));
    three_spans();
    sample_run("filter: {logs: {log_record: ['true']}}");
    CHECK_STR(sample_names(), S("one two three"));
}

TEST(filter_says_where_a_condition_is_wrong)
{
    CHECK_STR(sample_refusal(SIGNAL_TRACES, "filter: {traces: {span: ['name = \"x\"']}}"),
              S("test:1:26: filter.traces.span[0]: at character 6 of the condition: the condition "
                "should end here"));
    CHECK_STR(sample_refusal(SIGNAL_TRACES, "filter: {traces: {spans: []}}"),
              S("test:1:19: filter.traces.spans: no such option; did you mean \"span\"?"));
    CHECK_STR(sample_refusal(SIGNAL_TRACES, "filter: {}"),
              S("test:1:1: filter: no condition is given"));
    CHECK_STR(sample_refusal(SIGNAL_TRACES, "filter: {log_conditions: ['body == \"x\"']}"),
              S("test:1:27: filter.log_conditions[0]: at character 1 of the condition: a path "
                "begins with what it belongs to: span., spanevent., log., metric., datapoint., "
                "resource. or scope."));
    CHECK(sample_refusal(SIGNAL_TRACES, "filter: {error_mode: x, traces: {span: ['true']}}").len);
    sample_end();
}
