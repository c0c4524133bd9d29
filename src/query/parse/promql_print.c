/* String(): one line, Prometheus' spacing, so that parse(print(parse(x))) is parse(x). */
#include "base/num.h"
#include "query/parse/parse.h"
#include "query/parse/promql_printer.h"

static void print_text(struct buf *out, const char *s) { buf_add(out, (str){s, strlen(s)}); }

static void print_f64(struct buf *out, double v)
{
    char t[NUM_MAX];
    buf_add(out, (str){t, num_format_f(v, t)});
}

static bool is_plain(str s, bool colons)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool alpha =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colons && c == ':');
        if (!alpha && !(i && c >= '0' && c <= '9')) return false;
    }
    return s.len > 0;
}

static void print_label(struct buf *out, str s)
{
    if (is_plain(s, false))
        buf_add(out, s);
    else
        quote_go(out, s);
}

static void print_labels(struct buf *out, const str *list, uint32_t n)
{
    buf_char(out, '(');
    for (uint32_t i = 0; i < n; i++) {
        if (i) buf_add(out, S(", "));
        print_label(out, list[i]);
    }
    buf_char(out, ')');
}

/* Duration in seconds as 1h30m; fractions of a ms as a number. */
static void print_literal(struct buf *out, double seconds, bool is_duration)
{
    if (is_duration)
        promql_print_duration(out, (int64_t)(seconds * 1000 + (seconds < 0 ? -0.5 : 0.5)));
    else
        print_f64(out, seconds);
}

static void print_duration(struct buf *out, const struct promql_duration *d)
{
    static const char *const infix[] = {[DUR_ADD] = " + ", [DUR_SUB] = " - ", [DUR_MUL] = " * ",
                                        [DUR_DIV] = " / ", [DUR_MOD] = " % ", [DUR_POW] = " ^ "};
    switch (d->op) {
    case DUR_LITERAL: print_literal(out, d->seconds, d->is_duration); break;
    case DUR_STEP: print_text(out, "step()"); break;
    case DUR_RANGE: print_text(out, "range()"); break;
    case DUR_NEG:
        buf_char(out, '-');
        print_duration(out, d->lhs);
        break;
    case DUR_PAREN:
        buf_char(out, '(');
        print_duration(out, d->lhs);
        buf_char(out, ')');
        break;
    case DUR_MIN:
    case DUR_MAX:
        print_text(out, d->op == DUR_MIN ? "min_of(" : "max_of(");
        print_duration(out, d->lhs);
        print_text(out, ", ");
        print_duration(out, d->rhs);
        buf_char(out, ')');
        break;
    default:
        print_duration(out, d->lhs);
        print_text(out, infix[d->op]);
        print_duration(out, d->rhs);
    }
}

/* A literal alone is always a duration, whatever its form. */
static void print_span(struct buf *out, const struct promql_duration *d, int64_t ms)
{
    if (d->op == DUR_LITERAL)
        promql_print_duration(out, ms);
    else
        print_duration(out, d);
}

static void print_shift(struct buf *out, const struct promql_shift *s)
{
    if (s->at == AT_TIME)
        buf_printf(out, " @ %s%lld.%03lld", s->at_ms < 0 ? "-" : "",
                   (long long)(s->at_ms < 0 ? -s->at_ms : s->at_ms) / 1000,
                   (long long)(s->at_ms < 0 ? -s->at_ms : s->at_ms) % 1000);
    if (s->at == AT_START) print_text(out, " @ start()");
    if (s->at == AT_END) print_text(out, " @ end()");
    if (s->offset && (s->offset->op != DUR_LITERAL || s->offset_ms)) {
        print_text(out, " offset ");
        print_span(out, s->offset, s->offset_ms);
    }
}

static void print_selector(struct buf *out, const struct promql_expr *e,
                           const struct promql_expr *range)
{
    static const char *const ops[] = {"=", "!=", "=~", "!~"};
    str name = e->selector.name;
    uint32_t n = e->selector.n_matchers - (name.len > 0);
    buf_add(out, name);
    if (n) buf_char(out, '{');
    for (uint32_t i = 0; i < n; i++) {
        const struct label_matcher *m = &e->selector.matchers[i];
        if (i) buf_char(out, ',');
        print_label(out, m->name);
        print_text(out, ops[m->op]);
        quote_go(out, m->value);
    }
    if (n || !name.len) print_text(out, n ? "}" : "{}");
    if (range) {
        buf_char(out, '[');
        print_span(out, range->range.length, range->range.ms);
        buf_char(out, ']');
    }
    if (e->selector.reach)
        print_text(out, e->selector.reach == REACH_ANCHORED ? " anchored" : " smoothed");
    print_shift(out, &e->selector.shift);
}

void promql_print_operator(struct buf *out, const struct promql_expr *e)
{
    const struct promql_matching *m = &e->binary.matching;
    print_text(out, promql_op_name(e->binary.op));
    if (e->binary.returns_bool) print_text(out, " bool");
    bool grouped = m->card == CARD_MANY_TO_ONE || m->card == CARD_ONE_TO_MANY;
    if (m->given && (m->on || m->n_labels || grouped)) {
        print_text(out, m->on ? " on " : " ignoring ");
        print_labels(out, m->labels, m->n_labels);
    }
    if (grouped) {
        print_text(out, m->card == CARD_MANY_TO_ONE ? " group_left " : " group_right ");
        print_labels(out, m->include, m->n_include);
    }
    bool both = m->has_fill_left && m->has_fill_right && m->fill_left == m->fill_right;
    if (m->has_fill_left) {
        print_text(out, both ? " fill (" : " fill_left (");
        print_f64(out, m->fill_left);
        buf_char(out, ')');
    }
    if (m->has_fill_right && !both) {
        print_text(out, " fill_right (");
        print_f64(out, m->fill_right);
        buf_char(out, ')');
    }
}

void promql_print_grouping(struct buf *out, const struct promql_expr *e)
{
    print_text(out, promql_aggregate_name(e->aggregate.op));
    if (e->aggregate.without || e->aggregate.n_labels) {
        print_text(out, e->aggregate.without ? " without " : " by ");
        print_labels(out, e->aggregate.labels, e->aggregate.n_labels);
        buf_char(out, ' ');
    }
}

static void print_aggregate(struct buf *out, const struct promql_expr *e)
{
    promql_print_grouping(out, e);
    buf_char(out, '(');
    if (e->aggregate.param) {
        promql_print(out, e->aggregate.param);
        print_text(out, ", ");
    }
    promql_print(out, e->aggregate.expr);
    buf_char(out, ')');
}

void promql_print_subquery(struct buf *out, const struct promql_expr *e)
{
    buf_char(out, '[');
    print_span(out, e->subquery.length, e->subquery.ms);
    buf_char(out, ':');
    if (e->subquery.step) print_span(out, e->subquery.step, e->subquery.step_ms);
    buf_char(out, ']');
    print_shift(out, &e->subquery.shift);
}

void promql_print(struct buf *out, const struct promql_expr *e)
{
    if (out->over) return; /* promql_pretty only wants to know whether it fits */
    switch (e->kind) {
    case PROMQL_NUMBER: print_literal(out, e->number.value, e->number.is_duration); break;
    case PROMQL_TEXT: quote_go(out, e->text); break;
    case PROMQL_SELECTOR: print_selector(out, e, NULL); break;
    case PROMQL_RANGE: print_selector(out, e->range.selector, e); break;
    case PROMQL_SUBQUERY:
        promql_print(out, e->subquery.expr);
        promql_print_subquery(out, e);
        break;
    case PROMQL_CALL:
        print_text(out, e->call.fn->name);
        buf_char(out, '(');
        for (uint32_t i = 0; i < e->call.n_args && !out->over; i++) {
            if (i) print_text(out, ", ");
            promql_print(out, e->call.args[i]);
        }
        buf_char(out, ')');
        break;
    case PROMQL_AGGREGATE: print_aggregate(out, e); break;
    case PROMQL_BINARY:
        promql_print(out, e->binary.lhs);
        buf_char(out, ' ');
        promql_print_operator(out, e);
        buf_char(out, ' ');
        promql_print(out, e->binary.rhs);
        break;
    case PROMQL_UNARY:
        buf_char(out, e->unary.minus ? '-' : '+');
        promql_print(out, e->unary.expr);
        break;
    case PROMQL_PAREN:
        buf_char(out, '(');
        promql_print(out, e->paren);
        buf_char(out, ')');
        break;
    }
}
