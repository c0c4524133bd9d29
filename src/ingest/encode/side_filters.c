/* otel_trace_filters, otel_log_filters: for each run of rows as they are stored, between which
 * times (and trace ids) they lie, and a filter of the spans' attributes or the lines' pieces. A
 * search reads the filters first, and then the runs that may hold what it is after. A function of
 * the block: a row of a main table that is sent without one in a filter has no_filter 1. */
#include "ingest/encode/filter_bits.h"
#include "ingest/encode/side.h"

enum { RUN_ROWS = 8192, RUN_BYTES = 1 << 20, AHEAD = 8 };

struct filter_row {
    uint64_t first_time, last_time;
    const uint8_t *first_id, *last_id; /* of spans */
    str filter;
};

/* Rows at .. at + n of all, and what their filter is made of. */
struct run {
    size_t at, n;
    struct filter_pairs pairs;
    struct filter_row row;
};

struct runs {
    struct arena *arena;
    struct run *v;
    size_t n, cap;
};

static void run_begin(struct runs *runs, size_t at, uint64_t time, const uint8_t *id)
{
    if (runs->n == runs->cap) {
        runs->cap = runs->cap ? runs->cap * 2 : 64;
        struct run *wider = arena_array(runs->arena, struct run, runs->cap);
        if (runs->n) memcpy(wider, runs->v, runs->n * sizeof *wider);
        runs->v = wider;
    }
    runs->v[runs->n++] = (struct run){.at = at, .row = {time, time, id, id, {0}}};
}

static void run_extend(struct run *run, uint64_t time, const uint8_t *id)
{
    run->n++;
    if (time < run->row.first_time) run->row.first_time = time;
    if (time > run->row.last_time) run->row.last_time = time;
    run->row.last_id = id;
}

static void add_runs(const struct runs *runs, struct side_rows *ret)
{
    for (size_t i = 0; i < runs->n; i++) {
        const struct filter_row *r = &runs->v[i].row;
        side_add(ret, (struct side_row){.partition = side_day(r->first_time),
                                        .u = r->first_time,
                                        .v = r->last_time,
                                        .filter = r});
    }
}

/* --- spans */

/* A run lies in one day, and its trace ids rise: the next partition begins a run. */
static void span_runs(const struct telemetry_block *b, const struct encode_rows *rows,
                      struct runs *ret)
{
    const uint8_t *last = NULL;
    for (size_t i = 0; i < rows->n; i++) {
        const struct span_columns *c = &b->batches[rows->rows[i].batch]->spans;
        uint32_t row = rows->rows[i].row;
        uint64_t time = c->start_time[row];
        const uint8_t *id = c->trace_id[row];
        struct run *run = ret->n ? &ret->v[ret->n - 1] : NULL;
        if (!run || run->n == RUN_ROWS || memcmp(id, last, 16) < 0 ||
            side_day(time) != side_day(run->row.first_time)) {
            run_begin(ret, i, time, id);
            run = &ret->v[ret->n - 1];
        }
        run_extend(run, time, id);
        last = id;
    }
}

static uint32_t pair_of(struct arena *a, const struct attr *x)
{
    if (x->value.type != ATTR_BYTES) {
        char tmp[ATTR_SCALAR_MAX];
        return filter_pair(x->key, attr_text(&x->value, tmp));
    }
    struct arena_mark m = arena_mark(a);
    uint32_t pair = filter_pair(x->key, attr_stored_text(a, &x->value));
    arena_rewind(a, m);
    return pair;
}

static void add_range(struct filter_pairs *to, struct arena *a, const struct telemetry_batch *b,
                      struct attr_range r)
{
    for (uint32_t i = 0; i < r.n; i++) filter_pairs_add(to, a, pair_of(a, &b->attrs[r.at + i]));
}

/* The pairs of a span itself, its events and links. */
static void add_span(struct filter_pairs *to, struct arena *a, const struct telemetry_batch *b,
                     uint32_t row)
{
    const struct span_columns *c = &b->spans;
    struct attr_range events = c->events[row], links = c->links[row];
    add_range(to, a, b, c->attrs[row]);
    for (uint32_t i = 0; i < events.n; i++) add_range(to, a, b, c->event[events.at + i].attrs);
    for (uint32_t i = 0; i < links.n; i++) add_range(to, a, b, c->link[links.at + i].attrs);
}

/* What was added to which run lately, so that many small requests of one client cost it once. */
enum { SEEN_ORIGINS = 1024 };

struct seen_origin {
    uint64_t hash; /* of a resource or scope */
    uint32_t run_1;
};

static bool is_new(struct seen_origin *seen, uint64_t hash, uint32_t run)
{
    struct seen_origin *s = &seen[(hash ^ run * 0x9e3779b1u) % SEEN_ORIGINS];
    if (s->hash == hash && s->run_1 == run + 1) return false;
    *s = (struct seen_origin){hash, run + 1};
    return true;
}

/* All resources and scopes of a batch, to each run that has spans of it. */
static void add_origins(struct runs *runs, const uint32_t *touched, size_t n,
                        const struct telemetry_batch *b, struct seen_origin *seen)
{
    struct arena *a = runs->arena;
    for (size_t t = 0; t < n; t++) {
        struct filter_pairs *to = &runs->v[touched[t]].pairs;
        for (uint32_t i = 0; i < b->n_resources; i++)
            if (is_new(seen, b->resources[i].hash, touched[t]))
                add_range(to, a, b, b->resources[i].attrs);
        for (uint32_t i = 0; i < b->n_scopes; i++)
            if (is_new(seen, b->scopes[i].hash, touched[t]))
                add_range(to, a, b, b->scopes[i].attrs);
    }
}

/* Batch by batch, as they lie in memory: there are far more attributes than a cache holds. */
static void span_pairs(const struct telemetry_block *b, const struct encode_rows *rows,
                       struct runs *runs)
{
    struct arena *a = runs->arena;
    uint32_t **run_1 = arena_array(a, uint32_t *, b->n); /* of a row: its run + 1; 0: none */
    for (size_t i = 0; i < b->n; i++) {
        size_t size = (size_t)b->batches[i]->spans.n * sizeof **run_1;
        run_1[i] = arena_alloc(a, size + 1, 4);
        memset(run_1[i], 0, size);
    }
    for (size_t r = 0; r < runs->n; r++)
        for (size_t i = runs->v[r].at; i < runs->v[r].at + runs->v[r].n; i++)
            run_1[rows->rows[i].batch][rows->rows[i].row] = (uint32_t)r + 1;
    uint32_t *touched = arena_array(a, uint32_t, runs->n);
    size_t *last = arena_array(a, size_t, runs->n); /* the batch that touched a run last, + 1 */
    memset(last, 0, runs->n * sizeof *last);
    struct seen_origin *seen = arena_array(a, struct seen_origin, SEEN_ORIGINS);
    memset(seen, 0, SEEN_ORIGINS * sizeof *seen);
    for (size_t i = 0; i < b->n; i++) {
        size_t n = 0;
        for (uint32_t row = 0; row < b->batches[i]->spans.n; row++) {
            uint32_t r = run_1[i][row];
            if (!r--) continue;
            if (last[r] != i + 1) touched[n++] = r;
            last[r] = i + 1;
            add_span(&runs->v[r].pairs, a, b->batches[i], row);
        }
        add_origins(runs, touched, n, b->batches[i], seen);
    }
}

static void find_traces(const struct telemetry_block *b, const struct encode_rows *rows,
                        struct encode_seen *, struct side_rows *ret)
{
    struct runs runs = {.arena = ret->arena};
    span_runs(b, rows, &runs);
    span_pairs(b, rows, &runs);
    for (size_t i = 0; i < runs.n; i++)
        runs.v[i].row.filter = filter_of_pairs(&runs.v[i].pairs, ret->arena);
    add_runs(&runs, ret);
}

/* --- log records */

static str line_of(struct arena *a, const struct attr_value *body)
{
    return body->type == ATTR_STRING ? body->text : attr_stored_text(a, body);
}

static void find_logs(const struct telemetry_block *b, const struct encode_rows *rows,
                      struct encode_seen *, struct side_rows *ret)
{
    struct arena *a = ret->arena;
    struct runs runs = {.arena = a};
    str *lines = arena_array(a, str, rows->n);
    uint64_t bytes = 0;
    for (size_t i = 0; i < rows->n; i++) {
        const struct log_columns *c = &b->batches[rows->rows[i].batch]->logs;
        uint32_t row = rows->rows[i].row;
        uint64_t time = c->time[row];
        struct run *run = runs.n ? &runs.v[runs.n - 1] : NULL;
        lines[i] = line_of(a, &c->body[row]);
        if (!run || run->n == RUN_ROWS || bytes > RUN_BYTES ||
            side_day(time) != side_day(run->row.first_time)) {
            run_begin(&runs, i, time, NULL);
            run = &runs.v[runs.n - 1];
            bytes = 0;
        }
        run_extend(run, time, NULL);
        bytes += lines[i].len;
    }
    for (size_t i = 0; i < runs.n; i++)
        runs.v[i].row.filter = filter_of_lines(a, lines + runs.v[i].at, runs.v[i].n);
    add_runs(&runs, ret);
}

/* --- columns */

/* `at` is the offset of the time in struct filter_row. */
static void put_time(struct insert *w, const struct column_plan *c)
{
    char *to = native_put_space(w->out, w->n * 8);
    for (size_t i = 0; to && i < w->n; i++)
        memcpy(to + i * 8, (const char *)w->side[i].filter + c->at, 8);
}

static void put_first_id(struct insert *w, const struct column_plan *)
{
    char *to = native_put_space(w->out, w->n * 16);
    for (size_t i = 0; to && i < w->n; i++) memcpy(to + i * 16, w->side[i].filter->first_id, 16);
}

static void put_last_id(struct insert *w, const struct column_plan *)
{
    char *to = native_put_space(w->out, w->n * 16);
    for (size_t i = 0; to && i < w->n; i++) memcpy(to + i * 16, w->side[i].filter->last_id, 16);
}

static void put_filter(struct insert *w, const struct column_plan *)
{
    for (size_t i = 0; i < w->n; i++) native_put_str(w->out, w->side[i].filter->filter);
}

#define TIME_PLANS                                                        \
    {"first_time", put_time, offsetof(struct filter_row, first_time), 0}, \
    {                                                                     \
        "last_time", put_time, offsetof(struct filter_row, last_time), 0  \
    }

static void put_traces(struct insert *w)
{
    static const struct column_plan plan[] = {
        TIME_PLANS,
        {"first_id", put_first_id, 0, 0},
        {"last_id", put_last_id, 0, 0},
        {"filter", put_filter, 0, 0},
    };
    insert_put(w, "otel_trace_filters", plan, sizeof plan / sizeof *plan);
}

static void put_logs(struct insert *w)
{
    static const struct column_plan plan[] = {TIME_PLANS, {"filter", put_filter, 0, 0}};
    insert_put(w, "otel_log_filters", plan, sizeof plan / sizeof *plan);
}

const struct side_table side_trace_filters = {S("otel_trace_filters"), find_traces, put_traces};
const struct side_table side_log_filters = {S("otel_log_filters"), find_logs, put_logs};
