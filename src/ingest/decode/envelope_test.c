/* Envelopes without items: OTLP rule O17. */
#include "ingest/decode/sample_test.h"
#include "testing/test.h"

TEST(O17_empty_envelopes_are_accepted_and_bring_no_items)
{
    static const struct {
        enum signal_kind signal;
        const char *json;
    } cases[] = {
        {SIGNAL_TRACES, "{\"resourceSpans\":[{}]}"},
        {SIGNAL_TRACES, "{\"resourceSpans\":[{\"resource\":{},\"scopeSpans\":[]}]}"},
        {SIGNAL_TRACES, "{\"resourceSpans\":[{\"scopeSpans\":[{}]}]}"},
        {SIGNAL_LOGS, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[]},{}]},{}]}"},
        {SIGNAL_METRICS, "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[]}]}]}"},
        {SIGNAL_METRICS, "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\"}]"
                         "}]}]}"},
    };
    struct decoded d;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        decode_sample(&d, cases[i].signal, PAYLOAD_JSON, str_of(cases[i].json), NULL);
        CHECK_INT(d.status, ST_OK);
        CHECK_INT(d.batch->received, 0);
        decoded_done(&d);
    }
    /* ResourceSpans{ ScopeSpans{} }, an empty ResourceSpans */
    decode_sample(&d, SIGNAL_TRACES, PAYLOAD_PROTOBUF, S("\x0a\x02\x12\x00\x0a\x00"), NULL);
    CHECK_INT(d.status, ST_OK);
    CHECK_INT(d.batch->received, 0);
    decoded_done(&d);
}
