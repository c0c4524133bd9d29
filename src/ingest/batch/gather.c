/* Many small batches as one. A block of a thousand clients lies in memory as thousands of batches
 * of a few rows; order and encode go over its rows in the table's order, column by column, and find
 * each of them somewhere else. One pass in the order of memory puts the columns together. */
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "ingest/batch/batch.h"
#include "model/columns.h"

enum { SMALL_ROWS = 128, AT_LEAST = 16 }; /* rows a batch on average, batches */

/* What is gathered into one ends here: memory of this size is used again and again, that of a whole
 * block would be asked of the kernel each time. */
enum { RUN_ROWS = 8192, RUN_ATTRS = 1 << 20 };
enum { AHEAD = 4, LINE = 64, LINES = 4 };

struct gather {
    struct telemetry_batch *to;
    const struct telemetry_batch *from;
    uint32_t at;                /* rows before those of `from` */
    uint32_t attrs;             /* attributes before those of `from` */
    uint32_t *resource, *scope; /* where those of `from` are */
    struct map resources, scopes;
    const void *wanted; /* what same_resource and same_scope compare with */
};

/* Batches that become one, and how much there is of all that is copied. */
struct run {
    struct telemetry_batch *const *batches;
    size_t n;
    uint64_t rows, attrs, resources, scopes, events, links, most_resources, most_scopes;
};

/* Those of the block from `at` on. */
static struct run run_from(const struct telemetry_block *b, size_t at)
{
    struct run r = {.batches = b->batches + at};
    for (size_t i = at; i < b->n && r.rows < RUN_ROWS && r.attrs < RUN_ATTRS; i++) {
        const struct telemetry_batch *t = b->batches[i];
        if (i + AHEAD < b->n) __builtin_prefetch(b->batches[i + AHEAD]);
        r.n++;
        r.rows += telemetry_batch_rows(t);
        r.attrs += t->n_attrs;
        r.resources += t->n_resources;
        r.scopes += t->n_scopes;
        if (t->n_resources > r.most_resources) r.most_resources = t->n_resources;
        if (t->n_scopes > r.most_scopes) r.most_scopes = t->n_scopes;
        if (t->signal != SIGNAL_TRACES) continue;
        r.events += t->spans.n_events;
        r.links += t->spans.n_links;
    }
    return r;
}

static struct telemetry_batch *batch_new(struct arena *a, const struct run *r)
{
    struct telemetry_batch *t = arena_new(a, struct telemetry_batch);
    t->arena = a;
    t->signal = r->batches[0]->signal;
    t->attrs = arena_array(a, struct attr, r->attrs);
    t->cap_attrs = (uint32_t)r->attrs;
    t->resources = arena_array(a, struct resource, r->resources);
    t->scopes = arena_array(a, struct scope, r->scopes);
#define SPANS(column) t->spans.column = arena_alloc(a, sizeof *t->spans.column * r->rows, 16);
#define LOGS(column) t->logs.column = arena_alloc(a, sizeof *t->logs.column * r->rows, 16);
    if (t->signal == SIGNAL_TRACES) {
        SPAN_COLUMNS(SPANS)
        t->spans.event = arena_array(a, struct span_event, r->events);
        t->spans.link = arena_array(a, struct span_link, r->links);
    } else {
        LOG_COLUMNS(LOGS)
    }
    return t;
}

/* ---- what rows share ---- */

static bool same_value(const struct attr_value *x, const struct attr_value *y)
{
    if (x->type != y->type) return false;
    switch (x->type) {
    case ATTR_INT:
    case ATTR_BOOL: return x->i == y->i;
    case ATTR_DOUBLE: return memcmp(&x->d, &y->d, sizeof x->d) == 0;
    case ATTR_EMPTY: return true;
    default: return str_eq(x->text, y->text);
    }
}

/* `x` lies in what is gathered, `y` in `from`. */
static bool same_attrs(const struct gather *g, struct attr_range x, struct attr_range y)
{
    if (x.n != y.n) return false;
    const struct attr *p = g->to->attrs + x.at, *q = g->from->attrs + y.at;
    for (uint32_t i = 0; i < x.n; i++)
        if (!str_eq(p[i].key, q[i].key) || !same_value(&p[i].value, &q[i].value)) return false;
    return true;
}

static bool same_resource(const void *ctx, uint32_t i)
{
    const struct gather *g = ctx;
    const struct resource *x = &g->to->resources[i], *y = g->wanted;
    return x->dropped_attributes == y->dropped_attributes &&
           str_eq(x->service_name, y->service_name) && str_eq(x->schema_url, y->schema_url) &&
           str_eq(x->entity_refs, y->entity_refs) && same_attrs(g, x->attrs, y->attrs);
}

static bool same_scope(const void *ctx, uint32_t i)
{
    const struct gather *g = ctx;
    const struct scope *x = &g->to->scopes[i], *y = g->wanted;
    return x->dropped_attributes == y->dropped_attributes && str_eq(x->name, y->name) &&
           str_eq(x->version, y->version) && str_eq(x->schema_url, y->schema_url) &&
           same_attrs(g, x->attrs, y->attrs);
}

/* A resource's hash says nothing of the order of its attributes, in which they are to be kept. */
static uint64_t in_order(const struct gather *g, uint64_t hash, struct attr_range r)
{
    for (uint32_t i = 0; i < r.n; i++)
        hash = hash_mix(hash, hash_str(g->from->attrs[r.at + i].key));
    return hash;
}

static struct attr_range shifted(struct attr_range r, uint32_t by)
{
    return (struct attr_range){r.at + by, r.n};
}

static void origins_gather(struct gather *g)
{
    struct telemetry_batch *to = g->to;
    for (uint32_t i = 0; i < g->from->n_resources; i++) {
        const struct resource *r = g->wanted = &g->from->resources[i];
        uint64_t hash = in_order(g, r->hash, r->attrs);
        if (map_find(&g->resources, hash, same_resource, g, &g->resource[i])) continue;
        map_add(&g->resources, hash, g->resource[i] = to->n_resources);
        to->resources[to->n_resources] = *r;
        to->resources[to->n_resources++].attrs = shifted(r->attrs, g->attrs);
    }
    for (uint32_t i = 0; i < g->from->n_scopes; i++) {
        const struct scope *s = g->wanted = &g->from->scopes[i];
        uint64_t hash = in_order(g, s->hash, s->attrs);
        if (map_find(&g->scopes, hash, same_scope, g, &g->scope[i])) continue;
        map_add(&g->scopes, hash, g->scope[i] = to->n_scopes);
        to->scopes[to->n_scopes] = *s;
        to->scopes[to->n_scopes++].attrs = shifted(s->attrs, g->attrs);
    }
}

/* ---- rows ---- */

static void copy(void *to, const void *from, size_t bytes)
{
    if (bytes) memcpy(to, from, bytes);
}

static void shift(struct attr_range *runs, uint32_t n, uint32_t by)
{
    for (uint32_t i = 0; i < n; i++) runs[i].at += by;
}

static void rename_all(uint32_t *of_row, uint32_t n, const uint32_t *new_name)
{
    for (uint32_t i = 0; i < n; i++) of_row[i] = new_name[of_row[i]];
}

static void spans_gather(struct gather *g)
{
    struct span_columns *to = &g->to->spans;
    const struct span_columns *from = &g->from->spans;
    uint32_t n = from->n;
#define COPY(column) copy(to->column + g->at, from->column, n * sizeof *to->column);
    SPAN_COLUMNS(COPY)
    copy(to->event + to->n_events, from->event, from->n_events * sizeof *to->event);
    copy(to->link + to->n_links, from->link, from->n_links * sizeof *to->link);
    rename_all(to->resource + g->at, n, g->resource);
    rename_all(to->scope + g->at, n, g->scope);
    shift(to->attrs + g->at, n, g->attrs);
    shift(to->events + g->at, n, to->n_events);
    shift(to->links + g->at, n, to->n_links);
    for (uint32_t i = 0; i < from->n_events; i++) to->event[to->n_events++].attrs.at += g->attrs;
    for (uint32_t i = 0; i < from->n_links; i++) to->link[to->n_links++].attrs.at += g->attrs;
    to->n += n;
}

static void logs_gather(struct gather *g)
{
    struct log_columns *to = &g->to->logs;
    const struct log_columns *from = &g->from->logs;
    uint32_t n = from->n;
    LOG_COLUMNS(COPY)
    rename_all(to->resource + g->at, n, g->resource);
    rename_all(to->scope + g->at, n, g->scope);
    shift(to->attrs + g->at, n, g->attrs);
    to->n += n;
}

static void batch_gather(struct gather *g)
{
    struct telemetry_batch *to = g->to;
    g->at = telemetry_batch_rows(to);
    g->attrs = to->n_attrs;
    copy(to->attrs + g->attrs, g->from->attrs, g->from->n_attrs * sizeof *to->attrs);
    to->n_attrs += g->from->n_attrs;
    origins_gather(g);
    if (to->signal == SIGNAL_TRACES)
        spans_gather(g);
    else
        logs_gather(g);
}

static struct telemetry_batch *run_gather(struct arena *a, const struct run *r)
{
    struct gather g = {.to = batch_new(a, r),
                       .resource = arena_array(a, uint32_t, r->most_resources),
                       .scope = arena_array(a, uint32_t, r->most_scopes)};
    map_init(&g.resources, a, AT_LEAST);
    map_init(&g.scopes, a, AT_LEAST);
    for (size_t i = 0; i < r->n; i++) {
        for (size_t k = 0; i + AHEAD < r->n && k < LINES; k++)
            __builtin_prefetch((const char *)r->batches[i + AHEAD] + k * LINE);
        g.from = r->batches[i];
        batch_gather(&g);
    }
    return g.to;
}

/* Points are folded already; what was sampled has its sums apart, batch by batch. */
static bool is_worth_it(const struct telemetry_block *b)
{
    if (b->signal == SIGNAL_METRICS || b->n < AT_LEAST || b->rows / b->n >= SMALL_ROWS)
        return false;
    for (size_t i = 0; i < b->n; i++)
        if (b->batches[i]->red) return false;
    return true;
}

const struct telemetry_block *block_gather(struct arena *a, const struct telemetry_block *b)
{
    if (!is_worth_it(b)) return b;
    struct telemetry_block *ret = arena_new(a, struct telemetry_block);
    *ret = *b;
    ret->n = 0;
    ret->batches = arena_array(a, struct telemetry_batch *, b->n);
    for (size_t at = 0; at < b->n;) {
        struct run r = run_from(b, at);
        ret->batches[ret->n++] = run_gather(a, &r);
        at += r.n;
    }
    return ret;
}
