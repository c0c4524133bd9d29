#include "model/red.h"

#include <math.h>
#include <stdio.h>

#include "base/hash.h"
#include "testing/test.h"

enum { SPANS = 400, SERVICES = 3 };

static struct arena arena;

static void begin(void)
{
    arena_done(&arena);
    arena_init(&arena, 1 << 28);
}

static str text(const char *prefix, uint64_t n)
{
    char out[40];
    int len = snprintf(out, sizeof out, "%s%llu", prefix, (unsigned long long)n);
    return arena_str(&arena, (str){out, (size_t)len});
}

/* Spans of all kinds, durations and times; some were sampled before they came. */
static struct telemetry_batch *sample(uint64_t seed, uint32_t n)
{
    struct telemetry_batch *b = arena_new(&arena, struct telemetry_batch);
    struct span_columns *c = &b->spans;
    b->arena = &arena;
    b->n_resources = SERVICES;
    b->resources = arena_array(&arena, struct resource, SERVICES);
    for (uint32_t i = 0; i < SERVICES; i++)
        b->resources[i] = (struct resource){.service_name = text("service", i / 2)};
    c->n = n;
    c->start_time = arena_array(&arena, uint64_t, n);
    c->end_time = arena_array(&arena, uint64_t, n);
    c->resource = arena_array(&arena, uint32_t, n);
    c->name = arena_array(&arena, str, n);
    c->kind = arena_array(&arena, uint8_t, n);
    c->status_code = arena_array(&arena, uint8_t, n);
    c->adjusted_count = arena_array(&arena, double, n);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t r = hash_mix(seed, i);
        c->start_time[i] = (1'700'000'000 + r % 900) * (uint64_t)NANOS_S;
        c->end_time[i] = c->start_time[i] + hash_mix(r, 1) % (1ull << (r % 40));
        c->resource[i] = (uint32_t)(hash_mix(r, 2) % SERVICES);
        c->name[i] = text("GET /", hash_mix(r, 3) % 5);
        c->kind[i] = (uint8_t)(hash_mix(r, 4) % 3);
        c->status_code[i] = (uint8_t)(hash_mix(r, 5) % 3);
        c->adjusted_count[i] = hash_mix(r, 6) % 4 ? 1 : 2.5;
    }
    return b;
}

static bool is_of(const struct red_row *r, const struct telemetry_batch *b, uint32_t i)
{
    const struct span_columns *c = &b->spans;
    return r->time == c->start_time[i] / (uint64_t)NANOS_S / 300 * 300 && r->kind == c->kind[i] &&
           str_eq(r->span_name, c->name[i]) &&
           str_eq(r->service_name, b->resources[c->resource[i]].service_name);
}

static unsigned plain_bucket(uint64_t ns)
{
    return ns < 2 ? 0 : (unsigned)floorl(log2l((long double)ns) * 8);
}

/* The row by one look at every span. */
static void check_row(const struct red_row *r, struct telemetry_batch *const *batches, size_t n)
{
    double count = 0, errors = 0, sum = 0, bucket[512] = {0};
    uint64_t max = 0;
    for (size_t k = 0; k < n; k++)
        for (uint32_t i = 0; i < batches[k]->spans.n; i++) {
            const struct span_columns *c = &batches[k]->spans;
            if (!is_of(r, batches[k], i)) continue;
            uint64_t ns = c->end_time[i] - c->start_time[i];
            count += c->adjusted_count[i];
            if (c->status_code[i] == 2) errors += c->adjusted_count[i];
            sum += c->adjusted_count[i] * (double)ns;
            if (ns > max) max = ns;
            bucket[plain_bucket(ns)] += c->adjusted_count[i];
        }
    CHECK_NEAR(r->count, count, 0);
    CHECK_NEAR(r->errors, errors, 0);
    CHECK_NEAR(r->duration_sum, sum, sum * 1e-12);
    CHECK_INT(r->duration_max, max);
    uint32_t at = 0;
    for (unsigned i = 0; i < 512; i++) {
        if (bucket[i] == 0) continue;
        CHECK(at < r->n_buckets);
        CHECK_INT(r->buckets[at].index, i);
        CHECK_NEAR(r->buckets[at++].count, bucket[i], 0);
    }
    CHECK_INT(at, r->n_buckets);
}

static double total(const struct red_rows *rows)
{
    double n = 0;
    for (uint32_t i = 0; i < rows->n; i++) n += rows->rows[i].count;
    return n;
}

static double total_of(const struct telemetry_batch *b)
{
    double n = 0;
    for (uint32_t i = 0; i < b->spans.n; i++) n += b->spans.adjusted_count[i];
    return n;
}

TEST(red_bucket_is_the_eighth_of_an_octave)
{
    CHECK_INT(red_bucket_of(0), 0);
    CHECK_INT(red_bucket_of(1), 0);
    CHECK_INT(red_bucket_of(2), 8);
    CHECK_INT(red_bucket_of(INT64_MAX), 503);
    for (unsigned e = 1; e < 63; e++) CHECK_INT(red_bucket_of(1ull << e), e * 8);
    for (uint64_t ns = 2; ns < 100'000; ns++) CHECK_INT(red_bucket_of(ns), plain_bucket(ns));
    for (uint64_t i = 0; i < 100'000; i++) {
        uint64_t ns = hash_mix(i, 1) >> (16 + i % 47); /* exact to a long double's log2 */
        CHECK_INT(red_bucket_of(ns), plain_bucket(ns));
    }
}

TEST(red_rows_say_what_the_spans_say)
{
    begin();
    struct telemetry_batch *b = sample(1, SPANS);
    struct red_rows *red = red_take(&arena, b);
    CHECK(red->n > 30);
    for (uint32_t i = 0; i < red->n; i++) check_row(&red->rows[i], &b, 1);
    CHECK_NEAR(total(red), total_of(b), 0);
}

TEST(red_rows_are_sorted_and_each_key_is_there_once)
{
    begin();
    struct red_rows *red = red_take(&arena, sample(2, SPANS));
    for (uint32_t i = 1; i < red->n; i++) {
        const struct red_row *p = &red->rows[i - 1], *q = &red->rows[i];
        char before[100], after[100];
        snprintf(before, sizeof before, "%u " STR_FMT " " STR_FMT " %u", p->time,
                 STR_ARG(p->service_name), STR_ARG(p->span_name), p->kind);
        snprintf(after, sizeof after, "%u " STR_FMT " " STR_FMT " %u", q->time,
                 STR_ARG(q->service_name), STR_ARG(q->span_name), q->kind);
        CHECK(strcmp(before, after) < 0);
    }
}

TEST(red_of_a_block_is_that_of_all_its_spans)
{
    begin();
    struct telemetry_batch *b[3] = {sample(3, SPANS), sample(4, 1), sample(5, SPANS)};
    struct telemetry_block block = {.n = 3, .batches = b};
    struct red_rows *red = red_of_block(&arena, &block);
    for (uint32_t i = 0; i < red->n; i++) check_row(&red->rows[i], b, 3);
    CHECK_NEAR(total(red), total_of(b[0]) + total_of(b[1]) + total_of(b[2]), 0);
}

TEST(red_taken_before_sampling_counts_instead_of_the_rows_left)
{
    begin();
    struct telemetry_batch *b[3] = {sample(6, SPANS), sample(7, SPANS), sample(8, SPANS)};
    struct telemetry_block block = {.n = 3, .batches = b};
    struct red_rows *whole = red_of_block(&arena, &block);
    b[0]->red = red_take(&arena, b[0]);
    b[2]->red = red_take(&arena, b[2]);
    b[0]->spans.n = 0;
    b[2]->spans.n = 10;
    struct red_rows *sampled = red_of_block(&arena, &block);
    CHECK_INT(sampled->n, whole->n);
    for (uint32_t i = 0; i < whole->n; i++) {
        const struct red_row *p = &whole->rows[i], *q = &sampled->rows[i];
        CHECK_STR(p->span_name, q->span_name);
        CHECK_NEAR(p->count, q->count, 0);
        CHECK_NEAR(p->errors, q->errors, 0);
        CHECK_NEAR(p->duration_sum, q->duration_sum, p->duration_sum * 1e-12);
        CHECK_INT(p->duration_max, q->duration_max);
        CHECK_INT(p->n_buckets, q->n_buckets);
    }
}

TEST(red_of_a_span_that_ends_before_it_starts_took_no_time)
{
    begin();
    struct telemetry_batch *b = sample(9, 1);
    b->spans.end_time[0] = b->spans.start_time[0] - 5;
    b->spans.status_code[0] = 2;
    b->spans.adjusted_count[0] = 10;
    struct red_rows *red = red_take(&arena, b);
    CHECK_INT(red->n, 1);
    CHECK_NEAR(red->rows[0].duration_sum, 0, 0);
    CHECK_NEAR(red->rows[0].errors, 10, 0);
    CHECK_INT(red->rows[0].n_buckets, 1);
    CHECK_INT(red->rows[0].buckets[0].index, 0);
    CHECK_NEAR(red->rows[0].buckets[0].count, 10, 0);
}

TEST(red_of_nothing_is_no_rows)
{
    begin();
    struct telemetry_block block = {0};
    CHECK_INT(red_take(&arena, sample(1, 0))->n, 0);
    CHECK_INT(red_of_block(&arena, &block)->n, 0);
}

TEST(red_time_ends_with_its_column)
{
    begin();
    struct telemetry_batch *b = sample(1, 1);
    b->spans.start_time[0] = b->spans.end_time[0] = UINT64_MAX;
    CHECK_INT(red_take(&arena, b)->rows[0].time, UINT32_MAX / 300 * 300);
}
