#include <stdio.h>

#include "ingest/process/sample_test.h"
#include "testing/test.h"

/* One span with these attributes through one action. */
static str after(const char *attrs, const char *action)
{
    char yaml[512];
    snprintf(yaml, sizeof yaml, "attributes: {actions: [{%s}]}", action);
    sample_begin(SIGNAL_TRACES);
    sample_span("s", attrs);
    (void)sample_run(yaml);
    return sample_row(0);
}

TEST(attributes_insert_adds_where_the_key_is_not_there)
{
    CHECK_STR(after("a=1", "action: insert, key: b, value: x"), S("a=i:1;b=s:x"));
    CHECK_STR(after("b=1", "action: insert, key: b, value: x"), S("b=i:1"));
}

TEST(attributes_update_changes_where_the_key_is_there)
{
    CHECK_STR(after("a=1", "action: update, key: a, value: 2"), S("a=i:2"));
    CHECK_STR(after("a=1", "action: update, key: b, value: 2"), S("a=i:1"));
}

TEST(attributes_upsert_does_both)
{
    CHECK_STR(after("a=1", "action: upsert, key: a, value: 2"), S("a=i:2"));
    CHECK_STR(after("a=1", "action: upsert, key: b, value: 2"), S("a=i:1;b=i:2"));
}

TEST(attributes_value_has_the_type_its_text_has)
{
    CHECK_STR(after("", "action: insert, key: k, value: 1.5"), S("k=d:1.5"));
    CHECK_STR(after("", "action: insert, key: k, value: true"), S("k=b:true"));
    CHECK_STR(after("", "action: insert, key: k, value: \"12\""), S("k=s:12"));
    CHECK_STR(after("", "action: insert, key: k, value: -3"), S("k=i:-3"));
    CHECK_STR(after("", "action: insert, key: k, value: infinite"), S("k=s:infinite"));
}

TEST(attributes_from_attribute_copies_and_does_nothing_without_it)
{
    CHECK_STR(after("a=1.5", "action: insert, key: b, from_attribute: a"), S("a=d:1.5;b=d:1.5"));
    CHECK_STR(after("a=1", "action: insert, key: b, from_attribute: c"), S("a=i:1"));
}

TEST(attributes_default_value_stands_in_for_a_missing_source)
{
    CHECK_STR(after("a=1", "action: insert, key: b, from_attribute: c, default_value: x"),
              S("a=i:1;b=s:x"));
    CHECK_STR(after("c=2", "action: insert, key: b, from_attribute: c, default_value: x"),
              S("c=i:2;b=i:2"));
}

TEST(attributes_delete_takes_a_key_and_keys_by_pattern)
{
    CHECK_STR(after("a=1;b=2;c=3", "action: delete, key: b"), S("a=i:1;c=i:3"));
    CHECK_STR(after("http.a=1;b=2;http.c=3", "action: delete, pattern: ^http"), S("b=i:2"));
    CHECK_STR(after("http.a=1;b=2;c=3", "action: delete, key: c, pattern: ^http"), S("b=i:2"));
}

TEST(attributes_hash_is_sha256_of_the_value)
{
    CHECK_STR(after("a=abc", "action: hash, key: a"),
              S("a=s:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    /* eight bytes, little-endian; one byte; the bits of a double */
    CHECK_STR(after("a=1", "action: hash, key: a"),
              S("a=s:7c9fa136d4413fa6173637e883b6998d32e1d675f88cddff9dcbcf331820f4b8"));
    CHECK_STR(after("a=true", "action: hash, key: a"),
              S("a=s:4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"));
    CHECK_STR(after("a=", "action: hash, key: a"), S("a=s:"));
    CHECK_STR(after("user.a=abc;b=1", "action: hash, pattern: ^user"),
              S("user.a=s:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad;b=i:1"));
}

TEST(attributes_extract_puts_named_groups_of_a_text)
{
    CHECK_STR(sample_refusal(SIGNAL_TRACES,
                             "attributes: {actions: [{action: extract, key: u, pattern: (a)}]}"),
              S("test:1:59: attributes.actions[0].pattern: group 1 has no name: (?P<name>...)"));
    const char *named = "action: extract, key: url, "
                        "pattern: \"^(?P<scheme>.*)://(?P<host>[^/]+)/?(?P<path>x)?\"";
    CHECK_STR(after("url=http://h/x;host=old", named),
              S("url=s:http://h/x;host=s:h;scheme=s:http;path=s:x"));
    CHECK_STR(after("url=http://h", named), S("url=s:http://h;scheme=s:http;host=s:h;path=s:"));
    CHECK_STR(after("url=nothing", named), S("url=s:nothing"));
    CHECK_STR(after("url=5", named), S("url=i:5"));
}

TEST(attributes_convert_changes_the_type_or_nothing)
{
    CHECK_STR(after("a=12", "action: convert, key: a, converted_type: string"), S("a=s:12"));
    CHECK_STR(after("a=1.9", "action: convert, key: a, converted_type: int"), S("a=i:1"));
    CHECK_STR(after("a=true", "action: convert, key: a, converted_type: int"), S("a=i:1"));
    CHECK_STR(after("a=true", "action: convert, key: a, converted_type: double"), S("a=d:1"));
    CHECK_STR(after("a=x1", "action: convert, key: a, converted_type: int"), S("a=s:x1"));
    CHECK_STR(after("a=0", "action: convert, key: a, converted_type: bool"), S("a=b:false"));
    CHECK_STR(after("a=[1,2]", "action: convert, key: a, converted_type: string"), S("a=s:[1,2]"));
    CHECK_STR(after("a=[1,2]", "action: convert, key: a, converted_type: int"), S("a=a:[1,2]"));
    sample_begin(SIGNAL_TRACES);
    sample_span("s", "a=");
    sample_run("attributes: {actions: [{action: upsert, key: a, value: \"200\"},"
               " {action: convert, key: a, converted_type: int}]}");
    CHECK_STR(sample_row(0), S("a=i:200"));
}

TEST(attributes_actions_happen_in_their_order)
{
    sample_begin(SIGNAL_LOGS);
    sample_log("l", "a=1");
    struct process_count n =
        sample_run("attributes: {actions: [{action: insert, key: b, from_attribute: a},"
                   " {action: delete, key: a}, {action: insert, key: c, from_attribute: a}]}");
    CHECK_STR(sample_row(0), S("b=i:1"));
    CHECK_INT(n.seen, 1);
    CHECK_INT(n.changed, 1);
}

TEST(attributes_count_as_changed_only_what_differs)
{
    sample_begin(SIGNAL_TRACES);
    sample_span("same", "a=1");
    sample_span("other", "a=2");
    sample_span("none", "");
    struct process_count n =
        sample_run("attributes: {actions: [{action: upsert, key: a, value: 1}]}");
    CHECK_INT(n.seen, 3);
    CHECK_INT(n.changed, 2);
    CHECK_INT(n.dropped, 0);
}

TEST(attributes_of_a_shared_run_change_for_one_row_only)
{
    struct telemetry_batch *b = sample_begin(SIGNAL_TRACES);
    sample_span("a", "k=1");
    sample_span("b", "");
    b->spans.attrs[1] = b->spans.attrs[0];
    (void)sample_run("attributes: {include: {match_type: strict, span_names: [a]},"
                     " actions: [{action: update, key: k, value: 2}]}");
    CHECK_STR(sample_row(0), S("k=i:2"));
    CHECK_STR(sample_row(1), S("k=i:1"));
}

TEST(attributes_of_points_change_their_series)
{
    struct telemetry_batch *b = sample_begin(SIGNAL_METRICS);
    sample_point("m", 1, "pod=a;k=1");
    sample_point("m", 1, "pod=b;k=1");
    sample_run("attributes: {actions: [{action: upsert, key: k, value: 2}]}");
    CHECK(b->metrics.series_id[0] != b->metrics.series_id[1]);
    sample_run("attributes: {actions: [{action: delete, key: pod}]}");
    CHECK(b->metrics.series_id[0] == b->metrics.series_id[1]);
}

static str refused(const char *action)
{
    static char yaml[512];
    snprintf(yaml, sizeof yaml, "attributes: {actions: [{%s}]}", action);
    str why = sample_refusal(SIGNAL_TRACES, yaml);
    const char *path = strstr(why.ptr, ": attributes"); /* without the place */
    return path ? str_of(path + 2) : why;
}

TEST(attributes_say_what_is_wrong_with_an_action)
{
    CHECK_STR(refused("key: a"), S("attributes.actions[0]: action is needed: one of "
                                   "insert|update|upsert|delete|hash|extract|convert"));
    CHECK_STR(refused("action: insert, value: 1"), S("attributes.actions[0]: key is needed"));
    CHECK_STR(refused("action: delete"), S("attributes.actions[0]: key is needed, or pattern"));
    CHECK_STR(refused("action: insert, key: a"),
              S("attributes.actions[0]: value, from_attribute or default_value is needed"));
    CHECK_STR(refused("action: insert, key: a, value: 1, from_attribute: b"),
              S("attributes.actions[0]: value or from_attribute, not both"));
    CHECK_STR(refused("action: insert, key: a, from_context: client.address"),
              S("attributes.actions[0].from_context: not available: what a request came with is "
                "not kept for a replay"));
    CHECK_STR(refused("action: delete, key: a, value: 1"),
              S("attributes.actions[0].value: this action has no such option"));
    CHECK_STR(refused("action: delete, kee: a"),
              S("attributes.actions[0].kee: no such option; did you mean \"key\"?"));
    CHECK_STR(refused("action: extract, key: a"), S("attributes.actions[0]: pattern is needed"));
    CHECK_STR(refused("action: convert, key: a"),
              S("attributes.actions[0]: converted_type is needed: one of int|double|string|bool"));
    CHECK(strstr(refused("action: delete, pattern: \"a(\"").ptr, "pattern: error parsing regexp"));
}
