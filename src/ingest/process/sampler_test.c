#include <stdio.h>

#include "ingest/process/sample_test.h"
#include "model/red.h"
#include "model/sampling.h"
#include "testing/test.h"

static struct telemetry_batch *b;

/* The last 56 bits of the row's trace id. */
static void randomness(uint32_t row, uint64_t r)
{
    for (int i = 0; i < 7; i++) b->spans.trace_id[row][15 - i] = (uint8_t)(r >> 8 * i);
}

static void one_span(uint64_t r, const char *trace_state, const char *attrs)
{
    b = sample_begin(SIGNAL_TRACES);
    randomness(sample_span("s", attrs), r);
    b->spans.trace_state[0] = str_of(trace_state);
}

/* The trace state of what is kept, or "dropped". */
static str sampled(const char *options)
{
    char yaml[256];
    snprintf(yaml, sizeof yaml, "probabilistic_sampler: {%s}", options);
    struct process_count n = sample_run(yaml);
    CHECK_INT(n.seen, 1);
    CHECK_INT(n.changed, 0);
    CHECK_INT(b->dropped[DROP_SAMPLED], n.dropped);
    if (n.dropped) return S("dropped");
    CHECK_NEAR(b->spans.adjusted_count[0], sampling_adjusted_count(b->spans.trace_state[0]), 0);
    return b->spans.trace_state[0];
}

TEST(sampler_keeps_a_span_when_its_randomness_is_not_below_the_threshold)
{
    one_span(0x80000000000000, "", "");
    CHECK_STR(sampled("sampling_percentage: 50"), S("ot=th:8"));
    one_span(0x7fffffffffffff, "", "");
    CHECK_STR(sampled("sampling_percentage: 50"), S("dropped"));
    one_span(0xe6660000000000, "a=1", "");
    CHECK_STR(sampled("sampling_percentage: 10"), S("ot=th:e666,a=1"));
    one_span(0xe6666000000000, "", "");
    CHECK_STR(sampled("sampling_percentage: 10, sampling_precision: 5"), S("ot=th:e6666"));
}

TEST(sampler_takes_all_or_nothing_at_the_ends)
{
    one_span(0, "", "");
    CHECK_STR(sampled("sampling_percentage: 100"), S("ot=th:0"));
    one_span(SAMPLING_ALL - 1, "", "");
    CHECK_STR(sampled("sampling_percentage: 0"), S("dropped"));
    one_span(0, "", "");
    CHECK_STR(sampled("sampling_percentage: 250"), S("ot=th:0"));
}

TEST(sampler_prefers_explicit_randomness_and_keeps_it)
{
    one_span(0, "ot=rv:9b8233f7e3a151", "");
    CHECK_STR(sampled("sampling_percentage: 50"), S("ot=th:8;rv:9b8233f7e3a151"));
    one_span(SAMPLING_ALL - 1, "ot=rv:00000000000001", "");
    CHECK_STR(sampled("sampling_percentage: 50"), S("dropped"));
}

TEST(sampler_in_proportion_multiplies_probabilities)
{
    one_span(0xf0000000000000, "ot=th:8", "");
    CHECK_STR(sampled("sampling_percentage: 50"), S("ot=th:c"));
    CHECK_NEAR(b->spans.adjusted_count[0], 4, 0);
    one_span(0xb0000000000000, "ot=th:8", "");
    CHECK_STR(sampled("sampling_percentage: 50, mode: proportional"), S("dropped"));
}

TEST(sampler_that_equalizes_raises_a_threshold_and_never_lowers_one)
{
    one_span(0xf0000000000000, "ot=th:8", "");
    CHECK_STR(sampled("sampling_percentage: 25, mode: equalizing"), S("ot=th:c"));
    one_span(0xf0000000000000, "ot=th:e", "");
    CHECK_STR(sampled("sampling_percentage: 25, mode: equalizing"), S("ot=th:e"));
    one_span(0xa0000000000000, "ot=th:8", "");
    CHECK_STR(sampled("sampling_percentage: 25, mode: equalizing"), S("dropped"));
}

TEST(sampler_ignores_a_threshold_that_contradicts_the_randomness)
{
    one_span(0x90000000000000, "ot=th:c", "");
    CHECK_STR(sampled("sampling_percentage: 50"), S("ot=th:8"));
}

TEST(sampler_follows_sampling_priority)
{
    one_span(0, "", "sampling.priority=1");
    CHECK_STR(sampled("sampling_percentage: 1"), S("ot=th:0"));
    one_span(SAMPLING_ALL - 1, "", "sampling.priority=0");
    CHECK_STR(sampled("sampling_percentage: 99"), S("dropped"));
}

TEST(sampler_is_closed_for_what_has_no_randomness_unless_told_otherwise)
{
    one_span(0, "", "");
    memset(b->spans.trace_id[0], 0, 16);
    CHECK_STR(sampled("sampling_percentage: 50"), S("dropped"));
    one_span(0, "a=1", "");
    memset(b->spans.trace_id[0], 0, 16);
    CHECK_STR(sampled("sampling_percentage: 50, fail_closed: false"), S("a=1"));
}

/* Spans of many traces: the share that is kept, and that what they stand for adds up. */
static void check_share(const char *options, double share)
{
    char yaml[256];
    snprintf(yaml, sizeof yaml, "probabilistic_sampler: {%s}", options);
    b = sample_begin(SIGNAL_TRACES);
    uint64_t r = 1;
    double stands_for = 0;
    for (uint32_t i = 0; i < SAMPLE_ROWS; i++) {
        r = r * 6364136223846793005u + 1442695040888963407u;
        randomness(sample_span("s", ""), r >> 8);
    }
    (void)sample_run(yaml);
    for (uint32_t i = 0; i < b->spans.n; i++) {
        struct sampling_state s = sampling_read(b->spans.trace_state[i]);
        CHECK(s.has_threshold && (!s.has_randomness || s.randomness >= s.threshold));
        stands_for += b->spans.adjusted_count[i];
    }
    CHECK_NEAR(b->spans.n, SAMPLE_ROWS * share, SAMPLE_ROWS * 0.03);
    CHECK_NEAR(stands_for, SAMPLE_ROWS, SAMPLE_ROWS * 0.1);
}

TEST(sampler_keeps_its_share_in_every_mode)
{
    check_share("sampling_percentage: 25", 0.25);
    check_share("sampling_percentage: 25, mode: equalizing", 0.25);
    check_share("sampling_percentage: 25, mode: hash_seed", 0.25);
    check_share("sampling_percentage: 25, hash_seed: 22", 0.25);
}

TEST(sampler_by_hash_decides_alike_for_all_spans_of_a_trace_and_differently_by_seed)
{
    uint32_t kept[2] = {0}, both = 0;
    for (uint64_t trace = 1; trace <= 64; trace++) {
        bool seeds[2];
        for (int seed = 0; seed < 2; seed++) {
            char yaml[128];
            b = sample_begin(SIGNAL_TRACES);
            for (int k = 0; k < 3; k++) {
                uint32_t row = sample_span("s", "");
                memset(b->spans.trace_id[row], 0, 16);
                randomness(row, trace);
            }
            snprintf(yaml, sizeof yaml,
                     "probabilistic_sampler: {sampling_percentage: 50, mode: hash_seed, "
                     "hash_seed: %d}",
                     seed);
            (void)sample_run(yaml);
            CHECK(b->spans.n == 0 || b->spans.n == 3);
            seeds[seed] = b->spans.n == 3;
            kept[seed] += seeds[seed];
        }
        both += seeds[0] && seeds[1];
    }
    CHECK(kept[0] > 16 && kept[1] > 16 && both < kept[0] && both < kept[1]);
}

TEST(sampler_by_hash_multiplies_with_what_was_sampled_before)
{
    b = sample_begin(SIGNAL_TRACES);
    for (uint32_t i = 0; i < 200; i++) {
        randomness(sample_span("s", ""), 0x80000000000000 + i * 12345678901ull);
        b->spans.trace_state[i] = S("ot=th:8;x:y");
    }
    (void)sample_run("probabilistic_sampler: {sampling_percentage: 50, mode: hash_seed}");
    CHECK(b->spans.n > 50 && b->spans.n < 150);
    for (uint32_t i = 0; i < b->spans.n; i++) {
        struct sampling_state s = sampling_read(b->spans.trace_state[i]);
        CHECK(s.threshold == 0xc0000000000000 && s.has_randomness && s.randomness >= s.threshold);
        CHECK_NEAR(b->spans.adjusted_count[i], 4, 0);
    }
}

TEST(sampler_of_a_lower_probability_keeps_a_part_of_what_a_higher_one_keeps)
{
    for (uint64_t i = 0; i < 64; i++) {
        uint64_t r = i * (SAMPLING_ALL / 64) + i;
        one_span(r, "", "");
        bool low = !str_eq(sampled("sampling_percentage: 10"), S("dropped"));
        one_span(r, "", "");
        bool high = !str_eq(sampled("sampling_percentage: 30"), S("dropped"));
        CHECK(high || !low);
    }
}

TEST(sampler_takes_red_rows_before_it)
{
    one_span(0, "", "");
    CHECK_STR(sampled("sampling_percentage: 50"), S("dropped"));
    CHECK(b->red && b->red->n == 1);
    CHECK_NEAR(b->red->rows[0].count, 1, 0);
    one_span(0, "", "");
    (void)sample_run("filter: {traces: {span: ['true']}}");
    CHECK(b->red == NULL);
}

static str one_log(const char *options, const char *attrs, uint64_t r)
{
    char yaml[256];
    snprintf(yaml, sizeof yaml, "probabilistic_sampler: {%s}", options);
    b = sample_begin(SIGNAL_LOGS);
    sample_log("l", attrs);
    for (int i = 0; i < 7; i++) b->logs.trace_id[0][15 - i] = (uint8_t)(r >> 8 * i);
    (void)sample_run(yaml);
    return b->logs.n ? sample_row(0) : S("dropped");
}

TEST(sampler_of_logs_goes_by_trace_id_and_writes_attributes)
{
    CHECK_STR(one_log("sampling_percentage: 50", "a=1", 0x80000000000000),
              S("a=i:1;sampling.threshold=s:8"));
    CHECK_STR(one_log("sampling_percentage: 50", "", 0x7fffffffffffff), S("dropped"));
    CHECK_STR(one_log("sampling_percentage: 50", "", 0), S("dropped")); /* no trace id */
    CHECK_STR(one_log("sampling_percentage: 50, fail_closed: false", "a=1", 0), S("a=i:1"));
}

TEST(sampler_of_logs_goes_by_an_attribute)
{
    uint32_t kept = 0;
    for (int i = 0; i < 200; i++) {
        char id[32];
        snprintf(id, sizeof id, "id=k%d", i);
        const char *options = "sampling_percentage: 50, attribute_source: record, "
                              "from_attribute: id";
        bool first = !str_eq(one_log(options, id, 1), S("dropped"));
        kept += first; /* whatever the trace id */
        CHECK(first == !str_eq(one_log(options, id, 2), S("dropped")));
    }
    CHECK(kept > 60 && kept < 140);
    /* without a trace id the attribute is used too */
    CHECK(one_log("sampling_percentage: 100, from_attribute: id", "id=x", 0).len > 4);
    CHECK_STR(
        one_log("sampling_percentage: 50, attribute_source: record, from_attribute: id", "", 1),
        S("dropped"));
}

TEST(sampler_of_logs_takes_its_probability_from_an_attribute)
{
    const char *options = "sampling_percentage: 1, sampling_priority: p";
    CHECK_STR(one_log(options, "p=100", 1), S("p=i:100;sampling.threshold=s:0"));
    CHECK_STR(one_log(options, "p=0", 0xffffffffffffff), S("dropped"));
    CHECK_STR(one_log(options, "p=50", 0x80000000000000), S("p=i:50;sampling.threshold=s:8"));
    CHECK_STR(one_log(options, "", 0x80000000000000), S("dropped"));
}

TEST(sampler_says_what_is_missing)
{
    CHECK_STR(sample_refusal(SIGNAL_TRACES, "probabilistic_sampler: {}"),
              S("test:1:1: probabilistic_sampler: sampling_percentage is needed"));
    CHECK_STR(sample_refusal(SIGNAL_METRICS, "probabilistic_sampler: {sampling_percentage: 1}"),
              S("test:1:1: probabilistic_sampler: data points cannot be sampled: for traces and "
                "logs only"));
    CHECK_STR(sample_refusal(SIGNAL_LOGS, "probabilistic_sampler: {sampling_percentage: 1, "
                                          "attribute_source: record}"),
              S("test:1:1: probabilistic_sampler: attribute_source is record: from_attribute is "
                "needed"));
    CHECK_STR(sample_refusal(SIGNAL_LOGS, "probabilistic_sampler: {sampling_percentage: 1, "
                                          "sampling_precision: 15}"),
              S("test:1:69: probabilistic_sampler.sampling_precision: 15 is not between 1 and 14"));
    sample_end();
}
