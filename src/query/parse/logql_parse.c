/* A function per non-terminal, under its grammar line. Binary operators climb one table of
 * precedences. */
#include "query/parse/logql_parse.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/num.h"
#include "base/regex.h"
#include "base/utf8.h"
#include "query/parse/logql_parser.h"

static const struct binary {
    enum logql_token token;
    enum logql_binary_op op;
    const char *text;
    int precedence;
} binary_ops[] = {
#define OP(t, o, text, precedence) {LOGQL_T_##t, LOGQL_OP_##o, text, precedence},
    OP(OR, OR, "or", 1) OP(AND, AND, "and", 2) OP(UNLESS, UNLESS, "unless", 2)
        OP(CMP_EQ, EQ, "==", 3) OP(NEQ, NEQ, "!=", 3) OP(GT, GT, ">", 3) OP(GTE, GTE, ">=", 3)
            OP(LT, LT, "<", 3) OP(LTE, LTE, "<=", 3) OP(ADD, ADD, "+", 4) OP(SUB, SUB, "-", 4)
                OP(MUL, MUL, "*", 5) OP(DIV, DIV, "/", 5) OP(MOD, MOD, "%", 5) OP(POW, POW, "^", 6)
#undef OP
};

/* Line and column count from 1; a column is a character. */
static void place(str in, uint32_t pos, unsigned *line, unsigned *col)
{
    *line = *col = 1;
    for (size_t i = 0; i < pos && i < in.len;) {
        size_t n = utf8_length(in.ptr + i, in.len - i);
        *col += 1;
        if (in.ptr[i] == '\n') *line += 1, *col = 1;
        i += n ? n : 1;
    }
}

status logql_at(const struct logql_parser *p, status s, struct err *err)
{
    if (!err) return s;
    if (err->pos == ERR_NOPOS) return err_wrap(err, s, "parse error ");
    unsigned line, col;
    place(p->lex.in, err->pos, &line, &col);
    return err_wrap(err, s, "parse error at line %u, col %u", line, col);
}

status logql_unexpected(const struct logql_parser *p, const char *expecting, struct err *err)
{
    return logql_at(p,
                    err_set(err, ST_INVALID, p->lex.pos, "syntax error: unexpected %s%s%s",
                            logql_token_name(p->lex.token), expecting ? ", expecting " : "",
                            expecting ? expecting : ""),
                    err);
}

status logql_unsupported(const struct logql_parser *p, uint32_t pos, const char *what,
                         struct err *err)
{
    return logql_at(p, err_set(err, ST_UNSUPPORTED, pos, "%s is not supported by weir yet", what),
                    err);
}

status logql_advance(struct logql_parser *p, struct err *err)
{
    status s = logql_lex_next(&p->lex, err);
    return s == ST_OK ? s : logql_at(p, s, err);
}

status logql_expect(struct logql_parser *p, enum logql_token t, struct err *err)
{
    if (!logql_is(p, t)) return logql_unexpected(p, logql_token_name(t), err);
    return logql_advance(p, err);
}

status logql_enter(struct logql_parser *p, struct err *err)
{
    if (++p->depth <= LOGQL_MAX_DEPTH) return ST_OK;
    return logql_at(
        p,
        err_set(err, ST_INVALID, p->lex.pos, "nested deeper than the limit of %d", LOGQL_MAX_DEPTH),
        err);
}

status logql_operator(struct logql_parser *p, struct err *err)
{
    if (++p->operators <= LOGQL_MAX_OPERATORS) return ST_OK;
    return logql_at(p,
                    err_set(err, ST_INVALID, p->lex.pos, "more operators than the limit of %d",
                            LOGQL_MAX_OPERATORS),
                    err);
}

enum logql_token logql_peek(const struct logql_parser *p)
{
    struct logql_lex look = p->lex;
    return logql_lex_next(&look, NULL) == ST_OK ? look.token : LOGQL_T_END;
}

status logql_label_name(struct logql_parser *p, str *ret, struct err *err)
{
    if (!logql_is(p, LOGQL_T_IDENTIFIER) && !logql_token_is_word(p->lex.token))
        return logql_unexpected(p, NULL, err);
    *ret = p->lex.text;
    return logql_advance(p, err);
}

status logql_check_number(const struct logql_parser *p, struct err *err)
{
    if (!isnan(p->lex.number)) return ST_OK;
    return logql_at(p,
                    err_set(err, ST_INVALID, p->lex.pos, "not a decimal number: %.*s",
                            (int)(p->lex.text.len < 40 ? p->lex.text.len : 40), p->lex.text.ptr),
                    err);
}

void *logql_grow(struct arena *a, void *array, uint32_t n, size_t element)
{
    if (n & (n - 1)) return array;
    void *bigger = arena_alloc(a, arena_size(element, n ? (size_t)n * 2 : 1), 16);
    if (n) memcpy(bigger, array, n * element);
    return bigger;
}

static status semantic(struct err *err, const char *fmt, ...)
{
    char msg[160];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    return err_set(err, ST_INVALID, ERR_NOPOS, "parse error : %s", msg);
}

static struct logql_expr *new_expr(struct logql_parser *p, enum logql_kind kind)
{
    struct logql_expr *e = arena_new(p->arena, struct logql_expr);
    e->kind = kind;
    e->pos = p->lex.pos;
    return e;
}

static status parse_expr(struct logql_parser *p, int min, struct logql_expr **ret, struct err *err);

/* labels = "(" [ name { "," name } ] ")" */
static status parse_labels(struct logql_parser *p, struct logql_grouping *g, struct err *err)
{
    TRY(logql_expect(p, LOGQL_T_OPEN_PARENTHESIS, err));
    while (!logql_is(p, LOGQL_T_CLOSE_PARENTHESIS)) {
        str name;
        /* by (rate(: a function where a label should stand is a mistake, by (rate) is not */
        bool called =
            logql_token_is_word(p->lex.token) && logql_peek(p) == LOGQL_T_OPEN_PARENTHESIS;
        if (called || (!logql_is(p, LOGQL_T_IDENTIFIER) && !logql_token_is_word(p->lex.token)))
            return logql_unexpected(p, g->n ? "IDENTIFIER" : "IDENTIFIER or )", err);
        TRY(logql_label_name(p, &name, err));
        LOGQL_PUSH(p->arena, g->labels, g->n) = name;
        if (logql_is(p, LOGQL_T_CLOSE_PARENTHESIS)) break;
        if (!logql_is(p, LOGQL_T_COMMA)) return logql_unexpected(p, ") or ,", err);
        TRY(logql_advance(p, err));
    }
    return logql_advance(p, err);
}

/* grouping = ("by" | "without") labels */
static status parse_grouping(struct logql_parser *p, struct logql_grouping *g, struct err *err)
{
    g->given = true;
    g->without = logql_is(p, LOGQL_T_WITHOUT);
    TRY(logql_advance(p, err));
    return parse_labels(p, g, err);
}

static bool at_grouping(const struct logql_parser *p)
{
    return logql_is(p, LOGQL_T_BY) || logql_is(p, LOGQL_T_WITHOUT);
}

/* offset = "offset" duration */
static status parse_offset(struct logql_parser *p, struct logql_expr *e, struct err *err)
{
    if (!logql_is(p, LOGQL_T_OFFSET)) return ST_OK;
    TRY(logql_advance(p, err));
    if (!logql_is(p, LOGQL_T_DURATION)) return logql_unexpected(p, "DURATION", err);
    e->offset = p->lex.duration;
    return logql_advance(p, err);
}

/* logRange = (selector | "(" logRange ")") { stage | range [offset] }: exactly one range */
static status parse_log_range(struct logql_parser *p, struct logql_expr *e, struct err *err)
{
    if (logql_is(p, LOGQL_T_OPEN_PARENTHESIS)) {
        TRY(logql_enter(p, err));
        TRY(logql_advance(p, err));
        TRY(parse_log_range(p, e, err));
        p->depth--;
        TRY(logql_expect(p, LOGQL_T_CLOSE_PARENTHESIS, err));
    } else if (logql_is(p, LOGQL_T_OPEN_BRACE)) {
        TRY(logql_parse_selector(p, &e->log.matchers, err));
    } else {
        return logql_unexpected(p, NULL, err);
    }
    for (;;) {
        if (logql_at_stage(p)) {
            TRY(logql_parse_stage(p, &e->log, err));
        } else if (logql_is(p, LOGQL_T_RANGE) && !e->range) {
            e->range = p->lex.duration;
            TRY(logql_advance(p, err));
            TRY(parse_offset(p, e, err));
        } else {
            return ST_OK;
        }
    }
}

/* rangeAggregation = op "(" logRange ")" */
static status parse_range_aggregation(struct logql_parser *p, enum logql_range_op op,
                                      struct logql_expr **ret, struct err *err)
{
    struct logql_expr *e = *ret = new_expr(p, LOGQL_RANGE);
    e->range_op = op;
    str text = p->lex.text;
    TRY(logql_advance(p, err));
    if (at_grouping(p)) return logql_unexpected(p, "(", err);
    TRY(logql_expect(p, LOGQL_T_OPEN_PARENTHESIS, err));
    if (logql_is(p, LOGQL_T_NUMBER))
        return semantic(err, "parameter %.*s not supported for operation %.*s",
                        (int)p->lex.text.len, p->lex.text.ptr, (int)text.len, text.ptr);
    TRY(parse_log_range(p, e, err));
    if (!e->range) return logql_unexpected(p, "RANGE", err);
    TRY(logql_expect(p, LOGQL_T_CLOSE_PARENTHESIS, err));
    if (at_grouping(p))
        return semantic(err, "grouping not allowed for %.*s aggregation", (int)text.len, text.ptr);
    return logql_check_selector(p, &e->log.matchers, err);
}

/* topk's k, which stands before the vector */
static status parse_k(struct logql_parser *p, struct logql_expr *e, str op, struct err *err)
{
    bool wants = e->vector_op == LOGQL_TOPK || e->vector_op == LOGQL_BOTTOMK;
    if (!logql_is(p, LOGQL_T_NUMBER) || logql_peek(p) != LOGQL_T_COMMA) {
        if (wants && logql_is(p, LOGQL_T_IDENTIFIER)) return logql_unexpected(p, NULL, err);
        if (wants)
            return semantic(err, "parameter required for operation %.*s", (int)op.len, op.ptr);
        return ST_OK;
    }
    str t = p->lex.text;
    if (!wants)
        return semantic(err, "unsupported parameter for operation %.*s(%.*s,", (int)op.len, op.ptr,
                        (int)(t.len < 40 ? t.len : 40), t.ptr);
    if (!num_parse_i64(t, &e->k))
        return semantic(err, "invalid parameter %.*s(%.*s,", (int)op.len, op.ptr,
                        (int)(t.len < 40 ? t.len : 40), t.ptr);
    if (e->k <= 0)
        return semantic(err, "invalid parameter (must be greater than 0) %.*s(%.*s,", (int)op.len,
                        op.ptr, (int)(t.len < 40 ? t.len : 40), t.ptr);
    TRY(logql_advance(p, err));
    return logql_advance(p, err);
}

static status check_metric(const struct logql_parser *p, const struct logql_expr *e,
                           struct err *err)
{
    if (e->kind != LOGQL_LOG) return ST_OK;
    return logql_at(p, err_set(err, ST_INVALID, e->pos, "a log query where a metric is needed"),
                    err);
}

/* vectorAggregation = op [grouping] "(" [number ","] expr ")" [grouping] */
static status parse_vector_aggregation(struct logql_parser *p, enum logql_vector_op op,
                                       struct logql_expr **ret, struct err *err)
{
    struct logql_expr *e = *ret = new_expr(p, LOGQL_VECTOR);
    str text = p->lex.text;
    e->vector_op = op;
    TRY(logql_advance(p, err));
    if (at_grouping(p)) TRY(parse_grouping(p, &e->by, err));
    TRY(logql_expect(p, LOGQL_T_OPEN_PARENTHESIS, err));
    TRY(parse_k(p, e, text, err));
    TRY(parse_expr(p, 1, &e->left, err));
    if (!logql_is(p, LOGQL_T_CLOSE_PARENTHESIS)) return logql_unexpected(p, NULL, err);
    TRY(check_metric(p, e->left, err));
    if (e->left->kind == LOGQL_LITERAL)
        return semantic(err, "%.*s of a number: a vector is needed", (int)text.len, text.ptr);
    TRY(logql_advance(p, err));
    if (at_grouping(p)) {
        if (e->by.given) return logql_unexpected(p, NULL, err);
        TRY(parse_grouping(p, &e->by, err));
    }
    if ((op == LOGQL_SORT || op == LOGQL_SORT_DESC) && e->by.given)
        return semantic(err, "sort and sort_desc doesn't allow grouping by");
    return ST_OK;
}

/* number = [ "+" | "-" ] NUMBER */
static status parse_number(struct logql_parser *p, double *ret, struct err *err)
{
    double sign = logql_is(p, LOGQL_T_SUB) ? -1 : 1;
    if (logql_is(p, LOGQL_T_SUB) || logql_is(p, LOGQL_T_ADD)) TRY(logql_advance(p, err));
    if (!logql_is(p, LOGQL_T_NUMBER)) return logql_unexpected(p, "NUMBER", err);
    TRY(logql_check_number(p, err));
    *ret = sign * p->lex.number;
    return logql_advance(p, err);
}

/* vector = "vector" "(" number ")" */
static status parse_constant(struct logql_parser *p, struct logql_expr **ret, struct err *err)
{
    struct logql_expr *e = *ret = new_expr(p, LOGQL_CONSTANT);
    TRY(logql_advance(p, err));
    TRY(logql_expect(p, LOGQL_T_OPEN_PARENTHESIS, err));
    TRY(parse_number(p, &e->number, err));
    return logql_expect(p, LOGQL_T_CLOSE_PARENTHESIS, err);
}

/* labelReplace = "label_replace" "(" expr "," dst "," replacement "," src "," regex ")" */
static status parse_label_replace(struct logql_parser *p, struct logql_expr **ret, struct err *err)
{
    struct logql_expr *e = *ret = new_expr(p, LOGQL_LABEL_REPLACE);
    TRY(logql_advance(p, err));
    TRY(logql_expect(p, LOGQL_T_OPEN_PARENTHESIS, err));
    TRY(parse_expr(p, 1, &e->left, err));
    str *parts[] = {&e->dst, &e->replacement, &e->src, &e->regex};
    uint32_t at = 0;
    for (unsigned i = 0; i < 4; i++) {
        TRY(logql_expect(p, LOGQL_T_COMMA, err));
        if (!logql_is(p, LOGQL_T_STRING)) return logql_unexpected(p, "STRING", err);
        *parts[i] = p->lex.text;
        at = p->lex.pos;
        TRY(logql_advance(p, err));
    }
    TRY(check_metric(p, e->left, err));
    if (e->left->kind == LOGQL_LITERAL)
        return semantic(err, "label_replace of a number: a vector is needed");
    struct regex *r;
    status s = regex_new(p->arena, e->regex, REGEX_WHOLE, &r, err);
    if (s != ST_OK) {
        if (err) err->pos = at;
        return logql_at(p, s, err);
    }
    if (!e->dst.len) return semantic(err, "label_replace needs the name of a label to set");
    return logql_expect(p, LOGQL_T_CLOSE_PARENTHESIS, err);
}

static bool range_op_of(enum logql_token t, enum logql_range_op *ret)
{
    switch (t) {
#define RANGE_OP(id, text) \
    case LOGQL_T_##id:     \
        *ret = LOGQL_##id; \
        return true;
#include "query/ir/logql_ops.def"
    default: return false;
    }
}

static bool vector_op_of(enum logql_token t, enum logql_vector_op *ret)
{
    switch (t) {
#define VECTOR_OP(id, text) \
    case LOGQL_T_##id:      \
        *ret = LOGQL_##id;  \
        return true;
#include "query/ir/logql_ops.def"
    default: return false;
    }
}

/* log = selector { stage } */
static status parse_log(struct logql_parser *p, struct logql_expr **ret, struct err *err)
{
    struct logql_expr *e = *ret = new_expr(p, LOGQL_LOG);
    TRY(logql_parse_selector(p, &e->log.matchers, err));
    while (logql_at_stage(p)) TRY(logql_parse_stage(p, &e->log, err));
    return logql_check_selector(p, &e->log.matchers, err);
}

/* primary = log | "(" expr ")" | rangeAggregation | vectorAggregation | number | vector |
 * labelReplace */
static status parse_primary(struct logql_parser *p, struct logql_expr **ret, struct err *err)
{
    enum logql_token t = p->lex.token;
    enum logql_range_op range_op;
    enum logql_vector_op vector_op;
    if (t == LOGQL_T_OPEN_BRACE) return parse_log(p, ret, err);
    if (range_op_of(t, &range_op)) return parse_range_aggregation(p, range_op, ret, err);
    if (vector_op_of(t, &vector_op)) return parse_vector_aggregation(p, vector_op, ret, err);
    if (t == LOGQL_T_VECTOR) return parse_constant(p, ret, err);
    if (t == LOGQL_T_LABEL_REPLACE) return parse_label_replace(p, ret, err);
    if (t == LOGQL_T_NUMBER || t == LOGQL_T_ADD || t == LOGQL_T_SUB) {
        struct logql_expr *e = *ret = new_expr(p, LOGQL_LITERAL);
        return parse_number(p, &e->number, err);
    }
    if (t == LOGQL_T_OPEN_PARENTHESIS) {
        TRY(logql_advance(p, err));
        TRY(parse_expr(p, 1, ret, err));
        TRY(logql_expect(p, LOGQL_T_CLOSE_PARENTHESIS, err));
        while ((*ret)->kind == LOGQL_LOG && logql_at_stage(p))
            TRY(logql_parse_stage(p, &(*ret)->log, err));
        return ST_OK;
    }
    if (logql_token_is_word(t) && t < LOGQL_T_BYTES_CONV) {
        char what[40];
        snprintf(what, sizeof what, "%.*s", (int)p->lex.text.len, p->lex.text.ptr);
        return logql_unsupported(p, p->lex.pos, what, err);
    }
    return logql_unexpected(p, NULL, err);
}

/* modifiers = [ "bool" ] [ ("on" | "ignoring") labels ] */
static status parse_modifiers(struct logql_parser *p, struct logql_expr *e, struct err *err)
{
    if (logql_is(p, LOGQL_T_BOOL)) {
        if (!logql_is_comparison(e->binary_op)) return logql_unexpected(p, NULL, err);
        e->returns_bool = true;
        TRY(logql_advance(p, err));
    }
    if (logql_is(p, LOGQL_T_ON) || logql_is(p, LOGQL_T_IGNORING)) {
        e->by.given = true;
        e->by.without = logql_is(p, LOGQL_T_IGNORING);
        TRY(logql_advance(p, err));
        TRY(parse_labels(p, &e->by, err));
    }
    if (logql_is(p, LOGQL_T_GROUP_LEFT)) return logql_unsupported(p, p->lex.pos, "group_left", err);
    if (logql_is(p, LOGQL_T_GROUP_RIGHT))
        return logql_unsupported(p, p->lex.pos, "group_right", err);
    return ST_OK;
}

static double fold(enum logql_binary_op op, double a, double b)
{
    switch (op) {
    case LOGQL_OP_ADD: return a + b;
    case LOGQL_OP_SUB: return a - b;
    case LOGQL_OP_MUL: return a * b;
    case LOGQL_OP_DIV: return b == 0 ? NAN : a / b; /* not PromQL's: no infinities */
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

static status finish_binary(struct logql_expr *e, const char *op, struct err *err)
{
    const struct logql_expr *legs[] = {e->left, e->right};
    static const char *const sides[] = {"left", "right"};
    for (unsigned i = 0; i < 2; i++) {
        if (legs[i]->kind == LOGQL_LOG)
            return semantic(err, "unexpected type for %s leg of binary operation (%s): a log query",
                            sides[i], op);
        if (legs[i]->kind == LOGQL_LITERAL && logql_is_set(e->binary_op))
            return semantic(
                err, "unexpected literal for %s leg of logical/set binary operation (%s): %f",
                sides[i], op, legs[i]->number);
    }
    if (e->left->kind == LOGQL_LITERAL && e->right->kind == LOGQL_LITERAL) {
        e->number = fold(e->binary_op, e->left->number, e->right->number);
        e->kind = LOGQL_LITERAL;
    }
    return ST_OK;
}

/* expr = primary { op modifiers expr } */
static status parse_expr(struct logql_parser *p, int min, struct logql_expr **ret, struct err *err)
{
    TRY(logql_enter(p, err));
    TRY(parse_primary(p, ret, err));
    for (;;) {
        const struct binary *b = NULL;
        for (size_t i = 0; i < sizeof binary_ops / sizeof *binary_ops; i++)
            if (logql_is(p, binary_ops[i].token)) b = &binary_ops[i];
        if (!b || b->precedence < min) break;
        TRY(logql_operator(p, err));
        struct logql_expr *e = new_expr(p, LOGQL_BINARY);
        e->pos = (*ret)->pos;
        e->binary_op = b->op;
        e->left = *ret;
        TRY(logql_advance(p, err));
        TRY(parse_modifiers(p, e, err));
        TRY(parse_expr(p, b->op == LOGQL_OP_POW ? b->precedence : b->precedence + 1, &e->right,
                       err));
        TRY(finish_binary(e, b->text, err));
        *ret = e;
    }
    p->depth--;
    return ST_OK;
}

static status begin(struct logql_parser *p, struct arena *a, str text, struct err *err)
{
    *p = (struct logql_parser){.arena = a};
    if (text.len > LOGQL_MAX_BYTES)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "parse error : the query has %zu bytes, limit %d", text.len,
                       LOGQL_MAX_BYTES);
    logql_lex_init(&p->lex, a, text);
    return logql_advance(p, err);
}

status logql_parse(struct arena *a, str text, struct logql_expr **ret, struct err *err)
{
    struct logql_parser p;
    struct logql_expr *e;
    TRY(begin(&p, a, text, err));
    TRY(parse_expr(&p, 1, &e, err));
    if (!logql_is(&p, LOGQL_T_END)) return logql_unexpected(&p, NULL, err);
    *ret = e;
    return ST_OK;
}

status logql_parse_matchers(struct arena *a, str text, struct logql_matchers *ret, struct err *err)
{
    struct logql_parser p;
    struct logql_matchers m = {};
    TRY(begin(&p, a, text, err));
    TRY(logql_parse_selector(&p, &m, err));
    if (!logql_is(&p, LOGQL_T_END)) return logql_unexpected(&p, NULL, err);
    *ret = m;
    return ST_OK;
}
