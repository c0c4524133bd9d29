#include "ingest/process/sample_test.h"
#include "testing/test.h"

static const struct attr attrs[] = {
    {S("host.name"), {ATTR_STRING, {S("box")}}},
    {S("process.pid"), {ATTR_INT, {.i = 7}}},
};
static const struct process_detected found = {attrs, 2, S("https://example.org/1")};

static struct telemetry_batch *detect(const char *yaml, struct process_count *n)
{
    struct telemetry_batch *b = sample_begin(SIGNAL_LOGS);
    sample_resource("host.name=mine");
    sample_log("l", "");
    sample_detected(&found);
    *n = sample_run(yaml);
    sample_detected(NULL);
    return b;
}

TEST(resourcedetection_puts_what_was_found_over_what_came)
{
    struct process_count n;
    struct telemetry_batch *b = detect("resourcedetection: {detectors: [env]}", &n);
    CHECK_STR(sample_text(b->resources[1].attrs), S("host.name=s:box;process.pid=i:7"));
    CHECK_STR(b->resources[1].schema_url, S("https://example.org/1"));
    CHECK_INT(n.changed, 1);
}

TEST(resourcedetection_without_override_keeps_what_came)
{
    struct process_count n;
    struct telemetry_batch *b = detect("resource_detection/x: {override: false}", &n);
    CHECK_STR(sample_text(b->resources[1].attrs), S("host.name=s:mine;process.pid=i:7"));
    sample_run("resourcedetection: {}"); /* nothing was found */
    CHECK_STR(sample_text(b->resources[1].attrs), S("host.name=s:mine;process.pid=i:7"));
}
