#include "obs/metrics.h"

#include "testing/test.h"

/* The labels of each label list, and what kinds are called, for people. */
#define LABELS_NONE ""
#define LABELS_SIGNAL "`signal`"
#define LABELS_SIGNAL_REASON "`signal`, `reason`"
#define LABELS_SIGNAL_POLICY "`signal`, `policy`"
#define LABELS_TABLE "`table`"
#define LABELS_API "`api`"
#define LABELS_PROTOCOL "`protocol`"
#define LABELS_OUTCOME "`status`"
#define LABELS_ROUTE "`pipeline`, `exporter`, `signal`"
#define LABELS_ROUTE_POLICY "`pipeline`, `exporter`, `signal`, `policy`"
#define LABELS_PROCESSOR "`pipeline`, `processor`"
#define LABELS_JOB "`job`"
#define LABELS_ROLLUP "`rollup`: `metrics_5m`, `metrics_1h`, `logs_5m`, `logs_1h`, `traces_red_1h`"
#define KIND_COUNTER "counter"
#define KIND_GAUGE "gauge"
#define KIND_HISTOGRAM "histogram"

static bool holds(str s, str part)
{
    return s.len && memmem(s.ptr, s.len, part.ptr, part.len) != NULL;
}

TEST(the_page_for_operators_lists_every_metric)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    buf_add(&b, S("| metric | kind | labels | what it counts |\n| --- | --- | --- | --- |\n"));
#define X(id, kind, labels, name, help) \
    buf_add(&b, S("| `" name "` | " KIND_##kind " | " LABELS_##labels " | " help " |\n"));
#include "obs/metrics.def"
#undef X
    test_golden_part("docs/operations.md", "metrics", buf_str(&b));
    buf_done(&b);
}

TEST(what_is_counted_is_rendered)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    metric_add(M_BLOCKS, 1, 3);
    metric_set(M_JOURNAL_BYTES, 0, -1);
    metric_observe(M_QUERY_SECONDS, 2, 0.003);
    metric_label_route(2, S("traces/eu"), S("otlp/\"b\""), "traces");
    metric_label_processor(100, S("traces/eu"), S("filter"));
    metric_add(M_ROUTE_TAKEN, 2, 7);
    metric_add(M_ROUTE_DROPPED, metric_route_policy(2, 4), 1);
    metric_add(M_PROCESSOR_ITEMS, 100, 9);
    metrics_render(&b);
    str text = buf_str(&b);
    CHECK(holds(text, S("# TYPE weir_blocks_total counter\n")));
    CHECK(holds(text, S("weir_blocks_total{signal=\"traces\"} 0\n")));
    CHECK(holds(text, S("weir_blocks_total{signal=\"logs\"} 3\n")));
    CHECK(holds(text, S("weir_journal_bytes -1\n")));
    CHECK(holds(text, S("weir_route_taken_items_total{pipeline=\"traces/eu\",exporter=\"otlp/"
                        "\\\"b\\\"\",signal=\"traces\"} 7\n")));
    CHECK(holds(text, S("signal=\"traces\",policy=\"refused\"} 1\n")));
    CHECK(holds(text, S("weir_processor_items_total{pipeline=\"traces/eu\",processor=\"filter\"} "
                        "9\n")));
    CHECK(!holds(text, S("weir_route_taken_items_total{} ")));
    CHECK(holds(text, S("weir_query_duration_seconds_bucket{api=\"jaeger\",le=\"0.002\"} 0\n")));
    CHECK(holds(text, S("weir_query_duration_seconds_bucket{api=\"jaeger\",le=\"0.005\"} 1\n")));
    CHECK(holds(text, S("weir_query_duration_seconds_sum{api=\"jaeger\"} 0.003\n")));
    CHECK(holds(text, S("weir_query_duration_seconds_count{api=\"jaeger\"} 1\n")));
    buf_done(&b);
}
