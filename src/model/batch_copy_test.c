#include "model/batch_copy.h"

#include <stdlib.h>

#include "model/batch_compare.h"
#include "model/batch_edit.h"
#include "model/columns.h"
#include "model/red.h"
#include "testing/test.h"

enum { ROWS = 5, ATTRS = 64 };

static struct telemetry_batch *batch_new(enum signal_kind signal)
{
    struct arena *a = malloc(sizeof *a);
    CHECK(a != NULL);
    arena_init(a, 1 << 20);
    struct telemetry_batch *b = arena_new(a, struct telemetry_batch);
    *b = (struct telemetry_batch){.arena = a,
                                  .signal = signal,
                                  .received_at = 7,
                                  .attrs = arena_array(a, struct attr, ATTRS),
                                  .resources = arena_array(a, struct resource, 2),
                                  .scopes = arena_array(a, struct scope, 2),
                                  .n_resources = 2,
                                  .n_scopes = 2,
                                  .received = ROWS};
    return b;
}

static str text(struct telemetry_batch *b, char c) { return arena_str(b->arena, (str){&c, 1}); }

static struct attr_range attrs(struct telemetry_batch *b, uint32_t n)
{
    struct attr_range r = {b->n_attrs, n};
    for (uint32_t i = 0; i < n; i++) {
        char c = (char)('a' + (b->n_attrs + i) % 26);
        struct attr_value v = {.type = ATTR_STRING, .text = text(b, c)};
        if (i == 1) v = (struct attr_value){.type = ATTR_INT, .i = b->n_attrs};
        b->attrs[b->n_attrs++] = (struct attr){text(b, c), v};
    }
    return r;
}

static void shared(struct telemetry_batch *b)
{
    for (char i = 0; i < 2; i++) {
        b->resources[(int)i] = (struct resource){.attrs = attrs(b, 2),
                                                 .schema_url = text(b, 'u'),
                                                 .service_name = text(b, (char)('s' + i)),
                                                 .hash = 5};
        b->scopes[(int)i] = (struct scope){.name = text(b, (char)('m' + i)), .attrs = attrs(b, 1)};
    }
}

#define ROOM(column)                                                                    \
    c->column = arena_alloc(b->arena, sizeof *c->column * ROWS, _Alignof(max_align_t)); \
    memset(c->column, 0, sizeof *c->column *ROWS);

static struct telemetry_batch *spans(void)
{
    struct telemetry_batch *b = batch_new(SIGNAL_TRACES);
    struct span_columns *c = &b->spans;
    shared(b);
    SPAN_COLUMNS(ROOM)
    c->n = ROWS;
    c->event = arena_array(b->arena, struct span_event, ROWS);
    c->link = arena_array(b->arena, struct span_link, ROWS);
    for (uint32_t i = 0; i < ROWS; i++) {
        memset(c->trace_id[i], (int)i + 1, 16);
        memset(c->span_id[i], (int)i + 1, 8);
        c->start_time[i] = i;
        c->resource[i] = c->scope[i] = i % 2;
        c->name[i] = text(b, (char)('A' + i));
        c->status_message[i] = text(b, 'x');
        c->attrs[i] = attrs(b, i);
        c->adjusted_count[i] = 1;
        c->event[i] = (struct span_event){.time = i, .name = text(b, 'e'), .attrs = attrs(b, 1)};
        c->events[i] = (struct attr_range){i, i % 2};
        c->link[i] = (struct span_link){.trace_state = text(b, 'l'), .attrs = attrs(b, 2)};
        c->links[i] = (struct attr_range){i, i % 3 == 0};
    }
    c->n_events = c->n_links = ROWS;
    return b;
}

static struct telemetry_batch *logs(void)
{
    struct telemetry_batch *b = batch_new(SIGNAL_LOGS);
    struct log_columns *c = &b->logs;
    shared(b);
    LOG_COLUMNS(ROOM)
    c->n = ROWS;
    for (uint32_t i = 0; i < ROWS; i++) {
        c->time[i] = i;
        c->resource[i] = c->scope[i] = i % 2;
        c->severity_text[i] = text(b, 'w');
        c->event_name[i] = text(b, 'n');
        c->body[i] = (struct attr_value){.type = ATTR_STRING, .text = text(b, (char)('0' + i))};
        if (i == 2) c->body[i] = (struct attr_value){.type = ATTR_INT, .i = 42};
        c->attrs[i] = attrs(b, i);
    }
    return b;
}

/* The second copy borrows nothing from the first, which is gone. */
static void copied_twice(struct telemetry_batch *b, uint32_t left_out)
{
    struct err err = {0};
    struct batch_edit e = batch_edit_begin(b);
    uint64_t *keep = bitmap_full(b->arena, ROWS);
    for (uint32_t i = 0; i < ROWS; i++)
        if (left_out >> i & 1) bitmap_clear(keep, i);
    batch_edit_keep(&e, keep);
    struct telemetry_batch *once = batch_copy(b), *twice = batch_copy(once);
    CHECK_INT(batch_compare(b, once, &err), ST_OK);
    telemetry_batch_free(once);
    CHECK_INT(batch_compare(b, twice, &err), ST_OK);
    CHECK_INT(twice->received_at, 7);
    CHECK_INT(twice->received, ROWS);
    telemetry_batch_free(twice);
    telemetry_batch_free(b);
}

TEST(a_copy_has_the_rows_that_were_kept_and_stands_alone)
{
    for (uint32_t left_out = 0; left_out < 1 << ROWS; left_out++) {
        copied_twice(spans(), left_out);
        copied_twice(logs(), left_out);
    }
}

TEST(a_copy_has_only_what_its_rows_name)
{
    struct telemetry_batch *b = spans();
    struct batch_edit e = batch_edit_begin(b);
    uint64_t *keep = bitmap_full(b->arena, ROWS);
    for (uint32_t i = 1; i < ROWS; i++) bitmap_clear(keep, i);
    batch_edit_keep(&e, keep);
    struct telemetry_batch *c = batch_copy(b);
    CHECK_INT(c->n_resources, 1);
    CHECK_INT(c->n_scopes, 1);
    CHECK_INT(c->n_attrs, 2 + 1 + 0 + 2);
    CHECK_INT(c->spans.n_events, 0);
    CHECK_INT(c->spans.n_links, 1);
    telemetry_batch_free(c);
    telemetry_batch_free(b);
}

TEST(a_copy_keeps_what_was_counted_before_sampling)
{
    struct telemetry_batch *b = spans();
    b->dropped[DROP_SAMPLED] = 3;
    b->red = red_take(b->arena, b);
    struct telemetry_batch *c = batch_copy(b);
    CHECK_INT(c->dropped[DROP_SAMPLED], 3);
    CHECK_INT(c->red->n, b->red->n);
    for (uint32_t i = 0; i < c->red->n; i++) {
        const struct red_row *x = &b->red->rows[i], *y = &c->red->rows[i];
        CHECK_STR(y->span_name, x->span_name);
        CHECK_STR(y->service_name, x->service_name);
        CHECK_INT(y->count, x->count);
        CHECK_INT(y->n_buckets, x->n_buckets);
        CHECK(y->buckets != x->buckets);
        CHECK(memcmp(y->buckets, x->buckets, sizeof *x->buckets * x->n_buckets) == 0);
    }
    telemetry_batch_free(c);
    telemetry_batch_free(b);
}
