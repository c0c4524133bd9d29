/* a + b, a > bool b, a and on (x) b. Vectors are matched one to one by all labels, or those that on
 * and ignoring leave. */
#include <math.h>

#include "base/hash.h"
#include "query/eval/logql_windows.h"

static double calculate(enum logql_binary_op op, double a, double b)
{
    switch (op) {
    case LOGQL_OP_ADD: return a + b;
    case LOGQL_OP_SUB: return a - b;
    case LOGQL_OP_MUL: return a * b;
    case LOGQL_OP_DIV: return b == 0 ? NAN : a / b;
    case LOGQL_OP_MOD: return b == 0 ? NAN : fmod(a, b);
    case LOGQL_OP_POW: return pow(a, b);
    case LOGQL_OP_EQ: return a == b;
    case LOGQL_OP_NEQ: return a != b;
    case LOGQL_OP_GT: return a > b;
    case LOGQL_OP_GTE: return a >= b;
    case LOGQL_OP_LT: return a < b;
    case LOGQL_OP_LTE: return a <= b;
    default: return NAN;
    }
}

/* The value of `a op b`, where a comparison without bool passes `kept` or nothing. */
static bool combine(const struct logql_expr *x, double a, double b, double kept, double *ret)
{
    *ret = calculate(x->binary_op, a, b);
    if (!logql_is_comparison(x->binary_op) || x->returns_bool) return true;
    if (*ret == 0) return false;
    *ret = kept;
    return true;
}

static struct logql_series empty_series(struct logql_eval *e, struct loki_labels labels)
{
    struct logql_series s = {labels, arena_array(e->arena, double, e->grid.n),
                             arena_array(e->arena, bool, e->grid.n)};
    memset(s.present, 0, e->grid.n * sizeof *s.present);
    return s;
}

static void with_number(struct logql_eval *e, const struct logql_expr *x,
                        const struct logql_matrix *vector, double number, bool number_left,
                        struct logql_matrix *ret)
{
    *ret = (struct logql_matrix){.n = vector->n,
                                 .v = arena_array(e->arena, struct logql_series, vector->n + 1)};
    for (uint32_t i = 0; i < vector->n; i++) {
        const struct logql_series *in = &vector->v[i];
        struct logql_series out = empty_series(e, in->labels);
        for (uint32_t k = 0; k < e->grid.n; k++) {
            double v = in->values[k];
            out.present[k] = in->present[k] && combine(x, number_left ? number : v,
                                                       number_left ? v : number, v, &out.values[k]);
        }
        ret->v[i] = out;
    }
}

/* What two series must have in common. */
static struct loki_labels signature(struct arena *a, const struct logql_grouping *g,
                                    const struct loki_labels *l)
{
    if (!g->given) return *l;
    struct loki_labels r = {.v = arena_array(a, struct loki_label, l->n + 1)};
    for (uint32_t i = 0; i < l->n; i++) {
        bool listed = false;
        for (uint32_t k = 0; k < g->n; k++) listed = listed || str_eq(g->labels[k], l->v[i].name);
        if (listed != g->without) r.v[r.n++] = l->v[i];
    }
    return loki_labels_copy(a, &r);
}

/* Series of one signature, chained; -1 ends. */
struct side {
    const struct logql_matrix *m;
    struct loki_labels *signatures;
    int64_t *next;
    struct map first;
};

struct wanted {
    const struct side *side;
    const struct loki_labels *signature;
};

static bool same(const void *ctx, uint32_t i)
{
    const struct wanted *w = ctx;
    return loki_labels_equal(&w->side->signatures[i], w->signature);
}

static int64_t first_of(const struct side *s, const struct loki_labels *sig)
{
    uint32_t at;
    struct wanted w = {s, sig};
    return map_find(&s->first, loki_labels_hash(sig), same, &w, &at) ? (int64_t)at : -1;
}

static void index_side(struct logql_eval *e, const struct logql_expr *x,
                       const struct logql_matrix *m, struct side *s)
{
    *s = (struct side){.m = m,
                       .signatures = arena_array(e->arena, struct loki_labels, m->n + 1),
                       .next = arena_array(e->arena, int64_t, m->n + 1)};
    map_init(&s->first, e->arena, m->n + 1);
    for (uint32_t i = 0; i < m->n; i++) {
        s->signatures[i] = signature(e->arena, &x->by, &m->v[i].labels);
        s->next[i] = -1;
        int64_t at = first_of(s, &s->signatures[i]);
        if (at < 0) {
            map_add(&s->first, loki_labels_hash(&s->signatures[i]), i);
        } else {
            s->next[i] = s->next[at];
            s->next[at] = i;
        }
    }
}

/* The one series of the signature that is present at time k: -1 none, -2 several. */
static int64_t present_at(const struct side *s, const struct loki_labels *sig, uint32_t k)
{
    int64_t hit = -1;
    for (int64_t i = first_of(s, sig); i >= 0; i = s->next[i]) {
        if (!s->m->v[i].present[k]) continue;
        if (hit >= 0) return -2;
        hit = i;
    }
    return hit;
}

static status one_to_one(struct logql_eval *e, const struct logql_expr *x, const struct side *l,
                         const struct side *r, struct logql_matrix *ret, struct err *err)
{
    *ret = (struct logql_matrix){.v = arena_array(e->arena, struct logql_series, l->m->n + 1)};
    for (uint32_t i = 0; i < l->m->n; i++) {
        const struct logql_series *in = &l->m->v[i];
        if (first_of(r, &l->signatures[i]) < 0) continue;
        struct logql_series out = empty_series(e, l->signatures[i]);
        for (uint32_t k = 0; k < e->grid.n; k++) {
            if (!in->present[k]) continue;
            int64_t match = present_at(r, &l->signatures[i], k);
            if (match == -2 || (match >= 0 && present_at(l, &l->signatures[i], k) == -2))
                return err_set(err, ST_INVALID, ERR_NOPOS,
                               "multiple matches for labels: many-to-one matching must be explicit "
                               "(group_left/group_right)");
            if (match < 0) continue;
            double b = r->m->v[match].values[k];
            out.present[k] = combine(x, in->values[k], b, in->values[k], &out.values[k]);
        }
        ret->v[ret->n++] = out;
    }
    return ST_OK;
}

/* Series of `from` at the times when `other` has (or has not) the signature. */
static void filter_by(struct logql_eval *e, const struct side *from, const struct side *other,
                      bool has, struct logql_matrix *ret)
{
    for (uint32_t i = 0; i < from->m->n; i++) {
        const struct logql_series *in = &from->m->v[i];
        struct logql_series out = empty_series(e, in->labels);
        for (uint32_t k = 0; k < e->grid.n; k++) {
            out.values[k] = in->values[k];
            out.present[k] =
                in->present[k] && (present_at(other, &from->signatures[i], k) != -1) == has;
        }
        ret->v[ret->n++] = out;
    }
}

/* `or` can bring the same labels from both sides, at different times: one series. */
static void merge_equal(struct logql_eval *e, struct logql_matrix *m, uint32_t left)
{
    uint32_t n = left;
    for (uint32_t i = left; i < m->n; i++) {
        uint32_t to = 0;
        while (to < left && !loki_labels_equal(&m->v[to].labels, &m->v[i].labels)) to++;
        if (to == left) {
            m->v[n++] = m->v[i];
            continue;
        }
        for (uint32_t k = 0; k < e->grid.n; k++)
            if (m->v[i].present[k]) {
                m->v[to].present[k] = true;
                m->v[to].values[k] = m->v[i].values[k];
            }
    }
    m->n = n;
}

status logql_binary(struct logql_eval *e, const struct logql_expr *x,
                    const struct logql_matrix *left, const struct logql_matrix *right,
                    struct logql_matrix *ret, struct err *err)
{
    if (left->scalar && right->scalar) {
        *ret = (struct logql_matrix){
            .scalar = true, .number = calculate(x->binary_op, left->number, right->number)};
        return ST_OK;
    }
    if (left->scalar || right->scalar) {
        if (logql_is_set(x->binary_op))
            return err_set(err, ST_INVALID, ERR_NOPOS,
                           "and, or, unless of a number: a vector is needed");
        with_number(e, x, left->scalar ? right : left, left->scalar ? left->number : right->number,
                    left->scalar, ret);
        return ST_OK;
    }
    struct side l, r;
    index_side(e, x, left, &l);
    index_side(e, x, right, &r);
    if (!logql_is_set(x->binary_op)) return one_to_one(e, x, &l, &r, ret, err);
    *ret = (struct logql_matrix){
        .v = arena_array(e->arena, struct logql_series, left->n + right->n + 1)};
    if (x->binary_op == LOGQL_OP_OR) {
        for (uint32_t i = 0; i < left->n; i++) {
            ret->v[ret->n] = empty_series(e, left->v[i].labels);
            memcpy(ret->v[ret->n].values, left->v[i].values, e->grid.n * sizeof(double));
            memcpy(ret->v[ret->n++].present, left->v[i].present, e->grid.n * sizeof(bool));
        }
        filter_by(e, &r, &l, false, ret);
        merge_equal(e, ret, left->n);
    } else {
        filter_by(e, &l, &r, x->binary_op == LOGQL_OP_AND, ret);
    }
    return ST_OK;
}
