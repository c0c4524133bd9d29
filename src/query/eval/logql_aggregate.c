/* sum, avg, min, max, count, stddev, stdvar, topk, bottomk, sort over vectors. */
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "query/eval/logql_windows.h"

static bool is_listed(const struct logql_grouping *g, str name)
{
    for (uint32_t i = 0; i < g->n; i++)
        if (str_eq(g->labels[i], name)) return true;
    return false;
}

static struct loki_labels group_labels(struct arena *a, const struct logql_grouping *g,
                                       const struct loki_labels *l)
{
    struct loki_labels r = {.v = arena_array(a, struct loki_label, l->n + 1)};
    for (uint32_t i = 0; i < l->n; i++)
        if (g->given && is_listed(g, l->v[i].name) != g->without) r.v[r.n++] = l->v[i];
    return loki_labels_copy(a, &r);
}

struct groups {
    struct map by_labels;
    struct loki_labels *labels;
    uint32_t *of; /* series -> group */
    uint32_t n;
};

struct same_group {
    const struct groups *g;
    const struct loki_labels *labels;
};

static bool same(const void *ctx, uint32_t i)
{
    const struct same_group *s = ctx;
    return loki_labels_equal(&s->g->labels[i], s->labels);
}

static void make_groups(struct logql_eval *e, const struct logql_expr *x,
                        const struct logql_matrix *in, struct groups *g)
{
    *g = (struct groups){
        .labels = arena_array(e->arena, struct loki_labels, in->n + 1),
        .of = arena_array(e->arena, uint32_t, in->n + 1),
    };
    map_init(&g->by_labels, e->arena, in->n + 1);
    for (uint32_t i = 0; i < in->n; i++) {
        struct loki_labels l = group_labels(e->arena, &x->by, &in->v[i].labels);
        struct same_group c = {g, &l};
        uint64_t hash = loki_labels_hash(&l);
        if (!map_find(&g->by_labels, hash, same, &c, &g->of[i])) {
            g->of[i] = g->n;
            g->labels[g->n] = l;
            map_add(&g->by_labels, hash, g->n++);
        }
    }
}

static struct logql_series new_series(struct arena *a, struct loki_labels labels, uint32_t n)
{
    struct logql_series s = {labels, arena_array(a, double, n), arena_array(a, bool, n)};
    memset(s.values, 0, n * sizeof *s.values);
    memset(s.present, 0, n * sizeof *s.present);
    return s;
}

/* Running mean and sum of squared distances (Welford) of one group. */
struct tally {
    double value, mean, squares;
    uint64_t n;
};

static void tally_add(struct tally *t, enum logql_vector_op op, double v)
{
    t->n++;
    double d = v - t->mean;
    t->mean += d / (double)t->n;
    t->squares += d * (v - t->mean);
    if (op == LOGQL_MIN)
        t->value = t->n == 1 || v < t->value || isnan(t->value) ? v : t->value;
    else if (op == LOGQL_MAX)
        t->value = t->n == 1 || v > t->value || isnan(t->value) ? v : t->value;
    else
        t->value += v;
}

static double tally_value(const struct tally *t, enum logql_vector_op op)
{
    switch (op) {
    case LOGQL_AVG: return t->value / (double)t->n;
    case LOGQL_COUNT: return (double)t->n;
    case LOGQL_STDDEV: return sqrt(t->squares / (double)t->n);
    case LOGQL_STDVAR: return t->squares / (double)t->n;
    default: return t->value;
    }
}

static void fold_groups(struct logql_eval *e, const struct logql_expr *x,
                        const struct logql_matrix *in, struct logql_matrix *ret)
{
    struct groups g;
    make_groups(e, x, in, &g);
    *ret =
        (struct logql_matrix){.n = g.n, .v = arena_array(e->arena, struct logql_series, g.n + 1)};
    for (uint32_t i = 0; i < g.n; i++) ret->v[i] = new_series(e->arena, g.labels[i], e->grid.n);
    struct tally *t = arena_array(e->arena, struct tally, g.n + 1);
    for (uint32_t k = 0; k < e->grid.n; k++) {
        memset(t, 0, g.n * sizeof *t);
        for (uint32_t i = 0; i < in->n; i++)
            if (in->v[i].present[k]) tally_add(&t[g.of[i]], x->vector_op, in->v[i].values[k]);
        for (uint32_t i = 0; i < g.n; i++)
            if (t[i].n) {
                ret->v[i].present[k] = true;
                ret->v[i].values[k] = tally_value(&t[i], x->vector_op);
            }
    }
}

/* A series at one time, for sorting: NaN last, equal values by labels. */
struct ranked {
    double value;
    uint32_t series, group;
    bool descending;
};

static int by_rank(const void *px, const void *py)
{
    const struct ranked *x = px, *y = py;
    if (isnan(x->value) || isnan(y->value)) return isnan(x->value) - isnan(y->value);
    if (x->value != y->value) return (x->value < y->value) == x->descending ? 1 : -1;
    return (x->series > y->series) - (x->series < y->series);
}

/* topk and bottomk keep series as they are, at the times when they are among the first k of their
 * group. */
static void pick(struct logql_eval *e, const struct logql_expr *x, const struct logql_matrix *in,
                 struct logql_matrix *ret)
{
    struct groups g;
    make_groups(e, x, in, &g);
    bool sorts = x->vector_op == LOGQL_SORT || x->vector_op == LOGQL_SORT_DESC;
    bool descending = x->vector_op == LOGQL_TOPK || x->vector_op == LOGQL_SORT_DESC;
    *ret = (struct logql_matrix){.n = in->n,
                                 .v = arena_array(e->arena, struct logql_series, in->n + 1)};
    for (uint32_t i = 0; i < in->n; i++)
        ret->v[i] = new_series(e->arena, in->v[i].labels, e->grid.n);
    struct ranked *r = arena_array(e->arena, struct ranked, in->n + 1);
    int64_t *taken = arena_array(e->arena, int64_t, g.n + 1);
    uint32_t n = 0;
    for (uint32_t k = 0; k < e->grid.n; k++) {
        n = 0;
        for (uint32_t i = 0; i < in->n; i++)
            if (in->v[i].present[k])
                r[n++] = (struct ranked){in->v[i].values[k], i, g.of[i], descending};
        qsort(r, n, sizeof *r, by_rank);
        memset(taken, 0, g.n * sizeof *taken);
        for (uint32_t i = 0; i < n; i++) {
            if (!sorts && taken[r[i].group]++ >= x->k) continue;
            ret->v[r[i].series].present[k] = true;
            ret->v[r[i].series].values[k] = r[i].value;
        }
    }
    if (e->grid.n != 1) return; /* an order there is at an instant only */
    struct logql_series *ordered = arena_array(e->arena, struct logql_series, n + 1);
    for (uint32_t i = 0; i < n; i++) ordered[i] = ret->v[r[i].series];
    *ret = (struct logql_matrix){.v = ordered, .n = n};
}

status logql_aggregate(struct logql_eval *e, const struct logql_expr *x,
                       const struct logql_matrix *in, struct logql_matrix *ret, struct err *err)
{
    if (in->scalar)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "an aggregation of a number: a vector is needed");
    if (x->vector_op >= LOGQL_TOPK)
        pick(e, x, in, ret);
    else
        fold_groups(e, x, in, ret);
    return ST_OK;
}
