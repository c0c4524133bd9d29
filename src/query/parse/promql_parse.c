/* Expressions: one function per non-terminal under its grammar line, operators by the table below.
 */
#include <math.h>

#include "query/parse/promql_parser.h"

/* expr = expr op expr: the higher, the tighter. ^ is right associative. Unary + and - stand between
 * * and ^. */
static const uint8_t precedence[] = {
    [OP_OR] = 1,         [OP_AND] = 2,   [OP_UNLESS] = 2, [OP_EQ] = 3,  [OP_NE] = 3,
    [OP_GT] = 3,         [OP_LT] = 3,    [OP_GE] = 3,     [OP_LE] = 3,  [OP_TRIM_UPPER] = 3,
    [OP_TRIM_LOWER] = 3, [OP_ADD] = 4,   [OP_SUB] = 4,    [OP_MUL] = 5, [OP_DIV] = 5,
    [OP_MOD] = 5,        [OP_ATAN2] = 5, [OP_POW] = 6,
};

static status parse_expr(struct promql_parser *p, unsigned min, struct promql_expr **ret);

bool promql_is_word(const struct promql_token *t, const char *word)
{
    return t->id >= 0 && strcmp(promql_words[t->id].text, word) == 0;
}

void promql_next(struct promql_parser *p)
{
    p->last = p->at;
    if (p->at->kind != TOK_END && p->at->kind != TOK_ERROR) p->at++;
}

static void describe(struct buf *b, const struct promql_token *t)
{
    switch (t->kind) {
    case TOK_END: buf_add(b, S("end of input")); return;
    case TOK_KEYWORD: buf_printf(b, "<" STR_FMT ">", STR_ARG(t->text)); return;
    case TOK_OPERATOR: buf_printf(b, "<op:" STR_FMT ">", STR_ARG(t->text)); return;
    case TOK_AGGREGATE: buf_printf(b, "<aggr:" STR_FMT ">", STR_ARG(t->text)); return;
    case TOK_PUNCTUATION: quote_go(b, t->text); return;
    case TOK_IDENT: buf_add(b, S("identifier ")); break;
    case TOK_METRIC: buf_add(b, S("metric identifier ")); break;
    case TOK_STRING: buf_add(b, S("string ")); break;
    case TOK_NUMBER: buf_add(b, S("number ")); break;
    case TOK_DURATION: buf_add(b, S("duration ")); break;
    case TOK_ERROR: break;
    }
    bool cut = t->text.len > 10 && t->kind != TOK_IDENT && t->kind != TOK_METRIC;
    quote_go(b, cut ? (str){t->text.ptr, 10} : t->text);
    if (cut) buf_add(b, S("..."));
}

status promql_unexpected(struct promql_parser *p, const char *context, const char *expected)
{
    const struct promql_token *t = p->at;
    if (t->kind == TOK_ERROR)
        return err_set(p->err, ST_INVALID, t->start, STR_FMT, STR_ARG(t->text));
    struct buf b;
    buf_init(&b, 4096);
    describe(&b, t);
    status s = err_set(p->err, ST_INVALID, t->start, "unexpected " STR_FMT "%s%s%s%s",
                       STR_ARG(buf_str(&b)), *context ? " in " : "", context,
                       *expected ? ", expected " : "", expected);
    buf_done(&b);
    return s;
}

static struct promql_expr *node(struct promql_parser *p, enum promql_kind kind, uint32_t start)
{
    struct promql_expr *e = arena_new(p->arena, struct promql_expr);
    e->kind = kind;
    e->start = start;
    e->depth = 1;
    return e;
}

static status deepen(struct promql_parser *p, struct promql_expr *e, struct promql_expr *child)
{
    if (child->depth >= e->depth) e->depth = child->depth + 1;
    if (e->depth <= PROMQL_DEPTH) return ST_OK;
    /* What is wrong with the part that is read already is the better answer. */
    TRY(promql_check(p->query, p->arena, child, p->err));
    return err_set(p->err, ST_INVALID, e->start, "expression is nested more than %d deep",
                   PROMQL_DEPTH);
}

/* function_call_body = "(" [ expr { "," expr } ] ")" */
static status parse_arguments(struct promql_parser *p, struct promql_expr *e,
                              struct promql_expr ***ret, uint32_t *ret_n)
{
    uint32_t n = 0, cap = 4;
    struct promql_expr **args = arena_array(p->arena, struct promql_expr *, cap);
    promql_next(p); /* ( */
    while (!promql_is(p, TOK_PUNCTUATION, ")")) {
        if (n) {
            if (!promql_is(p, TOK_PUNCTUATION, ",")) return promql_unexpected(p, "", "");
            uint32_t comma = p->at->start;
            promql_next(p);
            if (promql_is(p, TOK_PUNCTUATION, ")"))
                return err_set(p->err, ST_INVALID, comma,
                               "trailing commas not allowed in function call args");
        }
        if (n == cap) {
            struct promql_expr **more = arena_array(p->arena, struct promql_expr *, cap * 2);
            memcpy(more, args, n * sizeof(struct promql_expr *));
            args = more;
            cap *= 2;
        }
        TRY(parse_expr(p, 1, &args[n]));
        TRY(deepen(p, e, args[n]));
        n++;
    }
    promql_next(p); /* ) */
    *ret = args;
    *ret_n = n;
    return ST_OK;
}

/* aggregate_modifier = ( "by" | "without" ) grouping_labels */
static status parse_grouping(struct promql_parser *p, struct promql_expr *e)
{
    e->aggregate.without = promql_is_word(p->at, "without");
    promql_next(p);
    return promql_labels(p, &e->aggregate.labels, &e->aggregate.n_labels);
}

static bool is_grouping(const struct promql_token *t)
{
    return promql_is_word(t, "by") || promql_is_word(t, "without");
}

/* aggregate = op modifier args | op args [ modifier ] */
static status parse_aggregate(struct promql_parser *p, struct promql_expr **ret)
{
    struct promql_expr *e = node(p, PROMQL_AGGREGATE, p->at->start);
    e->aggregate.op = (enum promql_aggregate)promql_words[p->at->id].value;
    promql_next(p);
    bool grouped = is_grouping(p->at);
    if (grouped) TRY(parse_grouping(p, e));
    if (!promql_is(p, TOK_PUNCTUATION, "(")) return promql_unexpected(p, "aggregation", "");
    struct promql_expr **args = NULL;
    uint32_t n = 0;
    TRY(parse_arguments(p, e, &args, &n));
    if (!grouped && is_grouping(p->at)) TRY(parse_grouping(p, e));
    e->end = p->last->end;

    enum promql_aggregate op = e->aggregate.op;
    uint32_t want = op >= AGG_TOPK ? 2 : 1;
    if (n == 0)
        return err_set(p->err, ST_INVALID, e->start,
                       "no arguments for aggregate expression provided");
    if ((op == AGG_LIMITK || op == AGG_LIMIT_RATIO) && !p->opt.experimental)
        return err_set(p->err, ST_INVALID, e->start,
                       "%s() is experimental and must be enabled with "
                       "--enable-feature=promql-experimental-functions",
                       promql_aggregate_name(op));
    if (n != want)
        return err_set(
            p->err, ST_INVALID, e->start,
            "wrong number of arguments for aggregate expression provided, expected %u, got %u",
            want, n);
    if (want == 2) e->aggregate.param = args[0];
    e->aggregate.expr = args[want - 1];
    *ret = e;
    return ST_OK;
}

/* function_call = name args */
static status parse_call(struct promql_parser *p, struct promql_expr **ret)
{
    struct promql_expr *e = node(p, PROMQL_CALL, p->at->start);
    str name = p->at->text;
    e->call.fn = promql_function_find(name);
    if (!e->call.fn) {
        struct buf b;
        buf_init(&b, 4096);
        quote_go(&b, name);
        status s = err_set(p->err, ST_INVALID, e->start, "unknown function with name " STR_FMT,
                           STR_ARG(buf_str(&b)));
        buf_done(&b);
        return s;
    }
    if (e->call.fn->experimental && !p->opt.experimental)
        return err_set(p->err, ST_INVALID, e->start, "function \"%s\" is not enabled",
                       e->call.fn->name);
    promql_next(p);
    TRY(parse_arguments(p, e, &e->call.args, &e->call.n_args));
    e->end = p->last->end;
    *ret = e;
    return ST_OK;
}

/* vector_selector = name [ braces ] | braces */
static status parse_selector(struct promql_parser *p, struct promql_expr **ret)
{
    struct promql_expr *e = node(p, PROMQL_SELECTOR, p->at->start);
    if (!promql_is(p, TOK_PUNCTUATION, "{")) {
        e->selector.name = p->at->text;
        promql_next(p);
    }
    TRY(promql_braces(p, e));
    e->end = p->last->end;
    *ret = e;
    return ST_OK;
}

static struct promql_shift *shift_of(struct promql_expr *e)
{
    if (e->kind == PROMQL_SELECTOR) return &e->selector.shift;
    if (e->kind == PROMQL_RANGE) return &e->range.selector->selector.shift;
    if (e->kind == PROMQL_SUBQUERY) return &e->subquery.shift;
    return NULL;
}

static status misplaced(struct promql_parser *p, const struct promql_expr *e, const char *what)
{
    return err_set(
        p->err, ST_INVALID, e->start,
        "%s modifier must be preceded by an instant vector selector or range vector selector or a "
        "subquery",
        what);
}

/* offset_expr = expr "offset" duration */
static status parse_offset(struct promql_parser *p, struct promql_expr *e)
{
    promql_next(p);
    struct promql_duration *d;
    int64_t ms;
    TRY(promql_duration_of_offset(p, &d, &ms));
    struct promql_shift *s = shift_of(e);
    if (!s) return misplaced(p, e, "offset");
    if (s->offset)
        return err_set(p->err, ST_INVALID, e->start, "offset may not be set multiple times");
    s->offset = d;
    s->offset_ms = ms;
    return ST_OK;
}

/* at_expr = expr "@" ( [sign] number | "start" "(" ")" | "end" "(" ")" ) */
static status parse_at(struct promql_parser *p, struct promql_expr *e)
{
    promql_next(p);
    enum promql_at at = AT_TIME;
    double t = 0;
    bool is_duration;
    if (promql_is_word(p->at, "start") || promql_is_word(p->at, "end")) {
        at = promql_is_word(p->at, "start") ? AT_START : AT_END;
        promql_next(p);
        if (!promql_is(p, TOK_PUNCTUATION, "(")) return promql_unexpected(p, "@", "timestamp");
        promql_next(p);
        if (!promql_is(p, TOK_PUNCTUATION, ")")) return promql_unexpected(p, "@", "timestamp");
        promql_next(p);
    } else {
        bool minus = promql_is(p, TOK_OPERATOR, "-");
        if (minus || promql_is(p, TOK_OPERATOR, "+")) promql_next(p);
        if (p->at->kind != TOK_NUMBER && p->at->kind != TOK_DURATION)
            return promql_unexpected(p, "@", "timestamp");
        TRY(promql_number(p, &t, &is_duration));
        if (minus) t = -t;
    }
    struct promql_shift *s = shift_of(e);
    if (!s) return misplaced(p, e, "@");
    if (s->at)
        return err_set(p->err, ST_INVALID, e->start, "@ <timestamp> may not be set multiple times");
    if (!isfinite(t))
        return err_set(p->err, ST_INVALID, e->start, "timestamp out of bounds for @ modifier: %s",
                       isnan(t) ? "NaN"
                       : t > 0  ? "+Inf"
                                : "-Inf");
    if (fabs(t) >= 9.2e15)
        return err_set(p->err, ST_INVALID, e->start, "timestamp out of bounds for @ modifier: %f",
                       t);
    s->at = at;
    s->at_ms = (int64_t)round(t * 1000);
    return ST_OK;
}

/* anchored_expr = expr "anchored"; smoothed_expr = expr "smoothed" */
static status parse_reach(struct promql_parser *p, struct promql_expr *e)
{
    bool anchored = promql_is_word(p->at, "anchored");
    promql_next(p);
    struct promql_expr *s = e->kind == PROMQL_RANGE ? e->range.selector : e;
    if (s->kind != PROMQL_SELECTOR) return misplaced(p, e, anchored ? "anchored" : "smoothed");
    if (s->selector.reach)
        return err_set(p->err, ST_INVALID, e->start,
                       "anchored and smoothed modifiers cannot be used together");
    s->selector.reach = anchored ? REACH_ANCHORED : REACH_SMOOTHED;
    return ST_OK;
}

/* matrix_selector = expr "[" duration "]"; subquery = expr "[" duration ":" [ duration ] "]" */
static status parse_brackets(struct promql_parser *p, struct promql_expr **e)
{
    uint32_t open = p->at->start;
    promql_next(p);
    struct promql_duration *length, *step = NULL;
    int64_t ms, step_ms = 0;
    TRY(promql_duration_in_brackets(p, true, &length, &ms));
    bool subquery = promql_is(p, TOK_PUNCTUATION, ":");
    if (subquery) {
        promql_next(p);
        if (!promql_is(p, TOK_PUNCTUATION, "]"))
            TRY(promql_duration_in_brackets(p, true, &step, &step_ms));
    }
    if (!promql_is(p, TOK_PUNCTUATION, "]"))
        return promql_unexpected(p, subquery ? "subquery selector" : "subquery or range",
                                 subquery ? "\"]\"" : "\":\" or \"]\"");
    promql_next(p);

    struct promql_expr *of = *e,
                       *outer = node(p, subquery ? PROMQL_SUBQUERY : PROMQL_RANGE, of->start);
    TRY(deepen(p, outer, of));
    outer->end = p->last->end;
    *e = outer;
    if (subquery) {
        outer->subquery.expr = of;
        outer->subquery.length = length;
        outer->subquery.ms = ms;
        outer->subquery.step = step;
        outer->subquery.step_ms = step_ms;
        return ST_OK;
    }
    const char *wrong = of->kind != PROMQL_SELECTOR ? "ranges only allowed for vector selectors"
                        : of->selector.shift.offset ? "no offset modifiers allowed before range"
                        : of->selector.shift.at     ? "no @ modifiers allowed before range"
                                                    : NULL;
    if (wrong) return err_set(p->err, ST_INVALID, open, "%s", wrong);
    outer->range.selector = of;
    outer->range.length = length;
    outer->range.ms = ms;
    return ST_OK;
}

/* postfix = primary { brackets | offset | at | anchored | smoothed } */
static status parse_postfix(struct promql_parser *p, struct promql_expr **e)
{
    for (;;) {
        if (promql_is(p, TOK_PUNCTUATION, "["))
            TRY(parse_brackets(p, e));
        else if (promql_is_word(p->at, "offset"))
            TRY(parse_offset(p, *e));
        else if (promql_is(p, TOK_OPERATOR, "@"))
            TRY(parse_at(p, *e));
        else if (promql_is_word(p->at, "anchored") || promql_is_word(p->at, "smoothed"))
            TRY(parse_reach(p, *e));
        else
            return ST_OK;
        (*e)->end = p->last->end;
    }
}

/* primary = number | string | "(" expr ")" | aggregate | function_call | vector_selector */
static status parse_primary(struct promql_parser *p, struct promql_expr **ret)
{
    const struct promql_token *t = p->at;
    bool call = t->kind != TOK_END && t->kind != TOK_ERROR && t[1].kind == TOK_PUNCTUATION &&
                str_eq(t[1].text, S("("));
    if (t->kind == TOK_NUMBER || t->kind == TOK_DURATION) {
        struct promql_expr *e = node(p, PROMQL_NUMBER, t->start);
        TRY(promql_number(p, &e->number.value, &e->number.is_duration));
        e->end = t->end;
        *ret = e;
        return ST_OK;
    }
    if (t->kind == TOK_STRING) {
        struct promql_expr *e = node(p, PROMQL_TEXT, t->start);
        TRY(promql_unquote(p->arena, t->text, &e->text, p->err));
        e->end = t->end;
        promql_next(p);
        *ret = e;
        return ST_OK;
    }
    if (promql_is(p, TOK_PUNCTUATION, "(")) {
        struct promql_expr *e = node(p, PROMQL_PAREN, t->start);
        promql_next(p);
        TRY(parse_expr(p, 1, &e->paren));
        TRY(deepen(p, e, e->paren));
        if (!promql_is(p, TOK_PUNCTUATION, ")")) return promql_unexpected(p, "", "");
        promql_next(p);
        e->end = p->last->end;
        *ret = e;
        return ST_OK;
    }
    if (t->kind == TOK_AGGREGATE && (call || is_grouping(t + 1))) return parse_aggregate(p, ret);
    bool name = t->kind == TOK_IDENT || t->kind == TOK_METRIC ||
                (t->id >= 0 && promql_words[t->id].can_name);
    if (call && (t->kind == TOK_IDENT || t->kind == TOK_KEYWORD) && name) return parse_call(p, ret);
    if (name || promql_is(p, TOK_PUNCTUATION, "{")) return parse_selector(p, ret);
    return promql_unexpected(p, "", "");
}

/* unary = ( "+" | "-" ) unary | postfix; its operand binds as tightly as ^ */
static status parse_unary(struct promql_parser *p, struct promql_expr **ret)
{
    bool minus = promql_is(p, TOK_OPERATOR, "-");
    if (!minus && !promql_is(p, TOK_OPERATOR, "+")) {
        TRY(parse_primary(p, ret));
        return parse_postfix(p, ret);
    }
    uint32_t start = p->at->start;
    promql_next(p);
    struct promql_expr *of;
    TRY(parse_expr(p, precedence[OP_POW], &of));
    if (of->kind == PROMQL_NUMBER) {
        if (minus) of->number.value = -of->number.value;
        of->start = start;
        *ret = of;
        return ST_OK;
    }
    struct promql_expr *e = node(p, PROMQL_UNARY, start);
    TRY(deepen(p, e, of));
    e->end = of->end;
    e->unary.minus = minus;
    e->unary.expr = of;
    *ret = e;
    return ST_OK;
}

/* fill = "fill" "(" [sign] number ")" | "fill_left" ... | "fill_right" ... */
static status parse_fills(struct promql_parser *p, struct promql_matching *m)
{
    while (promql_is_word(p->at, "fill") || promql_is_word(p->at, "fill_left") ||
           promql_is_word(p->at, "fill_right")) {
        if (p->at[1].kind != TOK_PUNCTUATION || !str_eq(p->at[1].text, S("("))) return ST_OK;
        bool left = !promql_is_word(p->at, "fill_right"),
             right = !promql_is_word(p->at, "fill_left");
        promql_next(p);
        promql_next(p);
        bool minus = promql_is(p, TOK_OPERATOR, "-"), is_duration;
        if (minus || promql_is(p, TOK_OPERATOR, "+")) promql_next(p);
        double v;
        if (p->at->kind != TOK_NUMBER && p->at->kind != TOK_DURATION)
            return promql_unexpected(p, "fill", "number");
        TRY(promql_number(p, &v, &is_duration));
        if (minus) v = -v;
        if (!promql_is(p, TOK_PUNCTUATION, ")")) return promql_unexpected(p, "fill", "\")\"");
        promql_next(p);
        if (left) m->has_fill_left = true, m->fill_left = v;
        if (right) m->has_fill_right = true, m->fill_right = v;
    }
    return ST_OK;
}

/* modifiers = [ "bool" ] [ ( "on" | "ignoring" ) labels [ ( "group_left" | "group_right" ) [ labels
 * ] ] ] fills */
static status parse_matching(struct promql_parser *p, struct promql_expr *e)
{
    struct promql_matching *m = &e->binary.matching;
    if (promql_is_word(p->at, "bool")) {
        e->binary.returns_bool = true;
        promql_next(p);
    }
    if (promql_is_word(p->at, "on") || promql_is_word(p->at, "ignoring")) {
        m->given = true;
        m->on = promql_is_word(p->at, "on");
        promql_next(p);
        TRY(promql_labels(p, &m->labels, &m->n_labels));
        bool left = promql_is_word(p->at, "group_left");
        if (left || promql_is_word(p->at, "group_right")) {
            m->card = left ? CARD_MANY_TO_ONE : CARD_ONE_TO_MANY;
            promql_next(p);
            if (promql_is(p, TOK_PUNCTUATION, "("))
                TRY(promql_labels(p, &m->include, &m->n_include));
        }
    }
    return parse_fills(p, m);
}

static bool operator_at(const struct promql_parser *p, enum promql_op *ret)
{
    if (p->at->kind != TOK_OPERATOR) return false;
    if (p->at->id >= 0) {
        *ret = (enum promql_op)promql_words[p->at->id].value;
        return true;
    }
    for (enum promql_op op = OP_ADD; op <= OP_UNLESS; op++)
        if (promql_is(p, TOK_OPERATOR, promql_op_name(op))) {
            *ret = op;
            return true;
        }
    return false;
}

/* expr = unary { operator modifiers unary }, of operators not looser than `min` */
static status parse_expr(struct promql_parser *p, unsigned min, struct promql_expr **ret)
{
    if (++p->nesting > PROMQL_NESTING)
        return err_set(p->err, ST_INVALID, p->at->start, "expression is nested more than %d deep",
                       PROMQL_NESTING);
    struct promql_expr *lhs = NULL; /* gcc, without sanitizers, does not see that it is set */
    TRY(parse_unary(p, &lhs));
    for (enum promql_op op; operator_at(p, &op) && precedence[op] >= min;) {
        struct promql_expr *e = node(p, PROMQL_BINARY, lhs->start);
        e->binary.op = op;
        e->binary.lhs = lhs;
        promql_next(p);
        TRY(parse_matching(p, e));
        TRY(parse_expr(p, op == OP_POW ? precedence[op] : precedence[op] + 1u, &e->binary.rhs));
        TRY(deepen(p, e, lhs));
        TRY(deepen(p, e, e->binary.rhs));
        e->end = e->binary.rhs->end;
        lhs = e;
    }
    p->nesting--;
    *ret = lhs;
    return ST_OK;
}

status promql_parse(struct arena *a, str query, struct promql_options opt, struct promql_expr **ret,
                    struct err *err)
{
    if (query.len > PROMQL_BYTES)
        return err_set(err, ST_INVALID, 0, "the query is %zu bytes long, limit %d", query.len,
                       PROMQL_BYTES);
    struct promql_tokens t = promql_lex(a, query);
    struct promql_parser p = {
        .arena = a, .query = query, .at = t.list, .last = t.list, .opt = opt, .err = err};
    if (p.at->kind == TOK_END) return err_set(err, ST_INVALID, 0, "no expression found in input");
    struct promql_expr *e;
    TRY(parse_expr(&p, 1, &e));
    if (p.at->kind != TOK_END) return promql_unexpected(&p, "", "");
    TRY(promql_check(query, a, e, err));
    *ret = e;
    return ST_OK;
}

status promql_parse_selector(struct arena *a, str query, struct promql_expr **ret, struct err *err)
{
    struct promql_expr *e;
    TRY(promql_parse(a, query, (struct promql_options){}, &e, err));
    if (e->kind != PROMQL_SELECTOR || e->selector.shift.at || e->selector.shift.offset)
        return err_set(err, ST_INVALID, 0, "expected a vector selector");
    *ret = e;
    return ST_OK;
}
