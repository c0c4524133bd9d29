/* Filters are bit for bit what the plain way makes of the same rows: each attribute hashed as it
 * is, each piece of a line set on its own. */
#include <stdlib.h>

#include "base/hash.h"
#include "ingest/encode/encode.h"
#include "ingest/encode/filter_bits.h"
#include "ingest/encode/sample_test.h"
#include "native/reader.h"
#include "testing/test.h"

static struct arena arena;
static uint64_t state;

static uint64_t any(uint64_t below)
{
    state = hash_mix(state, 7);
    return state % below;
}

static void begin(uint64_t seed)
{
    arena_done(&arena);
    arena_init(&arena, (size_t)1 << 31);
    state = seed;
}

/* ---- the plain way */

struct run {
    uint64_t first_time, last_time;
    const uint8_t *first_id, *last_id;
    size_t rows;
    uint32_t *pairs;
    size_t n;
};

static void add(struct run *run, const struct telemetry_batch *b, struct attr_range range)
{
    for (uint32_t i = 0; i < range.n; i++) {
        const struct attr *x = &b->attrs[range.at + i];
        run->pairs[run->n++] = filter_pair(x->key, attr_stored_text(&arena, &x->value));
    }
}

static void add_span(struct run *run, const struct telemetry_batch *b, uint32_t row)
{
    const struct span_columns *c = &b->spans;
    add(run, b, c->attrs[row]);
    add(run, b, b->resources[c->resource[row]].attrs);
    add(run, b, b->scopes[c->scope[row]].attrs);
    for (uint32_t i = 0; i < c->events[row].n; i++)
        add(run, b, c->event[c->events[row].at + i].attrs);
    for (uint32_t i = 0; i < c->links[row].n; i++) add(run, b, c->link[c->links[row].at + i].attrs);
}

static int cmp_pair(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static str plain_of_pairs(const uint32_t *pairs, size_t n)
{
    uint32_t *sorted = memcpy(arena_array(&arena, uint32_t, n + 1), pairs, n * sizeof *pairs);
    qsort(sorted, n, sizeof *sorted, cmp_pair);
    size_t once = 0;
    for (size_t i = 0; i < n; i++) once += i == 0 || sorted[i] != sorted[i - 1];
    size_t bytes = (once * 14 + 63) / 64 * 8;
    if (bytes == 0) bytes = 8;
    uint8_t *bits = memset(arena_alloc(&arena, bytes, 8), 0, bytes);
    for (size_t i = 0; i < n; i++)
        for (unsigned k = 0; k < FILTER_PAIR_HASHES; k++)
            filter_set(bits, bytes * 8, filter_pair_hash(sorted[i], k));
    return (str){(char *)bits, bytes};
}

static size_t plain_bits(uint8_t *bits, size_t size, const str *lines, size_t n)
{
    size_t set = 0;
    memset(bits, 0, size / 8);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k + FILTER_GRAM <= lines[i].len; k++)
            filter_set(bits, size, filter_gram_hash(lines[i].ptr + k));
    for (size_t i = 0; i < size / 8; i++) set += (size_t)__builtin_popcount(bits[i]);
    return set;
}

static str plain_of_lines(const str *lines, size_t n)
{
    size_t bytes = 0, size = 64;
    for (size_t i = 0; i < n; i++) bytes += lines[i].len;
    while (size < 1 << 20 && size < bytes * 4) size *= 2;
    uint8_t *bits = arena_alloc(&arena, size / 8, 8);
    while (plain_bits(bits, size, lines, n) <= size / 8 || size > FILTER_LINES_BITS) {
        if (size == 64) break;
        size /= 2;
    }
    return (str){(char *)bits, size / 8};
}

/* ---- spans */

static uint64_t day_of(uint64_t time) { return time / 86'400'000'000'000u; }

static const struct telemetry_block *block;

static int by_trace(const void *a, const void *b)
{
    const struct row_ref *x = a, *y = b;
    const struct telemetry_batch *p = block->batches[x->batch], *q = block->batches[y->batch];
    return memcmp(p->spans.trace_id[x->row], q->spans.trace_id[y->row], 16);
}

enum { MOST_RUNS = 64 };

/* The runs of one insert. */
static size_t plain_runs(const struct encode_rows *rows, struct run *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < rows->n; i++) {
        const struct telemetry_batch *b = block->batches[rows->rows[i].batch];
        uint32_t row = rows->rows[i].row;
        uint64_t time = b->spans.start_time[row];
        const uint8_t *id = b->spans.trace_id[row];
        struct run *run = n ? &ret[n - 1] : NULL;
        if (!run || run->rows == 8192 || memcmp(id, run->last_id, 16) < 0 ||
            day_of(time) != day_of(run->first_time)) {
            CHECK(n < MOST_RUNS);
            run = &ret[n++];
            *run = (struct run){time, time, id, id, 0, arena_array(&arena, uint32_t, 300'000), 0};
        }
        run->rows++;
        run->last_id = id;
        if (time < run->first_time) run->first_time = time;
        if (time > run->last_time) run->last_time = time;
        add_span(run, b, row);
    }
    return n;
}

static bool is_row(const struct native_block *table, uint64_t r, const struct run *run, str filter)
{
    return native_u64(native_find(table, S("first_time")), r) == run->first_time &&
           native_u64(native_find(table, S("last_time")), r) == run->last_time &&
           memcmp(native_str(native_find(table, S("first_id")), r).ptr, run->first_id, 16) == 0 &&
           memcmp(native_str(native_find(table, S("last_id")), r).ptr, run->last_id, 16) == 0 &&
           str_eq(native_str(native_find(table, S("filter")), r), filter);
}

static uint64_t rows_like(const struct encoded_block *encoded, const struct run *run, str filter,
                          uint64_t *ret_all)
{
    uint64_t found = 0;
    struct err err;
    *ret_all = 0;
    for (size_t i = 0; i < encoded->n; i++) {
        struct native_block table = {0};
        str body = encoded->inserts[i].body;
        if (!str_eq(encoded->inserts[i].table, S("otel_trace_filters"))) continue;
        CHECK_INT(native_read_block(&arena, &body, &table, &err), ST_OK);
        *ret_all += table.rows;
        for (uint64_t r = 0; r < table.rows; r++) found += is_row(&table, r, run, filter);
    }
    return found;
}

static void check_spans(const struct encode_rows *groups, size_t n)
{
    struct encode_options opt = {groups, n, NULL};
    struct encoded_block encoded;
    struct err err;
    struct run runs[MOST_RUNS];
    uint64_t all = 0, expected = 0;
    CHECK_INT(encode_block(&arena, block, &opt, &encoded, &err), ST_OK);
    for (size_t g = 0; g < n; g++) {
        size_t n_runs = plain_runs(&groups[g], runs);
        expected += n_runs;
        for (size_t r = 0; r < n_runs; r++) {
            str filter = plain_of_pairs(runs[r].pairs, runs[r].n);
            CHECK_INT(rows_like(&encoded, &runs[r], filter, &all), 1);
        }
    }
    CHECK_INT(all, expected);
}

/* All within a day, but for a few of the next. */
static void settle_times(void)
{
    const uint64_t hour = 3'600'000'000'000u;
    for (size_t i = 0; i < block->n; i++) {
        struct span_columns *c = &block->batches[i]->spans;
        for (uint32_t r = 0; r < c->n; r++)
            c->start_time[r] = SAMPLE_TIME + c->start_time[r] % hour;
    }
    for (int i = 0; i < 8; i++) {
        struct span_columns *c = &block->batches[any(block->n)]->spans;
        c->start_time[any(c->n)] = SAMPLE_TIME + 24 * hour;
    }
}

TEST(filters_of_spans_are_those_of_the_plain_way)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        begin(seed);
        uint32_t per_batch = seed == 1 ? 4500 : 20 + (uint32_t)any(80);
        block = sample_block(&arena, SIGNAL_TRACES, 2 + (uint32_t)any(3), per_batch);
        struct encode_rows rows = sample_rows(&arena, block);
        struct row_ref *order =
            memcpy(arena_array(&arena, struct row_ref, rows.n), rows.rows, rows.n * sizeof *order);
        size_t half = rows.n / 2 + any(10);
        struct encode_rows groups[2] = {{order, half}, {order + half, rows.n - half}};
        for (int g = 0; g < 2; g++)
            qsort(order + (g ? half : 0), groups[g].n, sizeof *order, by_trace);
        settle_times();
        check_spans(groups, 2);
        rows.rows = order;
        qsort(order, rows.n, sizeof *order, by_trace);
        check_spans(&rows, 1);
    }
}

/* Hashes that an attribute has once in four billion: 0 among them, which marks an empty place. */
TEST(filters_of_any_hashes_are_those_of_the_plain_way)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        begin(seed);
        struct filter_pairs *p = filter_pairs_new(&arena);
        size_t n = seed == 1 ? 0 : any(400);
        uint64_t below = 1ull << any(33);
        uint32_t *all = arena_array(&arena, uint32_t, n + 1);
        filter_pairs_room(p, n);
        for (size_t i = 0; i < n; i++) filter_pairs_add(p, all[i] = (uint32_t)any(below));
        str plain = plain_of_pairs(all, n), made = filter_of_pairs(p, &arena);
        CHECK(str_eq(made, plain));
    }
}

/* ---- lines */

/* Some other line with some other bytes in it, or a new one. */
static str line(const str *before, size_t n)
{
    size_t len = any(any(4) ? 120 : 20);
    if (n == 0 || any(8) == 0) {
        char *fresh = arena_alloc(&arena, len + 1, 1);
        for (size_t i = 0; i < len; i++) fresh[i] = (char)any(256);
        return (str){fresh, len};
    }
    str like = before[any(n)];
    char *copy = memcpy(arena_alloc(&arena, like.len + 1, 1), like.ptr, like.len);
    for (uint64_t i = any(4); i > 0 && like.len; i--) copy[any(like.len)] = (char)any(256);
    return (str){copy, any(8) ? like.len : like.len / 2};
}

TEST(filters_of_lines_are_those_of_the_plain_way)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        begin(seed);
        size_t n = any(seed % 20 ? 200 : 6000);
        str *lines = arena_array(&arena, str, n + 1);
        for (size_t i = 0; i < n; i++) lines[i] = line(lines, i);
        str plain = plain_of_lines(lines, n), made = filter_of_lines(&arena, lines, n);
        CHECK(str_eq(made, plain));
    }
}
