/* block_gather: each row of what is gathered equals its row in its own batch. */
#include <stdio.h>

#include "base/hash.h"
#include "ingest/batch/batch.h"
#include "model/batch_compare.h"
#include "model/columns.h"
#include "model/identity.h"
#include "testing/test.h"

enum { ATTRS_OF_ROW = 11, ATTRS_OF_ORIGINS = 4, EVENTS_OF_ROW = 2 };

static struct arena arena;
static struct telemetry_block *block;
static uint64_t state;

static uint64_t any(uint64_t below)
{
    state = hash_mix(state, 1);
    return state % below;
}

static str text(const char *prefix)
{
    char out[32];
    int n = snprintf(out, sizeof out, "%s%llu", prefix, (unsigned long long)any(3));
    return arena_str(&arena, (str){out, (size_t)n});
}

static struct attr_value value(void)
{
    switch (any(4)) {
    case 0: return (struct attr_value){.type = ATTR_INT, .i = (int64_t)any(3)};
    case 1: return (struct attr_value){.type = ATTR_DOUBLE, .d = (double)any(3)};
    case 2: return (struct attr_value){.type = ATTR_EMPTY};
    default: return (struct attr_value){.type = ATTR_STRING, .text = text("v")};
    }
}

static struct attr_range attrs(struct telemetry_batch *b, uint64_t most)
{
    struct attr_range r = {b->n_attrs, (uint32_t)any(most + 1)};
    for (uint32_t i = 0; i < r.n; i++) b->attrs[b->n_attrs++] = (struct attr){text("k"), value()};
    return r;
}

/* Few enough that many are equal, and many differ in one member only. */
static void fill_origins(struct telemetry_batch *b)
{
    b->n_resources = b->n_scopes = 2;
    b->resources = arena_array(&arena, struct resource, 2);
    b->scopes = arena_array(&arena, struct scope, 2);
    for (int i = 0; i < 2; i++) {
        b->resources[i] = (struct resource){.attrs = attrs(b, 1),
                                            .dropped_attributes = (uint32_t)any(2),
                                            .schema_url = text("u"),
                                            .entity_refs = any(2) ? S("[]") : S("")};
        resource_identify(&b->resources[i], b->attrs);
        b->scopes[i] = (struct scope){.name = text("n"), .attrs = attrs(b, 1)};
        scope_identify(&b->scopes[i], b->attrs);
    }
}

#define ROOM(column)                                                        \
    memset(c->column = arena_alloc(&arena, size * sizeof *c->column, 8), 0, \
           size * sizeof *c->column);

static void fill_spans(struct telemetry_batch *b, uint32_t n)
{
    struct span_columns *c = &b->spans;
    size_t size = n + 1;
    SPAN_COLUMNS(ROOM)
    c->event = arena_array(&arena, struct span_event, size * EVENTS_OF_ROW);
    c->link = arena_array(&arena, struct span_link, size);
    for (c->n = 0; c->n < n; c->n++) {
        uint32_t i = c->n;
        memcpy(c->trace_id[i], &(uint64_t){any(UINT64_MAX)}, 8);
        c->start_time[i] = any(1000), c->kind[i] = (uint8_t)any(6), c->name[i] = text("name");
        c->resource[i] = (uint32_t)any(2), c->scope[i] = (uint32_t)any(2);
        c->adjusted_count[i] = (double)any(9), c->attrs[i] = attrs(b, 5);
        c->events[i] = (struct attr_range){c->n_events, (uint32_t)any(3)};
        for (uint32_t k = 0; k < c->events[i].n; k++)
            c->event[c->n_events++] = (struct span_event){.time = any(9), .attrs = attrs(b, 2)};
        c->links[i] = (struct attr_range){c->n_links, (uint32_t)any(2)};
        for (uint32_t k = 0; k < c->links[i].n; k++)
            c->link[c->n_links++] =
                (struct span_link){.flags = (uint32_t)any(9), .attrs = attrs(b, 2)};
    }
}

static void fill_logs(struct telemetry_batch *b, uint32_t n)
{
    struct log_columns *c = &b->logs;
    size_t size = n + 1;
    LOG_COLUMNS(ROOM)
    for (c->n = 0; c->n < n; c->n++) {
        uint32_t i = c->n;
        c->time[i] = any(1000), c->severity_number[i] = (uint8_t)any(24), c->body[i] = value();
        c->resource[i] = (uint32_t)any(2), c->scope[i] = (uint32_t)any(2),
        c->attrs[i] = attrs(b, 5);
    }
}

/* Batches of `least` to `most` rows. */
static void begin(enum signal_kind signal, uint32_t batches, uint32_t least, uint32_t most)
{
    state = 42;
    arena_done(&arena);
    arena_init(&arena, 1 << 28);
    block = arena_new(&arena, struct telemetry_block);
    block->signal = signal;
    block->n = batches;
    block->batches = arena_array(&arena, struct telemetry_batch *, batches);
    for (uint32_t i = 0; i < batches; i++) {
        struct telemetry_batch *b = block->batches[i] = arena_new(&arena, struct telemetry_batch);
        b->signal = signal;
        uint32_t n = least + (uint32_t)any(most - least + 1);
        b->attrs = arena_array(&arena, struct attr, n * ATTRS_OF_ROW + ATTRS_OF_ORIGINS);
        fill_origins(b);
        if (signal == SIGNAL_TRACES)
            fill_spans(b, n);
        else
            fill_logs(b, n);
        block->rows += n;
    }
}

/* The rows from `at` on, as many as `like` has. */
static struct telemetry_batch part(const struct telemetry_batch *all, uint32_t at,
                                   const struct telemetry_batch *like)
{
    struct telemetry_batch p = *all;
#define SPANS_AT(column) p.spans.column += at;
#define LOGS_AT(column) p.logs.column += at;
    if (all->signal == SIGNAL_TRACES) {
        SPAN_COLUMNS(SPANS_AT)
        p.spans.n = like->spans.n;
    } else {
        LOG_COLUMNS(LOGS_AT)
        p.logs.n = like->logs.n;
    }
    return p;
}

static void check_hashes(const struct telemetry_batch *p, const struct telemetry_batch *of)
{
    bool spans = of->signal == SIGNAL_TRACES;
    const uint32_t *x = spans ? p->spans.resource : p->logs.resource;
    const uint32_t *y = spans ? of->spans.resource : of->logs.resource;
    for (uint32_t i = 0; i < telemetry_batch_rows(of); i++)
        CHECK(p->resources[x[i]].hash == of->resources[y[i]].hash);
}

/* Batches of the block after those that `g` and what was checked before have the rows of. */
static size_t check_batch(const struct telemetry_batch *g, size_t from)
{
    uint32_t at = 0;
    for (; at < telemetry_batch_rows(g); from++) {
        const struct telemetry_batch *b = block->batches[from];
        struct telemetry_batch p = part(g, at, b);
        struct err err;
        status s = batch_compare(&p, b, &err);
        if (s != ST_OK) printf("batch %zu: %s\n", from, err.msg);
        CHECK_INT(s, ST_OK);
        check_hashes(&p, b);
        at += telemetry_batch_rows(b);
    }
    CHECK_INT(at, telemetry_batch_rows(g));
    return from;
}

static const struct telemetry_block *check_gathered(void)
{
    const struct telemetry_block *g = block_gather(&arena, block);
    CHECK(g != block);
    CHECK_INT((long long)g->rows, (long long)block->rows);
    size_t from = 0;
    uint64_t rows = 0;
    for (size_t i = 0; i < g->n; i++) {
        from = check_batch(g->batches[i], from);
        rows += telemetry_batch_rows(g->batches[i]);
    }
    CHECK_INT((long long)rows, (long long)block->rows);
    return g;
}

TEST(many_small_batches_of_spans_become_one_with_the_same_rows)
{
    begin(SIGNAL_TRACES, 200, 0, 12);
    CHECK_INT((long long)check_gathered()->n, 1);
}

TEST(many_small_batches_of_log_records_become_one_with_the_same_rows)
{
    begin(SIGNAL_LOGS, 200, 0, 12);
    CHECK_INT((long long)check_gathered()->n, 1);
}

static bool same_resource(const struct telemetry_batch *b, uint32_t i, uint32_t k)
{
    const struct resource *p = &b->resources[i], *q = &b->resources[k];
    bool same = p->attrs.n == q->attrs.n && p->dropped_attributes == q->dropped_attributes &&
                str_eq(p->schema_url, q->schema_url) && str_eq(p->entity_refs, q->entity_refs);
    return same && p->hash == q->hash;
}

TEST(more_rows_than_one_is_to_have_become_several)
{
    begin(SIGNAL_TRACES, 2000, 5, 15);
    CHECK_INT((long long)check_gathered()->n, 3);
}

TEST(what_is_gathered_has_each_resource_once)
{
    begin(SIGNAL_TRACES, 200, 1, 4);
    const struct telemetry_batch *b = check_gathered()->batches[0];
    CHECK(b->n_resources < 200); /* of 400 */
    for (uint32_t i = 0; i < b->n_resources; i++)
        for (uint32_t k = 0; k < i; k++) CHECK(!same_resource(b, i, k));
}

TEST(few_or_wide_batches_and_sums_taken_before_sampling_stay_as_they_are)
{
    begin(SIGNAL_TRACES, 3, 1, 4);
    CHECK(block_gather(&arena, block) == block);
    begin(SIGNAL_LOGS, 20, 200, 200);
    CHECK(block_gather(&arena, block) == block);
    begin(SIGNAL_TRACES, 100, 1, 4);
    block->batches[99]->red = arena_alloc(&arena, 64, 8);
    CHECK(block_gather(&arena, block) == block);
}
