#include "query/render/loki_render.h"

#include <math.h>
#include <stdio.h>

#include "testing/test.h"

static struct buf out;

static str rendered(void)
{
    const char *stats = memmem(out.ptr, out.len, ",\"stats\"", 8);
    return (str){out.ptr, stats ? (size_t)(stats - out.ptr) : out.len};
}

static void begin(void)
{
    if (!out.max) buf_init(&out, 1 << 20);
    buf_clear(&out);
}

static struct loki_label app[] = {{S("app"), S("a\"b")}};
static struct loki_label meta[] = {{S("x"), S("1")}, {S("y"), S("2")}};
static const struct loki_stats stats = {2, 10, 100, 1};

TEST(loki_streams_have_nanoseconds_as_text)
{
    begin();
    struct loki_entry e[] = {{1700000000000000001, S("line\n1"), {meta, 2}}, {5, S(""), {0}}};
    struct loki_stream s = {{app, 1}, e, 2};
    loki_render_streams(&out, &s, 1, false, &stats);
    CHECK_STR(rendered(),
              S("{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"result\":[{"
                "\"stream\":{\"app\":"
                "\"a\\\"b\"},\"values\":[[\"1700000000000000001\",\"line\\n1\"],[\"5\",\"\"]]}]"));
    begin();
    loki_render_streams(&out, &s, 1, true, &stats);
    CHECK_STR(rendered(),
              S("{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"encodingFlags\":["
                "\"categorize-labels\"],"
                "\"result\":[{\"stream\":{\"app\":\"a\\\"b\"},\"values\":[[\"1700000000000000001\","
                "\"line\\n1\","
                "{\"structuredMetadata\":{\"x\":\"1\",\"y\":\"2\"}}],[\"5\",\"\",{}]]}]"));
    begin();
    loki_render_streams(&out, NULL, 0, false, &stats);
    CHECK_STR(rendered(),
              S("{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"result\":[]"));
}

TEST(loki_samples_have_seconds_with_milliseconds)
{
    struct logql_grid g = {1568404331324 * NANOS_MS, 176 * NANOS_MS, 4};
    double v[] = {0.013333333333333334, NAN, INFINITY, 3};
    bool present[] = {true, true, true, false};
    struct logql_series s = {{app, 1}, v, present};
    struct logql_matrix m = {.v = &s, .n = 1};
    begin();
    loki_render_matrix(&out, &m, &g, &stats);
    CHECK_STR(rendered(), S("{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\","
                            "\"result\":[{\"metric\":{\"app\":\"a\\\"b\"},"
                            "\"values\":[[1568404331.324,\"0.013333333333333334\"],[1568404331.5,"
                            "\"NaN\"],[1568404331.676,\"+Inf\"]]}]"));
    begin();
    loki_render_instant(&out, &m, &g, &stats);
    CHECK_STR(rendered(), S("{\"status\":\"success\",\"data\":{\"resultType\":\"vector\","
                            "\"result\":[{\"metric\":{\"app\":\"a\\\"b\"},"
                            "\"value\":[1568404331.324,\"0.013333333333333334\"]}]"));
    begin();
    m = (struct logql_matrix){.scalar = true, .number = 2};
    loki_render_instant(&out, &m, &g, &stats);
    CHECK_STR(rendered(), S("{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\","
                            "\"result\":[1568404331.324,\"2\"]"));
    begin();
    g = (struct logql_grid){10 * NANOS_S, NANOS_S, 2};
    loki_render_matrix(&out, &m, &g, &stats);
    CHECK_STR(
        rendered(),
        S("{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{},"
          "\"values\":[[10,\"2\"],[11,\"2\"]]}]"));
}

TEST(loki_answers_carry_the_summary_grafana_reads)
{
    begin();
    loki_render_streams(&out, NULL, 0, false, &stats);
    static const char *const members[] = {"\"bytesProcessedPerSecond\":50",
                                          "\"linesProcessedPerSecond\":5",
                                          "\"execTime\":2",
                                          "\"queueTime\":0",
                                          "\"totalBytesProcessed\":100",
                                          "\"totalLinesProcessed\":10",
                                          "\"totalEntriesReturned\":1"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        CHECK(memmem(out.ptr, out.len, members[i], strlen(members[i])));
    CHECK(out.ptr[out.len - 1] == '\n');
}

TEST(loki_lists_are_never_null)
{
    begin();
    loki_render_strings(&out, NULL, 0);
    CHECK_STR(buf_str(&out), S("{\"status\":\"success\",\"data\":[]}\n"));
    begin();
    struct loki_labels l = {app, 1};
    loki_render_series(&out, &l, 1);
    CHECK_STR(buf_str(&out), S("{\"status\":\"success\",\"data\":[{\"app\":\"a\\\"b\"}]}\n"));
    buf_done(&out);
    out = (struct buf){0};
}
