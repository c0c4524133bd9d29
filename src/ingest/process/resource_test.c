#include "ingest/process/sample_test.h"
#include "testing/test.h"

TEST(resource_actions_change_each_resource_once_and_its_identity)
{
    struct telemetry_batch *b = sample_begin(SIGNAL_TRACES);
    sample_resource("service.name=shop");
    sample_span("a", "");
    sample_span("b", "");
    sample_resource("env=x;service.name=cart");
    sample_span("c", "");
    uint64_t hash = b->resources[1].hash;
    struct process_count n =
        sample_run("resource: {attributes: [{action: insert, key: env, value: x},"
                   " {action: update, key: service.name, value: cart}]}");
    CHECK_INT(n.seen, 3);
    CHECK_INT(n.changed, 2);
    CHECK_STR(sample_text(b->resources[1].attrs), S("service.name=s:cart;env=s:x"));
    CHECK_STR(b->resources[1].service_name, S("cart"));
    CHECK(b->resources[1].hash != hash);
    CHECK(b->resources[1].hash == b->resources[2].hash);
}

TEST(resource_actions_change_the_series_of_points)
{
    struct telemetry_batch *b = sample_begin(SIGNAL_METRICS);
    sample_resource("host=a");
    sample_point("m", 1, "k=1");
    sample_resource("host=b");
    b->metrics.n_descs++; /* another message of the same name */
    b->metrics.descs[1] = b->metrics.descs[0];
    b->metrics.descs[1].resource = b->n_resources - 1;
    sample_point("m", 1, "k=1");
    sample_run("resource: {attributes: [{action: upsert, key: x, value: 1}]}");
    CHECK(b->metrics.series_id[0] != b->metrics.series_id[1]);
    struct process_count n = sample_run("resource: {attributes: [{action: delete, key: host}]}");
    CHECK_INT(n.changed, 2);
    CHECK(b->metrics.series_id[0] == b->metrics.series_id[1]);
}

TEST(resource_needs_its_list_of_actions)
{
    CHECK_STR(sample_refusal(SIGNAL_LOGS, "resource: {}"),
              S("test:1:1: resource: attributes is needed: a list of actions"));
    CHECK_STR(sample_refusal(SIGNAL_LOGS, "resource: {actions: []}"),
              S("test:1:12: resource.actions: no such option here"));
    CHECK_STR(sample_refusal(SIGNAL_LOGS, "resource: {attributes: []}"),
              S("test:1:24: resource.attributes: at least one action is needed"));
}
