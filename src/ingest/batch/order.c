/* The order of a block's rows: by partition, then by the table's ORDER BY, in words that a radix
 * sort can take.
 *
 *   traces   interval of start_time | trace_id, span_id, start_time
 *   logs     (day, within it) five minutes | severity_number, service_name, time
 *   metrics  (day, within it) hour | metric_name, series_id, time
 *
 * Texts become ranks: their place among the distinct texts of the block. Rows that are equal in all
 * of it stay in the order they came in, so the result depends on the block alone. */
#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/map.h"
#include "ingest/batch/batch.h"
#include "ingest/batch/radix.h"

struct sorter {
    struct arena *arena;
    const struct telemetry_block *block;
    const struct row_ref *rows; /* in the block's order */
    uint32_t n;
    struct radix_item *items, *spare;
};

static uint64_t *words_new(const struct sorter *s) { return arena_array(s->arena, uint64_t, s->n); }

/* Sorts by words[row], keeping the order among equal ones. */
static void sort_by(struct sorter *s, const uint64_t *words)
{
    uint32_t falls = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        s->items[i].key = words[s->items[i].row];
        falls += i > 0 && s->items[i].key < s->items[i - 1].key;
    }
    if (falls == 0) return;
    struct radix_item *sorted = radix_sort(s->items, s->spare, s->n);
    if (sorted != s->items) {
        s->spare = s->items;
        s->items = sorted;
    }
}

/* Distinct texts and, once ranked, the rank of each. */
struct ranks {
    struct arena *arena;
    struct map map;
    uint32_t n, cap;
    struct ranked {
        str text;
        uint32_t id;
    } * list;
    uint32_t *rank; /* by id */
};

static void ranks_init(struct ranks *r, struct arena *a)
{
    *r = (struct ranks){.arena = a, .cap = 64, .list = arena_array(a, struct ranked, 64)};
    map_init(&r->map, a, 64);
}

struct text_probe {
    const struct ranks *ranks;
    str text;
};

static bool same_text(const void *ctx, uint32_t id)
{
    const struct text_probe *p = ctx;
    return str_eq(p->ranks->list[id].text, p->text);
}

static uint32_t ranks_id(struct ranks *r, str text)
{
    uint32_t id;
    uint64_t hash = hash_str(text);
    struct text_probe probe = {r, text};
    if (map_find(&r->map, hash, same_text, &probe, &id)) return id;
    if (r->n == r->cap) {
        struct ranked *wider = arena_array(r->arena, struct ranked, (size_t)r->cap * 2);
        memcpy(wider, r->list, r->n * sizeof *wider);
        r->list = wider;
        r->cap *= 2;
    }
    r->list[r->n] = (struct ranked){text, r->n};
    map_add(&r->map, hash, r->n);
    return r->n++;
}

static int ranked_cmp(const void *a, const void *b)
{
    str x = ((const struct ranked *)a)->text, y = ((const struct ranked *)b)->text;
    size_t shared = x.len < y.len ? x.len : y.len;
    int c = shared ? memcmp(x.ptr, y.ptr, shared) : 0;
    return c ? c : (x.len > y.len) - (x.len < y.len);
}

static void ranks_settle(struct ranks *r)
{
    qsort(r->list, r->n, sizeof *r->list, ranked_cmp);
    r->rank = arena_array(r->arena, uint32_t, r->n);
    for (uint32_t i = 0; i < r->n; i++) r->rank[r->list[i].id] = i;
}

static uint64_t big_endian(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}

static const struct span_columns *spans_of(const struct sorter *s, uint32_t row)
{
    return &s->block->batches[s->rows[row].batch]->spans;
}

/* Two rows whose first eight bytes of trace_id are equal. */
static int span_cmp(const void *a, const void *b, void *ctx)
{
    const struct sorter *s = ctx;
    uint32_t x = ((const struct radix_item *)a)->row, y = ((const struct radix_item *)b)->row;
    const struct span_columns *p = spans_of(s, x), *q = spans_of(s, y);
    uint32_t i = s->rows[x].row, j = s->rows[y].row;
    int c = memcmp(p->trace_id[i] + 8, q->trace_id[j] + 8, 8);
    if (!c) c = memcmp(p->span_id[i], q->span_id[j], 8);
    if (!c) c = (p->start_time[i] > q->start_time[j]) - (p->start_time[i] < q->start_time[j]);
    return c ? c : (x > y) - (x < y);
}

/* What spans of a trace are told apart by, fetched once each. */
struct span_key {
    uint64_t id_end, span_id, time;
    struct radix_item item;
};

static struct span_key span_key(const struct sorter *s, struct radix_item item)
{
    const struct span_columns *c = spans_of(s, item.row);
    uint32_t i = s->rows[item.row].row;
    return (struct span_key){big_endian(c->trace_id[i] + 8), big_endian(c->span_id[i]),
                             c->start_time[i], item};
}

static bool span_before(const struct span_key *a, const struct span_key *b)
{
    if (a->id_end != b->id_end) return a->id_end < b->id_end;
    if (a->span_id != b->span_id) return a->span_id < b->span_id;
    return a->time < b->time;
}

enum { SHORT_RUN = 64 };

static void finish_short_run(const struct sorter *s, struct radix_item *items, size_t n)
{
    struct span_key keys[SHORT_RUN];
    for (size_t i = 0; i < n; i++) {
        struct span_key key = span_key(s, items[i]);
        size_t j = i;
        for (; j > 0 && span_before(&key, &keys[j - 1]); j--) keys[j] = keys[j - 1];
        keys[j] = key;
    }
    for (size_t i = 0; i < n; i++) items[i] = keys[i].item;
}

/* Runs of equal `hi` are short (a trace), so they are finished by comparing. */
static void finish_runs(struct sorter *s, const uint64_t *hi)
{
    for (uint32_t from = 0, to; from < s->n; from = to) {
        for (to = from + 1; to < s->n && hi[s->items[to].row] == hi[s->items[from].row]; to++)
            ;
        if (to - from > SHORT_RUN)
            qsort_r(s->items + from, to - from, sizeof *s->items, span_cmp, s);
        else if (to - from > 1)
            finish_short_run(s, s->items + from, to - from);
    }
}

static void order_traces(struct sorter *s, uint64_t *partition, uint64_t interval)
{
    uint64_t *hi = words_new(s);
    for (uint32_t i = 0; i < s->n; i++) {
        const struct span_columns *c = spans_of(s, i);
        hi[i] = big_endian(c->trace_id[s->rows[i].row]);
        partition[i] = c->start_time[s->rows[i].row] / interval;
    }
    sort_by(s, hi);
    finish_runs(s, hi);
    sort_by(s, partition);
}

static void order_logs(struct sorter *s, uint64_t *partition)
{
    const uint64_t bucket_ns = 300 * (uint64_t)NANOS_S;
    uint64_t *time = words_new(s), *middle = words_new(s), *bucket = words_new(s);
    struct ranks services;
    ranks_init(&services, s->arena);
    const struct telemetry_block *b = s->block;
    uint32_t **service = arena_array(s->arena, uint32_t *, b->n);
    for (size_t i = 0; i < b->n; i++) {
        const struct telemetry_batch *batch = b->batches[i];
        service[i] = arena_array(s->arena, uint32_t, batch->n_resources);
        for (uint32_t r = 0; r < batch->n_resources; r++)
            service[i][r] = ranks_id(&services, batch->resources[r].service_name);
    }
    ranks_settle(&services);
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t at = s->rows[i].batch, row = s->rows[i].row;
        const struct log_columns *c = &b->batches[at]->logs;
        time[i] = c->time[row];
        middle[i] =
            (uint64_t)c->severity_number[row] << 32 | services.rank[service[at][c->resource[row]]];
        bucket[i] = time[i] / bucket_ns;
        partition[i] = time[i] / NANOS_DAY;
    }
    sort_by(s, time);
    sort_by(s, middle);
    sort_by(s, bucket);
}

/* Distinct series of the block, each with the rank of its place in the table's order. */
struct series_set {
    struct arena *arena;
    struct map map;
    uint32_t n, cap;
    struct series_rank {
        uint64_t series;
        uint32_t name, id; /* name: its rank */
    } * list;
    uint32_t *rank; /* by id */
};

static void series_set_init(struct series_set *t, struct arena *a)
{
    enum { AT_FIRST = 1024 };
    *t = (struct series_set){
        .arena = a, .cap = AT_FIRST, .list = arena_array(a, struct series_rank, AT_FIRST)};
    map_init(&t->map, a, AT_FIRST);
}

struct series_probe {
    const struct series_set *set;
    uint64_t series;
    uint32_t name;
};

static bool same_series(const void *ctx, uint32_t id)
{
    const struct series_probe *p = ctx;
    const struct series_rank *s = &p->set->list[id];
    return s->series == p->series && s->name == p->name;
}

/* `likely`: an id to try first. Requests bring the series in the order they brought them before. */
static uint32_t series_id_of(struct series_set *t, uint64_t series, uint32_t name, uint32_t likely)
{
    struct series_probe p = {t, series, name};
    uint32_t id = likely;
    if ((likely < t->n && same_series(&p, likely)) ||
        map_find(&t->map, series, same_series, &p, &id))
        return id;
    if (t->n == t->cap) {
        struct series_rank *wider = arena_array(t->arena, struct series_rank, (size_t)t->cap * 2);
        memcpy(wider, t->list, t->n * sizeof *wider);
        t->list = wider;
        t->cap *= 2;
    }
    t->list[t->n] = (struct series_rank){series, name, t->n};
    map_add(&t->map, series, t->n);
    return t->n++;
}

static int series_cmp(const void *a, const void *b)
{
    const struct series_rank *x = a, *y = b;
    int c = (x->name > y->name) - (x->name < y->name);
    return c ? c : (x->series > y->series) - (x->series < y->series);
}

static void series_set_settle(struct series_set *t)
{
    qsort(t->list, t->n, sizeof *t->list, series_cmp);
    t->rank = arena_array(t->arena, uint32_t, t->n);
    for (uint32_t i = 0; i < t->n; i++) t->rank[t->list[i].id] = i;
}

/* What each batch's descriptions are called, as ranks: [batch][description]. */
static uint32_t **name_ranks(struct sorter *s)
{
    const struct telemetry_block *b = s->block;
    struct ranks names;
    ranks_init(&names, s->arena);
    uint32_t **desc = arena_array(s->arena, uint32_t *, b->n);
    for (size_t i = 0; i < b->n; i++) {
        const struct metric_columns *c = &b->batches[i]->metrics;
        desc[i] = arena_array(s->arena, uint32_t, c->n_descs);
        for (uint32_t d = 0; d < c->n_descs; d++) desc[i][d] = ranks_id(&names, c->descs[d].name);
    }
    ranks_settle(&names);
    for (size_t i = 0; i < b->n; i++)
        for (uint32_t d = 0; d < b->batches[i]->metrics.n_descs; d++)
            desc[i][d] = names.rank[desc[i][d]];
    return desc;
}

/* A block has far fewer series than rows, so name and series become one small number: it takes a
 * pass or two to sort by, where they took seven. */
static void order_metrics(struct sorter *s, uint64_t *partition)
{
    uint64_t *time = words_new(s), *place = words_new(s);
    uint32_t **name = name_ranks(s), id = 0;
    struct series_set set;
    series_set_init(&set, s->arena);
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t at = s->rows[i].batch, row = s->rows[i].row;
        const struct metric_columns *c = &s->block->batches[at]->metrics;
        time[i] = c->time[row];
        partition[i] = time[i] / NANOS_DAY;
        id = series_id_of(&set, c->series_id[row], name[at][c->desc[row]], i ? id + 1 : 0);
        place[i] = id;
    }
    series_set_settle(&set);
    for (uint32_t i = 0; i < s->n; i++) place[i] = time[i] / NANOS_HOUR << 32 | set.rank[place[i]];
    sort_by(s, time);
    sort_by(s, place);
}

static void group(struct sorter *s, const uint64_t *partition, uint32_t max_partitions,
                  struct block_order *ret)
{
    uint32_t distinct = s->n ? 1 : 0;
    for (uint32_t i = 1; i < s->n; i++)
        distinct += partition[s->items[i].row] != partition[s->items[i - 1].row];
    size_t groups = (distinct + max_partitions - 1) / max_partitions;
    ret->groups = arena_array(s->arena, struct row_group, groups);
    for (uint32_t i = 0; i < s->n; i++) {
        struct row_group *g = ret->n_groups ? &ret->groups[ret->n_groups - 1] : NULL;
        bool fresh = i == 0 || partition[s->items[i].row] != partition[s->items[i - 1].row];
        if (fresh && (!g || g->partitions == max_partitions)) {
            g = &ret->groups[ret->n_groups++];
            *g = (struct row_group){.at = i};
        }
        g->partitions += fresh;
        g->n++;
    }
}

static struct row_ref *rows_of(struct arena *a, const struct telemetry_block *b, uint32_t n)
{
    struct row_ref *rows = arena_array(a, struct row_ref, n);
    size_t at = 0;
    for (uint32_t i = 0; i < b->n; i++)
        for (uint32_t r = 0; r < telemetry_batch_rows(b->batches[i]); r++)
            rows[at++] = (struct row_ref){i, r};
    assert(at == n);
    return rows;
}

void block_order(struct arena *a, const struct telemetry_block *b,
                 const struct batch_partitioning *p, struct block_order *ret)
{
    assert(b->rows <= UINT32_MAX && p->max_partitions > 0 && p->traces_seconds > 0);
    uint32_t n = (uint32_t)b->rows;
    struct row_ref *sorted = arena_array(a, struct row_ref, n);
    *ret = (struct block_order){.n_rows = n, .rows = sorted};

    struct sorter s = {.arena = a,
                       .block = b,
                       .rows = rows_of(a, b, n),
                       .n = n,
                       .items = arena_array(a, struct radix_item, n),
                       .spare = arena_array(a, struct radix_item, n)};
    for (uint32_t i = 0; i < n; i++) s.items[i].row = i;
    uint64_t *partition = words_new(&s);
    switch (b->signal) {
    case SIGNAL_TRACES: order_traces(&s, partition, p->traces_seconds * (uint64_t)NANOS_S); break;
    case SIGNAL_LOGS: order_logs(&s, partition); break;
    default: order_metrics(&s, partition);
    }
    for (uint32_t i = 0; i < n; i++) sorted[i] = s.rows[s.items[i].row];
    group(&s, partition, p->max_partitions, ret);
}
