#include "ingest/batch/fold.h"

#include <assert.h>
#include <stdlib.h>

#include "base/map.h"
#include "model/columns.h"

enum { NONE = UINT32_MAX, SERIES_AT_FIRST = 256, AT_LEAST = 64 };

/* What all points of a series share: in the fold's batch. */
struct fold_series {
    uint64_t id;
    uint32_t desc;
    struct attr_range attrs;
    struct num_range bounds;
};

struct fold {
    struct telemetry_batch *batch;
    struct map by_id;        /* of series */
    uint32_t n_series, next; /* next: the series that is likely to come now */
    struct fold_series *series;
    uint32_t cap_series, cap_rows, cap_attrs, cap_descs, cap_resources, cap_scopes, cap_u64s,
        cap_f64s, cap_exemplars;
};

/* What is taken over now: entries of `from` that have their copy already, else NONE. */
struct taking {
    struct fold *f;
    const struct telemetry_batch *from;
    uint32_t *descs, *resources, *scopes;
};

/* ---- memory: arrays that grow lie on the heap, texts in the arena ---- */

static void arrays_free(void *fold)
{
    struct fold *f = fold;
    struct telemetry_batch *b = f->batch;
    struct metric_columns *c = &b->metrics;
#define FREE(column) free(c->column);
    METRIC_COLUMNS(FREE)
    METRIC_OPTIONAL_COLUMNS(FREE)
#undef FREE
    free(c->descs);
    free(c->u64s);
    free(c->f64s);
    free(c->exemplar);
    free(b->attrs);
    free(b->resources);
    free(b->scopes);
    free(f->series);
}

struct fold *fold_new(void)
{
    struct arena *a = malloc(sizeof *a);
    if (!a) abort();
    arena_init(a, SIZE_MAX / 2);
    struct fold *f = arena_new(a, struct fold);
    f->batch = arena_new(a, struct telemetry_batch);
    f->batch->arena = a;
    f->batch->signal = SIGNAL_METRICS;
    map_init(&f->by_id, a, SERIES_AT_FIRST);
    arena_defer(a, arrays_free, f);
    return f;
}

struct telemetry_batch *fold_batch(struct fold *f) { return f->batch; }

static void *wider(void *array, size_t elem, uint32_t cap)
{
    void *p = reallocarray(array, cap, elem);
    if (!p) abort();
    return p;
}

static uint32_t wider_cap(uint32_t cap, uint64_t need)
{
    uint64_t n = (uint64_t)cap * 2 > need ? (uint64_t)cap * 2 : need;
    assert(n <= UINT32_MAX);
    return n < AT_LEAST ? AT_LEAST : (uint32_t)n;
}

#define ROOM(array, cap, need)                                \
    do {                                                      \
        if ((uint64_t)(need) > (cap)) {                       \
            (cap) = wider_cap((cap), (need));                 \
            (array) = wider((array), sizeof *(array), (cap)); \
        }                                                     \
    } while (0)

/* Room for rows in all columns, and the columns that `from` is the first to have. */
static void rows_room(struct fold *f, const struct metric_columns *from)
{
    struct metric_columns *c = &f->batch->metrics;
    uint64_t need = (uint64_t)c->n + from->n;
    if (need > f->cap_rows) {
        f->cap_rows = wider_cap(f->cap_rows, need);
#define WIDER(column) c->column = wider(c->column, sizeof *c->column, f->cap_rows);
#define WIDER_SOME(column) \
    if (c->column) WIDER(column)
        METRIC_COLUMNS(WIDER)
        METRIC_OPTIONAL_COLUMNS(WIDER_SOME)
    }
#define BEGIN(column)                                   \
    if (from->column && !c->column) {                   \
        WIDER(column)                                   \
        memset(c->column, 0, sizeof *c->column * c->n); \
    }
    METRIC_OPTIONAL_COLUMNS(BEGIN)
}

uint64_t fold_bytes(const struct fold *f)
{
    const struct telemetry_batch *b = f->batch;
    const struct metric_columns *c = &b->metrics;
    uint64_t row = 0;
#define SIZE(column) row += c->column ? sizeof *c->column : 0;
    METRIC_COLUMNS(SIZE)
    METRIC_OPTIONAL_COLUMNS(SIZE)
#undef SIZE
    return b->arena->used + row * c->n + b->n_attrs * sizeof *b->attrs +
           b->n_resources * sizeof *b->resources + b->n_scopes * sizeof *b->scopes +
           c->n_descs * sizeof *c->descs + c->n_exemplars * sizeof *c->exemplar +
           ((uint64_t)c->n_u64s + c->n_f64s) * 8 + f->n_series * sizeof *f->series;
}

/* ---- copies ---- */

static struct attr_range attrs_copy(struct taking *t, struct attr_range run)
{
    struct telemetry_batch *b = t->f->batch;
    if (run.n == 0) return run;
    ROOM(b->attrs, t->f->cap_attrs, (uint64_t)b->n_attrs + run.n);
    for (uint32_t i = 0; i < run.n; i++) {
        struct attr a = t->from->attrs[run.at + i];
        a.key = arena_str(b->arena, a.key);
        switch (a.value.type) {
        case ATTR_INT:
        case ATTR_DOUBLE:
        case ATTR_BOOL:
        case ATTR_EMPTY: break;
        default: a.value.text = arena_str(b->arena, a.value.text);
        }
        b->attrs[b->n_attrs + i] = a;
    }
    struct attr_range copy = {b->n_attrs, run.n};
    b->n_attrs += run.n;
    return copy;
}

static uint32_t resource_copy(struct taking *t, uint32_t i)
{
    struct telemetry_batch *b = t->f->batch;
    if (t->resources[i] != NONE) return t->resources[i];
    struct resource r = t->from->resources[i];
    r.attrs = attrs_copy(t, r.attrs);
    r.schema_url = arena_str(b->arena, r.schema_url);
    r.entity_refs = arena_str(b->arena, r.entity_refs);
    r.service_name = arena_str(b->arena, r.service_name);
    ROOM(b->resources, t->f->cap_resources, b->n_resources + 1);
    b->resources[b->n_resources] = r;
    return t->resources[i] = b->n_resources++;
}

static uint32_t scope_copy(struct taking *t, uint32_t i)
{
    struct telemetry_batch *b = t->f->batch;
    if (t->scopes[i] != NONE) return t->scopes[i];
    struct scope s = t->from->scopes[i];
    s.name = arena_str(b->arena, s.name);
    s.version = arena_str(b->arena, s.version);
    s.schema_url = arena_str(b->arena, s.schema_url);
    s.attrs = attrs_copy(t, s.attrs);
    ROOM(b->scopes, t->f->cap_scopes, b->n_scopes + 1);
    b->scopes[b->n_scopes] = s;
    return t->scopes[i] = b->n_scopes++;
}

static uint32_t desc_copy(struct taking *t, uint32_t i)
{
    struct telemetry_batch *b = t->f->batch;
    struct metric_columns *c = &b->metrics;
    if (t->descs[i] != NONE) return t->descs[i];
    struct metric_desc d = t->from->metrics.descs[i];
    d.name = arena_str(b->arena, d.name);
    d.description = arena_str(b->arena, d.description);
    d.unit = arena_str(b->arena, d.unit);
    d.metadata = attrs_copy(t, d.metadata);
    d.resource = resource_copy(t, d.resource);
    d.scope = scope_copy(t, d.scope);
    ROOM(c->descs, t->f->cap_descs, c->n_descs + 1);
    c->descs[c->n_descs] = d;
    return t->descs[i] = c->n_descs++;
}

static struct num_range f64s_copy(struct taking *t, struct num_range run)
{
    struct metric_columns *c = &t->f->batch->metrics;
    if (run.n == 0) return (struct num_range){};
    ROOM(c->f64s, t->f->cap_f64s, (uint64_t)c->n_f64s + run.n);
    memcpy(c->f64s + c->n_f64s, t->from->metrics.f64s + run.at, run.n * sizeof *c->f64s);
    struct num_range copy = {c->n_f64s, run.n};
    c->n_f64s += run.n;
    return copy;
}

/* ---- series ---- */

struct series_probe {
    const struct fold *f;
    uint64_t id;
    str name;
};

/* The name too: what differs in more than a hash shows must not get another metric's name. */
static bool is_series(const void *ctx, uint32_t i)
{
    const struct series_probe *p = ctx;
    const struct fold_series *s = &p->f->series[i];
    return s->id == p->id && str_eq(p->f->batch->metrics.descs[s->desc].name, p->name);
}

static uint32_t series_new(struct taking *t, uint32_t row)
{
    struct fold *f = t->f;
    const struct metric_columns *from = &t->from->metrics;
    struct fold_series s = {.id = from->series_id[row],
                            .desc = desc_copy(t, from->desc[row]),
                            .attrs = attrs_copy(t, from->attrs[row])};
    if (from->explicit_bounds) s.bounds = f64s_copy(t, from->explicit_bounds[row]);
    ROOM(f->series, f->cap_series, f->n_series + 1);
    f->series[f->n_series] = s;
    map_add(&f->by_id, s.id, f->n_series);
    return f->n_series++;
}

/* Requests bring the series in the order they brought them before: the one behind the last is tried
 * first. */
static const struct fold_series *series_of(struct taking *t, uint32_t row)
{
    struct fold *f = t->f;
    const struct metric_columns *from = &t->from->metrics;
    struct series_probe p = {f, from->series_id[row], from->descs[from->desc[row]].name};
    uint32_t i = f->next;
    if ((i >= f->n_series || !is_series(&p, i)) && !map_find(&f->by_id, p.id, is_series, &p, &i))
        i = series_new(t, row);
    f->next = i + 1;
    return &f->series[i];
}

/* ---- rows ---- */

static void numbers_add(struct metric_columns *c, const struct metric_columns *from)
{
#define COPY(column) memcpy(c->column + c->n, from->column, sizeof *c->column * from->n);
#define COPY_SOME(column) \
    if (from->column)     \
        COPY(column)      \
    else if (c->column)   \
        memset(c->column + c->n, 0, sizeof *c->column * from->n);
    COPY(series_id)
    COPY(time)
    COPY(start_time)
    COPY(flags)
    COPY(present)
    COPY(value)
    COPY(int_value)
    METRIC_OPTIONAL_COLUMNS(COPY_SOME)
}

/* Runs of counts: all of them together, one after the other. */
static void counts_add(struct fold *f, const struct metric_columns *from)
{
    struct metric_columns *c = &f->batch->metrics;
    if (from->n_u64s == 0) return;
    ROOM(c->u64s, f->cap_u64s, (uint64_t)c->n_u64s + from->n_u64s);
    memcpy(c->u64s + c->n_u64s, from->u64s, from->n_u64s * sizeof *c->u64s);
#define SHIFT(column) \
    for (uint32_t i_ = 0; from->column && i_ < from->n; i_++) c->column[c->n + i_].at += c->n_u64s;
    SHIFT(bucket_counts)
    SHIFT(positive_counts)
    SHIFT(negative_counts)
    c->n_u64s += from->n_u64s;
}

static void rows_add(struct taking *t)
{
    const struct metric_columns *from = &t->from->metrics;
    struct metric_columns *c = &t->f->batch->metrics;
    for (uint32_t i = 0, to = c->n; i < from->n; i++, to++) {
        const struct fold_series *s = series_of(t, i);
        c->desc[to] = s->desc;
        c->attrs[to] = s->attrs;
        if (from->explicit_bounds) c->explicit_bounds[to] = s->bounds;
        if (from->quantiles) {
            c->quantiles[to] = f64s_copy(t, from->quantiles[i]);
            c->quantile_values[to] = f64s_copy(t, from->quantile_values[i]);
        }
    }
}

static void exemplars_add(struct taking *t)
{
    const struct metric_columns *from = &t->from->metrics;
    struct metric_columns *c = &t->f->batch->metrics;
    ROOM(c->exemplar, t->f->cap_exemplars, (uint64_t)c->n_exemplars + from->n_exemplars);
    for (uint32_t i = 0; i < from->n_exemplars; i++) {
        struct exemplar e = from->exemplar[i];
        e.point += c->n;
        e.attrs = attrs_copy(t, e.attrs);
        c->exemplar[c->n_exemplars++] = e;
    }
}

static uint32_t *none(uint32_t n)
{
    uint32_t *list = malloc(n * sizeof *list + 1);
    if (!list) abort();
    memset(list, 0xff, n * sizeof *list);
    return list;
}

static void account_add(struct telemetry_batch *b, const struct telemetry_batch *from)
{
    if (b->received_at == 0) b->received_at = from->received_at;
    b->received += from->received;
    for (int i = 0; i < REJECT_REASONS; i++) b->rejected[i] += from->rejected[i];
    for (int i = 0; i < DROP_POLICIES; i++) b->dropped[i] += from->dropped[i];
}

void fold_add(struct fold *f, const struct telemetry_batch *from)
{
    struct telemetry_batch *b = f->batch;
    const struct metric_columns *m = &from->metrics;
    struct taking t = {f, from, none(m->n_descs), none(from->n_resources), none(from->n_scopes)};
    account_add(b, from);
    if (m->n > 0) {
        rows_room(f, m);
        numbers_add(&b->metrics, m);
        counts_add(f, m);
        rows_add(&t);
        exemplars_add(&t);
        b->metrics.n += m->n;
    }
    free(t.descs);
    free(t.resources);
    free(t.scopes);
}
