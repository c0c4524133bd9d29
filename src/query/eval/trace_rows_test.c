/* Reading real blocks is tested against the engine; here: what becomes of the spans, and blocks
 * that do not fit. */
#include "query/eval/trace_rows.h"

#include "testing/test.h"

static struct trace_span *span(struct arena *a, uint8_t trace, uint8_t id, nanos start)
{
    struct trace_span *s = arena_new(a, struct trace_span);
    s->trace_id.bytes[15] = trace;
    s->span_id[7] = id;
    s->start = start;
    return s;
}

TEST(traces_come_in_the_order_asked_with_spans_by_time)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct trace_rows r;
    trace_rows_init(&r, &a);
    struct trace_span *spans[] = {span(&a, 2, 1, 50), span(&a, 1, 2, 30), span(&a, 2, 3, 10),
                                  span(&a, 1, 1, 30), span(&a, 1, 1, 30)};
    spans[4]->name = S("another");
    r.spans = spans;
    r.n = 5;
    struct trace_id ids[3] = {{{0}}, {{0}}, {{0}}};
    ids[0].bytes[15] = 2;
    ids[1].bytes[15] = 9; /* unknown */
    ids[2].bytes[15] = 1;
    const struct trace *t;
    CHECK_INT(trace_rows_traces(&r, ids, 3, true, &t), 2);
    CHECK(trace_id_eq(&t[0].id, &ids[0]) && trace_id_eq(&t[1].id, &ids[2]));
    CHECK_INT(t[0].spans[0].span_id[7], 3);
    CHECK_INT(t[1].n_spans, 3); /* the same id twice, but not the same span */
    CHECK_INT(t[1].spans[2].span_id[7], 2);
    arena_done(&a);
}

TEST(spans_stored_twice_are_there_once_unless_raw)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct trace_rows r;
    trace_rows_init(&r, &a);
    struct trace_attr attr = {S("k"), S("v"), 's'}, other = {S("k"), S("v"), 'y'};
    struct trace_span *spans[] = {span(&a, 1, 1, 30), span(&a, 1, 1, 30), span(&a, 1, 1, 30)};
    spans[0]->attrs = spans[1]->attrs = (struct trace_attrs){&attr, 1};
    spans[2]->attrs = (struct trace_attrs){&other, 1};
    r.spans = spans;
    r.n = 3;
    const struct trace *t;
    struct trace_id id = spans[0]->trace_id;
    CHECK_INT(trace_rows_traces(&r, &id, 1, true, &t), 1);
    CHECK_INT(t->n_spans, 2);
    CHECK_INT(trace_rows_traces(&r, &id, 1, false, &t), 1);
    CHECK_INT(t->n_spans, 3);
    arena_done(&a);
}

TEST(rows_without_their_columns_are_an_error)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct trace_rows r;
    trace_rows_init(&r, &a);
    struct native_column c = {.name = S("trace_id"), .kind = NATIVE_FIXED, .width = 16};
    struct native_block b = {.rows = 0, .n_columns = 1, .columns = &c};
    struct err err;
    CHECK_INT(trace_rows_add(&r, &b, &err), ST_INTERNAL);
    CHECK_STR(((str){err.msg, strlen(err.msg)}),
              S("column span_id is missing or has another type"));
    arena_done(&a);
}
