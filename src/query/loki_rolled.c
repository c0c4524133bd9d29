#include "query/loki_rolled.h"

enum {
    WINDOW_S = 300,
    WINDOWS_LEAST = 12, /* fewer are counted as quickly from the records */
    STRETCHES_MAX = 16, /* time ranges in the WHERE of one statement */
};

static bool same_label(const struct loki_source_stream *a, const struct loki_source_stream *b,
                       str name)
{
    const struct loki_label *x = loki_labels_find(&a->labels, name),
                            *y = loki_labels_find(&b->labels, name);
    if (!x) x = loki_labels_find(&a->metadata, name);
    if (!y) y = loki_labels_find(&b->metadata, name);
    return x && y ? str_eq(x->value, y->value) : x == y;
}

static bool same_labels(const struct loki_source_stream *a, const struct loki_source_stream *b,
                        const str *names, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!same_label(a, b, names[i])) return false;
    return true;
}

/* A count of a service is of all its streams: they must be selected, and the same as far as the
 * query looks. */
static bool services_stand_for_streams(struct query_job *j, const struct loki_selected *s,
                                       const str *names, uint32_t n, struct loki_rolled *ret)
{
    uint32_t n_services = s->plan.n_services;
    const struct loki_source_stream **first =
        arena_array(j->arena, const struct loki_source_stream *, n_services + 1);
    uint64_t *ids = arena_array(j->arena, uint64_t, n_services + 1);
    for (uint32_t i = 0; i < n_services; i++) {
        if (!s->whole[i]) return false;
        first[i] = NULL;
    }
    for (uint32_t i = 0; i < s->n; i++) {
        const struct loki_source_stream *one = &s->v[i], **of = &first[one->service];
        if (!*of) *of = one;
        ids[one->service] = (*of)->id;
        if (!same_labels(one, *of, names, n)) return false;
    }
    /* Services that are the same as the first are one with it: the store adds them up. */
    for (uint32_t i = 1; i < n_services; i++)
        if (same_labels(first[i], first[0], names, n)) ids[i] = ids[0];
    *ret = (struct loki_rolled){.services = s->plan.services, .streams = ids, .n = n_services};
    return true;
}

/* The grid's time, when its windows are whole windows of the rollup. */
static bool is_of_windows(const struct loki_grid *g, struct loki_stretch *ret)
{
    const nanos window = WINDOW_S * NANOS_S;
    if (!loki_grid_has_slots(g) || g->start % window || g->step % window || g->range % window ||
        g->start < g->range)
        return false;
    *ret = (struct loki_stretch){(g->start - g->range) / NANOS_S,
                                 (g->start + ((int64_t)g->n - 1) * g->step) / NANOS_S};
    return ret->to <= UINT32_MAX && ret->to - ret->after >= WINDOWS_LEAST * WINDOW_S;
}

/* --- windows that are there --- */

struct fresh {
    struct query_job *j;
    struct loki_stretches runs;
    uint32_t cap;
};

static void add_window(struct fresh *f, int64_t end)
{
    struct loki_stretches *r = &f->runs;
    if (r->n && r->v[r->n - 1].to == end - WINDOW_S) {
        r->v[r->n - 1].to = end;
        return;
    }
    if (r->n == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 16;
        struct loki_stretch *v = arena_array(f->j->arena, struct loki_stretch, f->cap);
        if (r->n) memcpy(v, r->v, r->n * sizeof *v);
        r->v = v;
    }
    r->v[r->n++] = (struct loki_stretch){end - WINDOW_S, end};
}

static status fresh_block(void *ctx, const struct native_block *b, struct err *err)
{
    struct fresh *f = ctx;
    const struct native_column *t = native_find(b, S("t"));
    if (!t) return err_set(err, ST_INTERNAL, ERR_NOPOS, "column t is missing");
    for (uint64_t i = 0; i < b->rows; i++) add_window(f, native_i64(t, i));
    return job_check(f->j, err);
}

/* The longest runs, as many as a statement shall name; they stay in the order of time. */
static void keep_longest(struct loki_stretches *r)
{
    while (r->n > STRETCHES_MAX) {
        uint32_t least = 0;
        for (uint32_t i = 1; i < r->n; i++)
            if (r->v[i].to - r->v[i].after < r->v[least].to - r->v[least].after) least = i;
        r->n--;
        memmove(r->v + least, r->v + least + 1, (r->n - least) * sizeof *r->v);
    }
}

static struct loki_stretches gaps(struct arena *a, const struct loki_stretch *whole,
                                  const struct loki_stretches *runs)
{
    struct loki_stretches r = {.v = arena_array(a, struct loki_stretch, runs->n + 1)};
    int64_t at = whole->after;
    for (uint32_t i = 0; i < runs->n; i++) {
        if (runs->v[i].after > at) r.v[r.n++] = (struct loki_stretch){at, runs->v[i].after};
        at = runs->v[i].to;
    }
    if (at < whole->to) r.v[r.n++] = (struct loki_stretch){at, whole->to};
    return r;
}

status loki_rolled_split(struct query_job *j, const struct loki_selected *s,
                         const struct loki_grid *g, const str *names, uint32_t n,
                         struct loki_split *ret, struct err *err)
{
    struct loki_stretch whole;
    *ret = (struct loki_split){0};
    if (!is_of_windows(g, &whole) || !services_stand_for_streams(j, s, names, n, &ret->rolled))
        return ST_OK;
    struct sql *q = arena_new(j->arena, struct sql);
    sql_init(q, j->arena);
    loki_plan_fresh(q, &whole);
    struct fresh f = {.j = j};
    TRY(fetch_rows(j->fetcher, q, fresh_block, &f, err));
    keep_longest(&f.runs);
    ret->rolled.in = f.runs;
    ret->raw = gaps(j->arena, &whole, &f.runs);
    return ST_OK;
}
