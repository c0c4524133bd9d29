#include "model/batch_edit.h"

#include "model/columns.h"
#include "testing/test.h"

static struct arena arena;

static struct telemetry_batch *logs(uint32_t n)
{
    arena_done(&arena);
    arena_init(&arena, 8 << 20);
    struct telemetry_batch *b = arena_new(&arena, struct telemetry_batch);
    b->arena = &arena;
    b->signal = SIGNAL_LOGS;
    b->attrs = arena_array(&arena, struct attr, n + 1);
    struct log_columns *c = &b->logs;
#define ROOM(column) c->column = arena_alloc(&arena, sizeof *c->column * (n + 1), 16);
    LOG_COLUMNS(ROOM)
    for (uint32_t i = 0; i < n; i++) {
        memset(c->trace_id[i], (int)i, 16);
        memset(c->span_id[i], (int)i, 8);
        c->time[i] = i;
        c->flags[i] = i * 3;
        c->attrs[i] = (struct attr_range){b->n_attrs, 1};
        b->attrs[b->n_attrs++] = (struct attr){S("k"), {ATTR_INT, {.i = i}}};
    }
    c->n = n;
    return b;
}

TEST(batch_edit_keeps_the_rows_of_the_bitmap_in_their_order)
{
    for (uint32_t n = 0; n < 200; n += 13)
        for (uint64_t salt = 0; salt < 5; salt++) {
            struct telemetry_batch *b = logs(n);
            struct batch_edit e = batch_edit_begin(b);
            uint64_t *keep = bitmap_full(&arena, n);
            uint32_t want[200], kept = 0;
            for (uint32_t i = 0; i < n; i++) { /* all, none, and three mixtures */
                bool stays = salt == 0 || (salt > 1 && (i * 2654435761u >> salt) % 3 == 0);
                if (stays)
                    want[kept++] = i;
                else
                    bitmap_clear(keep, i);
            }
            batch_edit_keep(&e, keep);
            CHECK_INT(b->logs.n, kept);
            for (uint32_t i = 0; i < kept; i++) {
                CHECK_INT(b->logs.time[i], want[i]);
                CHECK_INT(b->logs.flags[i], want[i] * 3);
                CHECK_INT(b->logs.trace_id[i][15], want[i]);
                CHECK_INT(b->attrs[b->logs.attrs[i].at].value.i, want[i]);
            }
        }
}

TEST(batch_edit_of_a_run_leaves_what_was_there_before)
{
    struct telemetry_batch *b = logs(3);
    struct batch_edit e = batch_edit_begin(b);
    struct attr more[] = {{S("a"), {ATTR_INT, {.i = 10}}}, {S("b"), {ATTR_INT, {.i = 11}}}};
    struct attr_range shared = b->logs.attrs[0];
    batch_edit_run(&e, &b->logs.attrs[0], more, 2);
    CHECK_INT(b->attrs[shared.at].value.i, 0);
    CHECK_INT(b->logs.attrs[0].n, 2);
    CHECK_STR(b->attrs[b->logs.attrs[0].at + 1].key, S("b"));
    CHECK_INT(b->n_attrs, 5);
}

TEST(batch_edit_of_its_own_run_needs_no_more_room)
{
    struct telemetry_batch *b = logs(3);
    struct batch_edit e = batch_edit_begin(b);
    struct attr more[] = {{S("a"), {ATTR_INT, {.i = 10}}}, {S("b"), {ATTR_INT, {.i = 11}}}};
    batch_edit_run(&e, &b->logs.attrs[1], more, 2);
    more[0].value.i = 12;
    batch_edit_run(&e, &b->logs.attrs[1], more, 1);
    CHECK_INT(b->n_attrs, 5);
    CHECK_INT(b->attrs[b->logs.attrs[1].at].value.i, 12);
    batch_edit_run(&e, &b->logs.attrs[1], NULL, 0);
    CHECK_INT(b->logs.attrs[1].n, 0);
    for (uint32_t i = 0; i < 1000; i++) batch_edit_run(&e, &b->logs.attrs[i % 3], more, 2);
    for (uint32_t i = 0; i < 3; i++) CHECK_INT(b->attrs[b->logs.attrs[i].at + 1].value.i, 11);
    CHECK_INT(b->n_attrs, 3 + 2 + 3 * 2);
}

TEST(batch_edit_moves_exemplars_with_their_points)
{
    static uint64_t u64s[4];
    static double f64s[4];
    arena_done(&arena);
    arena_init(&arena, 8 << 20);
    struct telemetry_batch b = {.arena = &arena, .signal = SIGNAL_METRICS};
    struct metric_columns *c = &b.metrics;
#define POINTS(column) c->column = arena_alloc(&arena, sizeof *c->column * 4, 16);
    METRIC_COLUMNS(POINTS)
    struct exemplar of[] = {
        {.point = 3, .time = 3}, {.point = 0, .time = 0}, {.point = 2, .time = 2}};
    c->n = 4;
    c->u64s = u64s;
    c->f64s = f64s;
    c->exemplar = of;
    c->n_exemplars = 3;
    for (uint32_t i = 0; i < 4; i++) c->time[i] = i;
    struct batch_edit e = batch_edit_begin(&b);
    uint64_t keep = 1 << 1 | 1 << 2 | 1 << 3;
    batch_edit_keep(&e, &keep);
    CHECK_INT(c->n, 3);
    CHECK_INT(c->n_exemplars, 2);
    for (uint32_t i = 0; i < 2; i++) CHECK_INT(c->time[c->exemplar[i].point], c->exemplar[i].time);
    arena_done(&arena);
}
