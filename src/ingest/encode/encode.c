/* A block to its inserts: side tables first, then the main table's groups, then sums. */
#include "ingest/encode/encode.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "ingest/encode/filter_runs.h"
#include "ingest/encode/side.h"

enum {
    MAX_BODY = 1 << 30,
    BODY_AT_FIRST = 1 << 16,
    BODY_PER_ROW = 400, /* what spans take */
    HUGE_PAGE = 2 << 20,
    SCRATCH_BUDGET = 1 << 30,
    MAX_TABLES = 4,
};

struct encoder {
    struct arena *arena;        /* of the result */
    struct arena scratch, kept; /* kept: what filters are made of, while the rows are written */
    const struct telemetry_block *block;
    const struct red_rows *red; /* of spans */
    struct filter_runs filters;
    struct encoded_block *ret;
    size_t cap;
    struct err *err;
};

static void body_free(void *body)
{
    buf_done(body);
    free(body);
}

/* The body is memory of its own, tied to the arena and counted there. A large one is asked for at
 * once and in huge pages where the system has them: touching it page by page costs as much as half
 * the encoding. */
static struct buf *body_new(struct encoder *e, size_t rows)
{
    struct buf *b = malloc(sizeof *b);
    if (!b) abort();
    buf_init(b, MAX_BODY);
    size_t room = BODY_AT_FIRST + rows * BODY_PER_ROW;
    buf_reserve(b, room < MAX_BODY ? room : MAX_BODY);
    uintptr_t from = ((uintptr_t)b->ptr + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    uintptr_t to = ((uintptr_t)b->ptr + b->cap) / HUGE_PAGE * HUGE_PAGE;
    if (to > from) (void)!madvise((void *)from, to - from, MADV_HUGEPAGE);
    arena_defer(e->arena, body_free, b);
    return b;
}

static void insert_add(struct encoder *e, struct encoded_insert in)
{
    if (e->ret->n == e->cap) {
        e->cap = e->cap ? e->cap * 2 : 8;
        struct encoded_insert *wider = arena_array(e->arena, struct encoded_insert, e->cap);
        if (e->ret->n) memcpy(wider, e->ret->inserts, e->ret->n * sizeof *wider);
        e->ret->inserts = wider;
    }
    e->ret->inserts[e->ret->n++] = in;
    e->ret->body_bytes += in.body.len;
}

static status insert_make(struct encoder *e, str table, uint32_t part, struct encode_rows rows,
                          const struct side_row *side, void (*put)(struct insert *w))
{
    struct arena_mark mark = arena_mark(&e->scratch);
    struct buf *body = body_new(e, rows.n);
    struct insert w = {.arena = &e->scratch,
                       .block = e->block,
                       .rows = rows.rows,
                       .n = rows.n,
                       .out = body,
                       .side = side,
                       .filters = &e->filters};
    put(&w);
    bool over = body->over || arena_over(&e->scratch) || arena_over(&e->kept);
    arena_rewind(&e->scratch, mark);
    e->arena->used += body->len;
    if (over)
        return err_set(e->err, ST_LIMIT, ERR_NOPOS,
                       "%zu rows for " STR_FMT " take more than %d bytes", rows.n, STR_ARG(table),
                       MAX_BODY);
    insert_add(e, (struct encoded_insert){table, part, rows.n, buf_str(body)});
    return ST_OK;
}

static status side_make(struct encoder *e, const struct side_table *t,
                        const struct encode_rows *rows, struct encode_seen *seen)
{
    struct arena_mark mark = arena_mark(&e->scratch);
    struct side_rows found = {.arena = &e->scratch, .red = e->red, .filters = &e->filters};
    t->find(e->block, rows, seen, &found);
    side_sort(&found);
    struct row_ref *refs = arena_array(&e->scratch, struct row_ref, found.n);
    for (size_t i = 0; i < found.n; i++) refs[i] = found.list[i].ref;
    uint32_t part = 0;
    for (size_t at = 0, n; at < found.n; at += n) {
        n = side_take(&found, at);
        struct encode_rows taken = {refs + at, n};
        TRY(insert_make(e, t->table, part++, taken, found.list + at, t->put));
    }
    arena_rewind(&e->scratch, mark);
    return ST_OK;
}

static struct encode_rows all_rows(struct arena *a, const struct encode_options *opt)
{
    if (opt->n_groups == 1) return opt->groups[0];
    size_t n = 0;
    for (size_t g = 0; g < opt->n_groups; g++) n += opt->groups[g].n;
    struct row_ref *rows = arena_array(a, struct row_ref, n);
    size_t at = 0;
    for (size_t g = 0; g < opt->n_groups; g++) {
        if (opt->groups[g].n == 0) continue;
        memcpy(rows + at, opt->groups[g].rows, opt->groups[g].n * sizeof *rows);
        at += opt->groups[g].n;
    }
    return (struct encode_rows){rows, n};
}

static const struct signal_tables {
    str main;
    void (*put)(struct insert *w);
    const struct side_table *side[MAX_TABLES];
    const struct side_table *filters; /* made of the main table's rows, sent before them */
    const struct side_table *after;   /* sums: nothing is counted whose rows are refused */
} tables[SIGNAL_COUNT] = {
    [SIGNAL_TRACES] = {S("otel_traces"),
                       traces_put,
                       {&side_trace_index, &side_span_names},
                       &side_trace_filters,
                       &side_red},
    [SIGNAL_LOGS] = {S("otel_logs"), logs_put, {&side_log_streams}, &side_log_filters, NULL},
    [SIGNAL_METRICS] = {S("otel_metrics"),
                        metrics_put,
                        {&side_metric_series, &side_metric_resources, &side_metric_targets,
                         &side_exemplars},
                        NULL,
                        NULL},
};

/* The inserts from `from` on, of which those from `filters` on go first. */
static void move_forward(struct encoder *e, size_t from, size_t filters)
{
    struct encoded_insert *list = e->ret->inserts;
    size_t rows = filters - from, n = e->ret->n - filters;
    struct encoded_insert *moved = arena_array(&e->scratch, struct encoded_insert, rows);
    if (!rows || !n) return;
    memcpy(moved, list + from, rows * sizeof *list);
    memmove(list + from, list + filters, n * sizeof *list);
    memcpy(list + from + n, moved, rows * sizeof *list);
}

static status encode_all(struct encoder *e, const struct encode_options *opt,
                         struct encode_seen *seen)
{
    const struct signal_tables *t = &tables[e->block->signal];
    struct encode_rows rows = all_rows(&e->scratch, opt);
    if (e->block->signal == SIGNAL_TRACES) e->red = red_of_block(&e->scratch, e->block);
    for (int i = 0; i < MAX_TABLES && t->side[i]; i++) TRY(side_make(e, t->side[i], &rows, seen));
    size_t from = e->ret->n;
    /* The newest partitions first: rows that come in time need not wait for scattered old ones. */
    for (size_t g = opt->n_groups; g-- > 0;)
        if (opt->groups[g].n)
            TRY(insert_make(e, t->main, (uint32_t)g, opt->groups[g], NULL, t->put));
    size_t filters = e->ret->n;
    if (t->filters) TRY(side_make(e, t->filters, &rows, seen));
    move_forward(e, from, filters);
    return t->after ? side_make(e, t->after, &rows, seen) : ST_OK;
}

status encode_block(struct arena *a, const struct telemetry_block *b,
                    const struct encode_options *opt, struct encoded_block *ret, struct err *err)
{
    struct encoded_block made = {0};
    struct encoder e = {.arena = a, .block = b, .ret = &made, .err = err};
    arena_init(&e.scratch, SCRATCH_BUDGET);
    arena_init(&e.kept, SCRATCH_BUDGET);
    e.filters.arena = &e.kept;
    struct encode_seen *own = opt->seen ? NULL : encode_seen_new(SIZE_MAX);
    status s = encode_all(&e, opt, own ? own : opt->seen);
    encode_seen_free(own);
    arena_done(&e.kept);
    arena_done(&e.scratch);
    if (s == ST_OK) *ret = made;
    return s;
}
