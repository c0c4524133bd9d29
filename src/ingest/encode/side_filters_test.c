/* What is stored is in the filter of its run: for each span and line the encoded filters are asked,
 * as a search does. */
#include <stdio.h>

#include "ingest/encode/encode.h"
#include "ingest/encode/filter_bits.h"
#include "ingest/encode/sample_test.h"
#include "native/reader.h"
#include "testing/test.h"

static struct arena arena;
static struct telemetry_block *block;
static struct encode_rows rows;
static struct native_block table;
static struct err err;

/* The block's filters as they are sent; rows in an order of their own when `mixed`, else log
 * records within a moment. */
static void begin(enum signal_kind signal, uint32_t batches, uint32_t n, bool mixed)
{
    struct encoded_block encoded;
    arena_done(&arena);
    arena_init(&arena, (size_t)1 << 31);
    block = sample_block(&arena, signal, batches, n);
    rows = sample_rows(&arena, block);
    struct row_ref *order = arena_array(&arena, struct row_ref, rows.n);
    for (size_t i = 0; i < rows.n; i++) order[i] = rows.rows[mixed ? (i * 7919 + 3) % rows.n : i];
    rows.rows = order;
    for (uint32_t i = 0; i < batches && signal == SIGNAL_LOGS && !mixed; i++)
        for (uint32_t r = 0; r < n; r++) block->batches[i]->logs.time[r] = SAMPLE_TIME + r;
    struct encode_options opt = {&rows, 1, NULL};
    CHECK_INT(encode_block(&arena, block, &opt, &encoded, &err), ST_OK);
    str name = signal == SIGNAL_TRACES ? S("otel_trace_filters") : S("otel_log_filters");
    table = (struct native_block){0};
    for (size_t i = 0; i < encoded.n; i++) {
        str body = encoded.inserts[i].body;
        if (!str_eq(encoded.inserts[i].table, name)) continue;
        CHECK_INT(encoded.inserts[i].part, 0); /* the sample is of one day */
        CHECK_INT(native_read_block(&arena, &body, &table, &err), ST_OK);
    }
    CHECK(table.rows > 0);
}

static str text_at(const char *column, uint64_t r)
{
    return native_str(native_find(&table, (str){column, strlen(column)}), r);
}

static bool has_time(uint64_t r, uint64_t time)
{
    return native_u64(native_find(&table, S("first_time")), r) <= time &&
           native_u64(native_find(&table, S("last_time")), r) >= time;
}

static bool has_pairs(str filter, const struct telemetry_batch *b, struct attr_range range)
{
    for (uint32_t i = 0; i < range.n; i++) {
        const struct attr *x = &b->attrs[range.at + i];
        uint32_t pair = filter_pair(x->key, attr_stored_text(&arena, &x->value));
        for (unsigned k = 0; k < FILTER_PAIR_HASHES; k++)
            if (!filter_has(filter, filter_pair_hash(pair, k))) return false;
    }
    return true;
}

/* Is all of the span in run r? */
static bool has_span(uint64_t r, const struct telemetry_batch *b, uint32_t row)
{
    const struct span_columns *c = &b->spans;
    str filter = text_at("filter", r);
    if (!has_time(r, c->start_time[row]) ||
        memcmp(text_at("first_id", r).ptr, c->trace_id[row], 16) > 0 ||
        memcmp(text_at("last_id", r).ptr, c->trace_id[row], 16) < 0)
        return false;
    bool all = has_pairs(filter, b, c->attrs[row]) &&
               has_pairs(filter, b, b->resources[c->resource[row]].attrs) &&
               has_pairs(filter, b, b->scopes[c->scope[row]].attrs);
    for (uint32_t i = 0; i < c->events[row].n; i++)
        all = all && has_pairs(filter, b, c->event[c->events[row].at + i].attrs);
    for (uint32_t i = 0; i < c->links[row].n; i++)
        all = all && has_pairs(filter, b, c->link[c->links[row].at + i].attrs);
    return all;
}

static void check_spans(void)
{
    for (size_t i = 0; i < rows.n; i++) {
        const struct telemetry_batch *b = block->batches[rows.rows[i].batch];
        bool found = false;
        for (uint64_t r = 0; r < table.rows && !found; r++)
            found = has_span(r, b, rows.rows[i].row);
        CHECK(found);
    }
}

TEST(every_attribute_of_a_span_is_in_the_filter_of_a_run_that_holds_it)
{
    begin(SIGNAL_TRACES, 3, 100, true);
    check_spans();
    begin(SIGNAL_TRACES, 3, 100, false);
    check_spans();
}

TEST(a_run_has_a_bounded_number_of_rows)
{
    begin(SIGNAL_LOGS, 2, 10000, false);
    CHECK_INT(table.rows, 3);
}

static bool has_line(str filter, str line)
{
    for (size_t i = 0; i + FILTER_GRAM <= line.len; i++)
        if (!filter_has(filter, filter_gram_hash(line.ptr + i))) return false;
    return true;
}

TEST(every_piece_of_a_line_is_in_the_filter_of_a_run_that_holds_it)
{
    begin(SIGNAL_LOGS, 3, 100, true);
    for (size_t i = 0; i < rows.n; i++) {
        const struct log_columns *c = &block->batches[rows.rows[i].batch]->logs;
        uint32_t row = rows.rows[i].row;
        str line = attr_stored_text(&arena, &c->body[row]);
        bool found = false;
        for (uint64_t r = 0; r < table.rows && !found; r++)
            found = has_time(r, c->time[row]) && has_line(text_at("filter", r), line);
        CHECK(found);
    }
    CHECK(!has_line(text_at("filter", 0), S("a line that nobody wrote: qzx#9~")));
}

/* Stored filters stay readable. */
TEST(hashes_never_change)
{
    CHECK_INT(filter_pair(S("http.route"), S("/cart")), 908286628);
    CHECK_INT(filter_pair_hash(1, 4), 699138053);
    CHECK_INT(filter_gram_hash("order"), 3105612553);
}

TEST(one_in_four_hundred_pairs_seems_to_be_in_a_filter_it_is_not_in)
{
    arena_done(&arena);
    arena_init(&arena, 1 << 26);
    struct filter_pairs *p = filter_pairs_new(&arena);
    for (uint32_t i = 0; i < 20000; i++) {
        filter_pairs_room(p, 1);
        filter_pairs_add(p, i % 10000 * 0x9e3779b1u);
    }
    str filter = filter_of_pairs(p, &arena);
    CHECK_INT(filter.len, 17504);
    unsigned wrong = 0;
    for (uint32_t i = 0; i < 100000; i++) {
        uint32_t pair = (uint32_t)XXH3_64bits(&i, sizeof i);
        bool has = true;
        for (unsigned k = 0; k < FILTER_PAIR_HASHES; k++)
            has = has && filter_has(filter, filter_pair_hash(pair, k));
        wrong += has;
    }
    CHECK(wrong > 100 && wrong < 400);
}

static double share_set(str filter)
{
    size_t set = 0;
    for (size_t i = 0; i < filter.len * 8; i++) set += filter_has(filter, (uint32_t)i);
    return (double)set / (double)(filter.len * 8);
}

TEST(a_filter_of_lines_is_as_large_as_they_need)
{
    arena_done(&arena);
    arena_init(&arena, 1 << 28);
    enum { LINES = 4000 };
    static char text[LINES][33];
    static str lines[LINES];
    for (uint32_t i = 0; i < LINES; i++) {
        uint64_t a = XXH3_64bits(&i, sizeof i), b = a * 0x9e3779b97f4a7c15u;
        snprintf(text[i], sizeof text[i], "%016llx%016llx", (unsigned long long)a,
                 (unsigned long long)b);
        lines[i] = (str){text[i], 32};
    }
    CHECK_INT(filter_of_lines(&arena, lines, 0).len, 8);
    str few = filter_of_lines(&arena, lines, 100), many = filter_of_lines(&arena, lines, LINES);
    CHECK(few.len < 4096 && share_set(few) <= 0.25 && share_set(few) > 0.1);
    CHECK_INT(many.len * 8, FILTER_LINES_BITS);
    for (uint32_t i = 0; i < LINES; i++) CHECK(has_line(many, lines[i]));
}
