#include "ingest/process/sample_test.h"
#include "testing/test.h"

TEST(process_knows_old_and_new_names_of_its_types)
{
    CHECK(process_is_type(S("attributes")) && process_is_type(S("resource")));
    CHECK(process_is_type(S("filter")) && process_is_type(S("probabilistic_sampler")));
    CHECK(process_is_type(S("redaction")));
    CHECK(process_is_type(S("resourcedetection")) && process_is_type(S("resource_detection")));
    CHECK(!process_is_type(S("batch")) && !process_is_type(S("attributes/2")));
}

TEST(process_runs_processors_in_their_order_and_counts_each)
{
    struct telemetry_batch *b = sample_begin(SIGNAL_TRACES);
    sample_span("a", "k=1");
    sample_span("b", "k=2");
    sample_run("attributes/1: {actions: [{action: upsert, key: k, value: 2}]}\n"
               "filter: {traces: {span: ['attributes[\"k\"] == 1']}}");
    CHECK_STR(sample_names(), S("a b"));
    struct process_count n =
        sample_run("filter: {traces: {span: ['name == \"a\"']}}\n"
                   "attributes/2: {actions: [{action: update, key: k, value: 3}]}");
    CHECK_INT(n.seen, 1);
    CHECK_INT(n.changed, 1);
    CHECK_STR(sample_names(), S("b"));
    CHECK_INT(b->dropped[DROP_FILTERED], 1);
}

TEST(process_names_its_processors_as_they_were_configured)
{
    struct process_spec specs[] = {{S("redaction/x"), NULL, NULL}, {S("redaction"), NULL, NULL}};
    struct process_chain *c;
    struct err err;
    CHECK(process_chain_new(SIGNAL_LOGS, specs, 2, &c, &err) == ST_OK);
    CHECK_INT(process_chain_length(c), 2);
    CHECK_STR(process_chain_name(c, 0), S("redaction/x"));
    process_chain_free(c);
    process_chain_free(NULL);
}

TEST(process_says_what_type_may_have_been_meant)
{
    CHECK_STR(sample_refusal(SIGNAL_LOGS, "attribute/1: {}"),
              S("processor attribute/1: no such type; did you mean \"attributes\"?"));
    CHECK_STR(sample_refusal(SIGNAL_LOGS, "xyz: {}"), S("processor xyz: no such type"));
    struct process_spec spec = {S("filter"), NULL, NULL};
    struct process_chain *c;
    struct err err;
    CHECK(process_chain_new(SIGNAL_LOGS, &spec, 1, &c, &err) == ST_INVALID);
    CHECK_STR(str_of(err.msg), S("processor filter: no condition is given"));
}

TEST(process_of_an_empty_chain_or_batch_changes_nothing)
{
    struct process_chain *c;
    struct err err;
    for (int signal = 0; signal < SIGNAL_COUNT; signal++) {
        struct telemetry_batch *b = sample_begin((enum signal_kind)signal);
        (void)sample_run("attributes: {actions: [{action: insert, key: k, value: 2}]}\n"
                         "redaction: {}\n"
                         "filter: {traces: {span: ['true']}}");
        CHECK_INT(telemetry_batch_rows(b), 0);
        CHECK(process_chain_new((enum signal_kind)signal, NULL, 0, &c, &err) == ST_OK);
        process_run(c, b, NULL);
        process_chain_free(c);
    }
    sample_end();
}

TEST(process_gives_the_same_for_the_same_batch)
{
    const char *yaml = "attributes: {actions: [{action: hash, pattern: .}]}\n"
                       "probabilistic_sampler: {sampling_percentage: 30}";
    str first = S("");
    char copy[8192];
    for (int turn = 0; turn < 2; turn++) {
        sample_begin(SIGNAL_TRACES);
        for (int i = 0; i < 100; i++) sample_span("s", "a=1;b=x");
        (void)sample_run(yaml);
        str row = sample_row(0);
        if (turn == 0) {
            memcpy(copy, row.ptr, row.len);
            first = (str){copy, row.len};
        } else {
            CHECK_STR(row, first);
        }
    }
    sample_end();
}
