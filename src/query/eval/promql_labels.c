/* Functions about labels: label_replace, label_join, absent. */
#include "base/map.h"
#include "base/utf8.h"
#include "query/eval/promql_eval.h"

static str text_of(struct promql_expr *e) { return promql_bare(e)->text; }

static void set_label(struct evaluator *ev, struct row *r, str name, str value)
{
    if (str_eq(name, LABEL_NAME)) r->drop_name = false;
    r->labels = labels_set(ev->arena, r->labels, name, value);
}

status eval_label_replace(struct evaluator *ev, struct promql_expr *e, struct grid g,
                          struct value *ret)
{
    str dst = text_of(e->call.args[1]), replacement = text_of(e->call.args[2]);
    str src = text_of(e->call.args[3]), pattern = text_of(e->call.args[4]);
    struct regex *re;
    if (regex_new(ev->arena, pattern, REGEX_WHOLE, &re, NULL) != ST_OK)
        return err_set(ev->err, ST_EXECUTION, ERR_NOPOS,
                       "invalid regular expression in label_replace(): " STR_FMT, STR_ARG(pattern));
    if (!dst.len || !utf8_valid(dst))
        return err_set(ev->err, ST_EXECUTION, ERR_NOPOS,
                       "invalid destination label name in label_replace(): " STR_FMT, STR_ARG(dst));
    TRY(eval_expr(ev, e->call.args[0], g, ret));
    struct buf b;
    buf_init(&b, 1 << 20);
    for (uint32_t i = 0; i < ret->n_rows; i++) {
        struct row *r = &ret->rows[i];
        buf_clear(&b);
        if (!regex_expand(re, labels_get(r->labels, src), replacement, &b)) continue;
        set_label(ev, r, dst, arena_str(ev->arena, buf_str(&b)));
    }
    buf_done(&b);
    return rows_unite(ev, ret);
}

status eval_label_join(struct evaluator *ev, struct promql_expr *e, struct grid g,
                       struct value *ret)
{
    str dst = text_of(e->call.args[1]), separator = text_of(e->call.args[2]);
    for (uint32_t i = 3; i < e->call.n_args; i++)
        if (!text_of(e->call.args[i]).len || !utf8_valid(text_of(e->call.args[i])))
            return err_set(ev->err, ST_EXECUTION, ERR_NOPOS,
                           "invalid source label name in label_join(): " STR_FMT,
                           STR_ARG(text_of(e->call.args[i])));
    if (!dst.len || !utf8_valid(dst))
        return err_set(ev->err, ST_EXECUTION, ERR_NOPOS,
                       "invalid destination label name in label_join(): " STR_FMT, STR_ARG(dst));
    TRY(eval_expr(ev, e->call.args[0], g, ret));
    struct buf b;
    buf_init(&b, 1 << 20);
    for (uint32_t r = 0; r < ret->n_rows; r++) {
        buf_clear(&b);
        for (uint32_t i = 3; i < e->call.n_args; i++) {
            if (i > 3) buf_add(&b, separator);
            buf_add(&b, labels_get(ret->rows[r].labels, text_of(e->call.args[i])));
        }
        set_label(ev, &ret->rows[r], dst, arena_str(ev->arena, buf_str(&b)));
    }
    buf_done(&b);
    return rows_unite(ev, ret);
}

/* The labels a selector pins down: by the first equality matcher of a label, when no matcher of the
 * label follows. */
static struct labels pinned(struct evaluator *ev, struct promql_expr *e)
{
    e = promql_bare(e);
    if (e->kind == PROMQL_RANGE) e = e->range.selector;
    if (e->kind != PROMQL_SELECTOR) return (struct labels){0};
    const struct label_matcher *m = e->selector.matchers;
    struct label *list = arena_array(ev->arena, struct label, e->selector.n_matchers + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->selector.n_matchers; i++) {
        bool once = m[i].op == MATCH_EQUAL && !str_eq(m[i].name, LABEL_NAME);
        for (uint32_t k = 0; k < e->selector.n_matchers; k++)
            if (k != i && str_eq(m[k].name, m[i].name) && (k > i || m[k].op == MATCH_EQUAL))
                once = false;
        if (once) list[n++] = (struct label){m[i].name, m[i].value};
    }
    return labels_make(ev->arena, list, n);
}

static void mark_samples(struct evaluator *ev, const struct ranges *r, struct grid g,
                         uint8_t *present)
{
    for (uint32_t k = 0; k < r->n; k++) {
        const struct raw_series *s = &r->series[k];
        uint32_t next = 0, first = 0, next_h = 0, first_h = 0;
        for (uint32_t i = 0; i < g.n; i++) {
            while (next < s->n && s->samples[next].t <= r->ends[i]) next++;
            while (first < next && s->samples[first].t <= r->ends[i] - r->length) first++;
            while (next_h < s->n_histograms && s->histograms[next_h].t <= r->ends[i]) next_h++;
            while (first_h < next_h && s->histograms[first_h].t <= r->ends[i] - r->length)
                first_h++;
            if (first < next || first_h < next_h ||
                eval_rolled_has(s, &r->horizon, r->ends[i] - r->length, r->ends[i]))
                present[i] = 1;
            const struct window w = {.s = s->samples + first,
                                     .n = next - first,
                                     .h = s->histograms + first_h,
                                     .n_h = next_h - first_h};
            eval_count(ev, i, w.n + w.n_h, eval_fresh(ev, r, i, &w));
        }
    }
}

status eval_absent(struct evaluator *ev, struct promql_expr *e, struct grid g, struct value *ret)
{
    struct promql_expr *of = e->call.args[0];
    uint8_t *present = arena_array(ev->arena, uint8_t, g.n);
    memset(present, 0, g.n);
    if (promql_type_of(of) == PROMQL_MATRIX) {
        struct ranges r;
        TRY(eval_ranges(ev, of, g, true, &r));
        mark_samples(ev, &r, g, present);
    } else {
        struct value v;
        TRY(eval_expr(ev, of, g, &v));
        for (uint32_t r = 0; r < v.n_rows; r++)
            for (uint32_t i = 0; i < g.n; i++) present[i] |= v.rows[r].has[i] != POINT_NONE;
    }
    struct rows rows = {};
    struct row *row = rows_add(ev, &rows, pinned(ev, of), g.n);
    for (uint32_t i = 0; i < g.n; i++)
        if (!present[i]) row_put(row, i, 1);
    *ret = rows_value(rows, g);
    return ST_OK;
}
