#include <stdio.h>

#include "ingest/process/sample_test.h"
#include "testing/test.h"

static str after(const char *attrs, const char *yaml)
{
    sample_begin(SIGNAL_TRACES);
    sample_span("s", attrs);
    (void)sample_run(yaml);
    return sample_row(0);
}

TEST(redaction_keeps_allowed_and_ignored_keys_only)
{
    CHECK_STR(after("a=1;b=2;c=3", "redaction: {allowed_keys: [a], ignored_keys: [c]}"),
              S("a=i:1;c=i:3"));
    CHECK_STR(after("a=1", "redaction: {}"), S(""));
    CHECK_STR(after("a=1", "redaction: {allow_all_keys: true}"), S("a=i:1"));
    CHECK_STR(after("x.a=1;b=2", "redaction: {ignored_key_patterns: ['^x']}"), S("x.a=i:1"));
}

TEST(redaction_masks_each_match_of_a_blocked_value)
{
    CHECK_STR(after("a=card 4111 and 4222;b=none",
                    "redaction: {allow_all_keys: true, blocked_values: ['4\\d{3}', 'a']}"),
              S("a=s:c****rd **** ****nd ****;b=s:none"));
    CHECK_STR(after("a=xx", "redaction: {allow_all_keys: true, blocked_values: ['y*']}"),
              S("a=s:xx"));
}

TEST(redaction_masks_the_values_of_blocked_keys)
{
    CHECK_STR(after("my_token=abc;pin=12;b=1", "redaction: {allow_all_keys: true,"
                                               " blocked_key_patterns: [token, ^pin$]}"),
              S("my_token=s:****;pin=s:****;b=i:1"));
}

TEST(redaction_leaves_values_that_are_allowed)
{
    CHECK_STR(after("a=me@corp.com;b=me@else.com",
                    "redaction: {allow_all_keys: true, blocked_values: ['\\S+@\\S+'],"
                    " allowed_values: ['@corp\\.com$']}"),
              S("a=s:me@corp.com;b=s:****"));
}

TEST(redaction_ignores_blocked_values_of_ignored_keys)
{
    CHECK_STR(after("a=secret", "redaction: {ignored_keys: [a], blocked_values: [secret],"
                                " blocked_key_patterns: [a]}"),
              S("a=s:secret"));
}

TEST(redaction_looks_into_other_types_when_told_to)
{
    const char *only = "redaction: {allow_all_keys: true, blocked_values: ['411']}";
    const char *all =
        "redaction: {allow_all_keys: true, blocked_values: ['411'], redact_all_types: true}";
    CHECK_STR(after("a=4111;b=[411]", only), S("a=i:4111;b=a:[411]"));
    CHECK_STR(after("a=4111;b=[411]", all), S("a=s:****1;b=s:[****]"));
}

TEST(redaction_hashes_instead_of_masking)
{
    CHECK_STR(after("a=x abc y", "redaction: {allow_all_keys: true, blocked_values: [abc],"
                                 " hash_function: md5}"),
              S("a=s:x 900150983cd24fb0d6963f7d28e17f72 y"));
    CHECK_STR(after("a=abc", "redaction: {allow_all_keys: true, blocked_key_patterns: [a],"
                             " hash_function: sha1}"),
              S("a=s:a9993e364706816aba3e25717850c26c9cd0d89d"));
    CHECK_STR(after("a=abc", "redaction: {allow_all_keys: true, blocked_key_patterns: [a],"
                             " hash_function: sha3}"),
              S("a=s:3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"));
}

TEST(redaction_summary_says_how_many_and_which)
{
    const char *yaml = "redaction: {allowed_keys: [a, b, c], ignored_keys: [d],"
                       " blocked_values: [x], allowed_values: [xy], summary: %s}";
    char text[256];
    snprintf(text, sizeof text, yaml, "debug");
    CHECK_STR(after("a=x;b=x;c=xy;d=1;e=1;f=1", text),
              S("a=s:****;b=s:****;c=s:xy;d=i:1;redaction.redacted.keys=s:e,f;"
                "redaction.redacted.count=i:2;redaction.masked.keys=s:a,b;"
                "redaction.masked.count=i:2;redaction.allowed.keys=s:c;"
                "redaction.allowed.count=i:1;redaction.ignored.count=i:1"));
    snprintf(text, sizeof text, yaml, "info");
    CHECK_STR(after("a=x;e=1", text), S("a=s:****;redaction.redacted.count=i:1;"
                                        "redaction.masked.count=i:1"));
    snprintf(text, sizeof text, yaml, "silent");
    CHECK_STR(after("a=x;e=1", text), S("a=s:****"));
}

TEST(redaction_reaches_resources_scopes_events_and_links)
{
    struct telemetry_batch *b = sample_begin(SIGNAL_TRACES);
    sample_resource("service.name=secret;a=1");
    sample_scope("lib", "1");
    b->scopes[1].attrs = sample_attrs("k=secret");
    sample_span("s", "");
    sample_event("e", "k=a secret");
    sample_event("e", "k=1");
    b->spans.link[0] = (struct span_link){.attrs = sample_attrs("k=secret")};
    b->spans.n_links = 1;
    b->spans.links[0] = (struct attr_range){0, 1};
    uint64_t hash = b->resources[1].hash, of_scope = b->scopes[1].hash;
    struct process_count n =
        sample_run("redaction: {allow_all_keys: true, blocked_values: [secret]}");
    CHECK_INT(n.changed, 1);
    CHECK_STR(sample_text(b->resources[1].attrs), S("service.name=s:****;a=i:1"));
    CHECK_STR(b->resources[1].service_name, S("****"));
    CHECK(b->resources[1].hash != hash && b->scopes[1].hash != of_scope);
    CHECK_STR(sample_text(b->spans.event[0].attrs), S("k=s:a ****"));
    CHECK_STR(sample_text(b->spans.event[1].attrs), S("k=i:1"));
    CHECK_STR(sample_text(b->spans.link[0].attrs), S("k=s:****"));
    CHECK_STR(sample_text(b->scopes[1].attrs), S("k=s:****"));
}

TEST(redaction_masks_bodies_of_logs)
{
    struct telemetry_batch *b = sample_begin(SIGNAL_LOGS);
    sample_log("a secret line", "");
    sample_log("{\"k\":\"secret\"}", "");
    sample_log("fine", "");
    struct process_count n =
        sample_run("redaction: {allow_all_keys: true, blocked_values: [secret]}");
    CHECK_INT(n.changed, 2);
    CHECK_STR(b->logs.body[0].text, S("a **** line"));
    CHECK_STR(b->logs.body[1].text, S("{\"k\":\"****\"}"));
    CHECK_INT(b->logs.body[1].type, ATTR_STRING);
    CHECK_STR(b->logs.body[2].text, S("fine"));
}

TEST(redaction_of_points_reaches_exemplars_and_changes_the_series)
{
    struct telemetry_batch *b = sample_begin(SIGNAL_METRICS);
    sample_point("m", 1, "user=secret1");
    sample_point("m", 1, "user=secret2");
    sample_point("m", 1, "");
    sample_exemplar(2, "k=secret3");
    struct process_count n =
        sample_run("redaction: {allow_all_keys: true, blocked_values: ['secret\\d']}");
    CHECK_INT(n.changed, 3);
    CHECK(b->metrics.series_id[0] == b->metrics.series_id[1]);
    CHECK(b->metrics.series_id[0] != b->metrics.series_id[2]);
    CHECK_STR(sample_text(b->metrics.exemplar[0].attrs), S("k=s:****"));
}

TEST(redaction_refuses_what_it_does_not_have)
{
    CHECK_STR(sample_refusal(SIGNAL_LOGS, "redaction: {blocked_keys: [a]}"),
              S("test:1:13: redaction.blocked_keys: no such option; did you mean "
                "\"allowed_keys\"?"));
    CHECK_STR(sample_refusal(SIGNAL_LOGS, "redaction: {url_sanitizer: {enabled: true}}"),
              S("test:1:13: redaction.url_sanitizer: no such option here"));
    CHECK_STR(sample_refusal(SIGNAL_LOGS, "redaction: {hash_function: crc}"),
              S("test:1:28: redaction.hash_function: \"crc\" is not one of md5|sha1|sha3"));
    CHECK(sample_refusal(SIGNAL_LOGS, "redaction: {blocked_values: ['(']}").len);
    sample_end();
}
