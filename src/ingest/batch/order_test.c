/* block_order against a plain qsort over what the tables' keys say. */
#include <stdlib.h>

#include "base/hash.h"
#include "ingest/batch/batch.h"
#include "testing/test.h"

static struct arena arena;
static struct telemetry_block *block;
static struct batch_partitioning parts = {.traces_seconds = 3600, .max_partitions = 4};
static uint64_t state;

static uint64_t any(uint64_t below)
{
    state = hash_mix(state, 1);
    return state % below;
}

static void begin(enum signal_kind signal, size_t batches)
{
    state = 42;
    arena_done(&arena);
    arena_init(&arena, 1 << 28);
    block = arena_new(&arena, struct telemetry_block);
    block->signal = signal;
    block->n = batches;
    block->batches = arena_array(&arena, struct telemetry_batch *, batches);
    for (size_t i = 0; i < batches; i++) {
        block->batches[i] = arena_new(&arena, struct telemetry_batch);
        block->batches[i]->signal = signal;
    }
}

#define COLUMN_OF(c, n) (c = arena_alloc(&arena, (n) * sizeof *(c) + 1, 8))

/* Trace ids come in flavours that hurt: random, one shared first half, all equal. */
static void fill_spans(uint32_t rows, uint64_t first, uint64_t spread)
{
    for (size_t b = 0; b < block->n; b++) {
        struct span_columns *c = &block->batches[b]->spans;
        c->n = rows;
        COLUMN_OF(c->trace_id, rows);
        COLUMN_OF(c->span_id, rows);
        COLUMN_OF(c->start_time, rows);
        for (uint32_t i = 0; i < rows; i++) {
            uint64_t flavour = any(3), id[2] = {7, 9}, span = any(20);
            if (flavour == 0) id[0] = any(1u << 31) << 33 | any(1000);
            if (flavour <= 1) id[1] = any(50);
            memcpy(c->trace_id[i], id, 16);
            memcpy(c->span_id[i], &span, 8);
            c->start_time[i] = first + any(spread);
        }
        block->rows += rows;
    }
}

static void fill_logs(uint32_t rows, uint64_t first, uint64_t spread)
{
    static const str services[] = {S("cart"), S("car"), S(""), S("zoo"), S("b")};
    for (size_t b = 0; b < block->n; b++) {
        struct telemetry_batch *batch = block->batches[b];
        struct log_columns *c = &batch->logs;
        batch->n_resources = 2;
        batch->resources = arena_array(&arena, struct resource, 2);
        for (int i = 0; i < 2; i++)
            batch->resources[i] = (struct resource){.service_name = services[any(5)]};
        c->n = rows;
        COLUMN_OF(c->time, rows);
        COLUMN_OF(c->severity_number, rows);
        COLUMN_OF(c->resource, rows);
        for (uint32_t i = 0; i < rows; i++) {
            c->time[i] = first + any(spread);
            c->severity_number[i] = (uint8_t)any(24);
            c->resource[i] = (uint32_t)any(2);
        }
        block->rows += rows;
    }
}

static void fill_points(uint32_t rows, uint64_t first, uint64_t spread)
{
    static const str names[] = {S("up"), S("http.requests"), S("http"), S("zz"), S("a")};
    for (size_t b = 0; b < block->n; b++) {
        struct metric_columns *c = &block->batches[b]->metrics;
        c->n_descs = 3;
        c->descs = arena_array(&arena, struct metric_desc, 3);
        for (int i = 0; i < 3; i++) c->descs[i] = (struct metric_desc){.name = names[any(5)]};
        c->n = rows;
        COLUMN_OF(c->time, rows);
        COLUMN_OF(c->series_id, rows);
        COLUMN_OF(c->desc, rows);
        for (uint32_t i = 0; i < rows; i++) {
            c->time[i] = first + any(spread) / 1000 * 1000;
            c->series_id[i] = any(2) ? any(6) : any(UINT64_MAX);
            c->desc[i] = (uint32_t)any(3);
        }
        block->rows += rows;
    }
}

static int cmp_u64(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

static uint64_t partition_of(struct row_ref r)
{
    const struct telemetry_batch *b = block->batches[r.batch];
    switch (b->signal) {
    case SIGNAL_TRACES:
        return b->spans.start_time[r.row] / (parts.traces_seconds * (uint64_t)NANOS_S);
    case SIGNAL_LOGS: return b->logs.time[r.row] / (uint64_t)NANOS_DAY;
    default: return b->metrics.time[r.row] / (uint64_t)NANOS_DAY;
    }
}

static int by_key(struct row_ref x, struct row_ref y)
{
    const struct telemetry_batch *p = block->batches[x.batch], *q = block->batches[y.batch];
    int c = cmp_u64(partition_of(x), partition_of(y));
    if (c) return c;
    if (block->signal == SIGNAL_TRACES) {
        c = memcmp(p->spans.trace_id[x.row], q->spans.trace_id[y.row], 16);
        if (!c) c = memcmp(p->spans.span_id[x.row], q->spans.span_id[y.row], 8);
        return c ? c : cmp_u64(p->spans.start_time[x.row], q->spans.start_time[y.row]);
    }
    if (block->signal == SIGNAL_LOGS) {
        const uint64_t five = 300 * (uint64_t)NANOS_S;
        const struct log_columns *a = &p->logs, *b = &q->logs;
        c = cmp_u64(a->time[x.row] / five, b->time[y.row] / five);
        if (!c) c = cmp_u64(a->severity_number[x.row], b->severity_number[y.row]);
        if (!c)
            c = str_compare(p->resources[a->resource[x.row]].service_name,
                            q->resources[b->resource[y.row]].service_name);
        return c ? c : cmp_u64(a->time[x.row], b->time[y.row]);
    }
    const struct metric_columns *a = &p->metrics, *b = &q->metrics;
    c = cmp_u64(a->time[x.row] / (uint64_t)NANOS_HOUR, b->time[y.row] / (uint64_t)NANOS_HOUR);
    if (!c) c = str_compare(a->descs[a->desc[x.row]].name, b->descs[b->desc[y.row]].name);
    if (!c) c = cmp_u64(a->series_id[x.row], b->series_id[y.row]);
    return c ? c : cmp_u64(a->time[x.row], b->time[y.row]);
}

static int oracle_cmp(const void *a, const void *b)
{
    struct row_ref x = *(const struct row_ref *)a, y = *(const struct row_ref *)b;
    int c = by_key(x, y);
    if (!c) c = cmp_u64(x.batch, y.batch);
    return c ? c : cmp_u64(x.row, y.row);
}

static void check_groups(const struct block_order *o)
{
    size_t at = 0;
    for (size_t g = 0; g < o->n_groups; g++) {
        CHECK_INT(o->groups[g].at, at);
        CHECK(o->groups[g].n > 0);
        uint32_t distinct = 1;
        for (size_t i = at + 1; i < at + o->groups[g].n; i++)
            distinct += partition_of(o->rows[i]) != partition_of(o->rows[i - 1]);
        CHECK_INT(o->groups[g].partitions, distinct);
        CHECK(distinct <= parts.max_partitions);
        at += o->groups[g].n;
    }
    CHECK_INT(at, o->n_rows);
}

static void check_against_qsort(void)
{
    struct block_order o;
    block_order(&arena, block, &parts, &o);
    CHECK_INT(o.n_rows, block->rows);
    struct row_ref *want = arena_array(&arena, struct row_ref, o.n_rows);
    size_t at = 0;
    for (uint32_t b = 0; b < block->n; b++)
        for (uint32_t r = 0; r < telemetry_batch_rows(block->batches[b]); r++)
            want[at++] = (struct row_ref){b, r};
    if (o.n_rows) qsort(want, o.n_rows, sizeof *want, oracle_cmp);
    for (size_t i = 0; i < o.n_rows; i++) {
        CHECK_INT(o.rows[i].batch, want[i].batch);
        CHECK_INT(o.rows[i].row, want[i].row);
    }
    check_groups(&o);
}

static const uint64_t first = 1'700'000'000ull * (uint64_t)NANOS_S;

TEST(spans_are_in_the_order_of_a_plain_sort)
{
    static const uint64_t spreads[] = {1, 50, 3 * (uint64_t)NANOS_HOUR, 40 * (uint64_t)NANOS_DAY};
    for (size_t s = 0; s < 4; s++)
        for (uint32_t rows = 0; rows < 2000; rows = rows * 3 + 1) {
            begin(SIGNAL_TRACES, 5);
            fill_spans(rows, first, spreads[s]);
            check_against_qsort();
        }
}

TEST(logs_are_in_the_order_of_a_plain_sort)
{
    for (uint32_t rows = 0; rows < 2000; rows = rows * 3 + 1) {
        begin(SIGNAL_LOGS, 7);
        fill_logs(rows, first, 9 * (uint64_t)NANOS_DAY);
        check_against_qsort();
        begin(SIGNAL_LOGS, 7);
        fill_logs(rows, 0, 600 * (uint64_t)NANOS_S);
        check_against_qsort();
    }
}

TEST(points_are_in_the_order_of_a_plain_sort)
{
    for (uint32_t rows = 0; rows < 2000; rows = rows * 3 + 1) {
        begin(SIGNAL_METRICS, 7);
        fill_points(rows, first, 9 * (uint64_t)NANOS_DAY);
        check_against_qsort();
        begin(SIGNAL_METRICS, 7);
        fill_points(rows, first, 20 * (uint64_t)NANOS_S);
        check_against_qsort();
    }
}

TEST(an_insert_has_at_most_the_partitions_allowed)
{
    begin(SIGNAL_TRACES, 1);
    fill_spans(1000, first, 10 * (uint64_t)NANOS_HOUR);
    struct block_order o;
    block_order(&arena, block, &parts, &o);
    CHECK_INT(o.n_groups, 3);
    CHECK_INT(o.groups[0].partitions, 4);
    parts.traces_seconds = 86400;
    block_order(&arena, block, &parts, &o);
    CHECK_INT(o.n_groups, 1);
    parts.traces_seconds = 3600;
}

TEST(a_block_without_rows_has_no_groups)
{
    begin(SIGNAL_METRICS, 2);
    struct block_order o;
    block_order(&arena, block, &parts, &o);
    CHECK_INT(o.n_rows, 0);
    CHECK_INT(o.n_groups, 0);
}
