#include "query/render/promql_tree.h"

#include "base/num.h"

static void text(struct json_out *j, str key, const char *value)
{
    json_key(j, key);
    json_str(j, (str){value, strlen(value)});
}

static void flag(struct json_out *j, str key, bool value)
{
    json_key(j, key);
    json_bool(j, value);
}

static void number(struct json_out *j, str key, int64_t value)
{
    json_key(j, key);
    json_i64(j, value);
}

static void names(struct json_out *j, str key, const str *list, uint32_t n)
{
    json_key(j, key);
    json_array(j);
    for (uint32_t i = 0; i < n; i++) json_str(j, list[i]);
    json_end(j);
}

/* A node has its own json_out: a tree is deeper than one can be. */
static void below(struct json_out *j, const struct promql_expr *e)
{
    json_raw(j, (str){0});
    struct json_out inner = json_begin(j->out);
    promql_tree(&inner, e);
}

static void child(struct json_out *j, str key, const struct promql_expr *e)
{
    json_key(j, key);
    if (e)
        below(j, e);
    else
        json_null(j);
}

static void aggregate(struct json_out *j, const struct promql_expr *e)
{
    child(j, S("expr"), e->aggregate.expr);
    names(j, S("grouping"), e->aggregate.labels, e->aggregate.n_labels);
    text(j, S("op"), promql_aggregate_name(e->aggregate.op));
    child(j, S("param"), e->aggregate.param);
    text(j, S("type"), "aggregation");
    flag(j, S("without"), e->aggregate.without);
}

static void fill(struct json_out *j, str key, bool has, double value)
{
    json_key(j, key);
    if (has)
        json_f64(j, value);
    else
        json_null(j);
}

static void matching(struct json_out *j, const struct promql_matching *m)
{
    static const char *const cards[] = {"one-to-one", "many-to-one", "one-to-many", "many-to-many"};
    json_object(j);
    text(j, S("card"), cards[m->card]);
    json_key(j, S("fillValues"));
    json_object(j);
    fill(j, S("lhs"), m->has_fill_left, m->fill_left);
    fill(j, S("rhs"), m->has_fill_right, m->fill_right);
    json_end(j);
    names(j, S("include"), m->include, m->n_include);
    names(j, S("labels"), m->labels, m->n_labels);
    flag(j, S("on"), m->on);
    json_end(j);
}

static void binary(struct json_out *j, const struct promql_expr *e)
{
    flag(j, S("bool"), e->binary.returns_bool);
    child(j, S("lhs"), e->binary.lhs);
    json_key(j, S("matching"));
    if (promql_type_of(e->binary.lhs) == PROMQL_VECTOR &&
        promql_type_of(e->binary.rhs) == PROMQL_VECTOR)
        matching(j, &e->binary.matching);
    else
        json_null(j);
    text(j, S("op"), promql_op_name(e->binary.op));
    child(j, S("rhs"), e->binary.rhs);
    text(j, S("type"), "binaryExpr");
}

/* A type's name in a function's signature. */
static const char *type_name(enum promql_type t)
{
    static const char *const all[] = {"none", "scalar", "vector", "matrix", "string"};
    return all[t];
}

static const char *argument_name(char letter)
{
    return type_name(letter == 's'   ? PROMQL_SCALAR
                     : letter == 'v' ? PROMQL_VECTOR
                     : letter == 'm' ? PROMQL_MATRIX
                                     : PROMQL_STRING);
}

static void call(struct json_out *j, const struct promql_expr *e)
{
    const struct promql_function *f = e->call.fn;
    json_key(j, S("args"));
    json_array(j);
    for (uint32_t i = 0; i < e->call.n_args; i++) below(j, e->call.args[i]);
    json_end(j);
    json_key(j, S("func"));
    json_object(j);
    json_key(j, S("argTypes"));
    json_array(j);
    for (const char *c = f->args; *c; c++) {
        const char *name = argument_name(*c);
        json_str(j, (str){name, strlen(name)});
    }
    json_end(j);
    text(j, S("name"), f->name);
    text(j, S("returnType"), type_name(f->returns));
    number(j, S("variadic"), f->variadic);
    json_end(j);
    text(j, S("type"), "call");
}

static void matchers(struct json_out *j, const struct promql_expr *e)
{
    static const char *const ops[] = {[MATCH_EQUAL] = "=",
                                      [MATCH_NOT_EQUAL] = "!=",
                                      [MATCH_REGEX] = "=~",
                                      [MATCH_NOT_REGEX] = "!~"};
    json_key(j, S("matchers"));
    json_array(j);
    for (uint32_t i = 0; i < e->selector.n_matchers; i++) {
        const struct label_matcher *m = &e->selector.matchers[i];
        json_object(j);
        json_key(j, S("name"));
        json_str(j, m->name);
        text(j, S("type"), ops[m->op]);
        json_key(j, S("value"));
        json_str(j, m->value);
        json_end(j);
    }
    json_end(j);
}

static void start_or_end(struct json_out *j, const struct promql_shift *s)
{
    json_key(j, S("startOrEnd"));
    if (s->at == AT_START)
        json_str(j, S("start"));
    else if (s->at == AT_END)
        json_str(j, S("end"));
    else
        json_null(j);
}

static void timestamp(struct json_out *j, const struct promql_shift *s)
{
    json_key(j, S("timestamp"));
    if (s->at == AT_TIME)
        json_i64(j, s->at_ms);
    else
        json_null(j);
}

/* `range`: NULL, or the range around the selector `e`. */
static void selector(struct json_out *j, const struct promql_expr *e,
                     const struct promql_expr *range)
{
    flag(j, S("anchored"), e->selector.reach == REACH_ANCHORED);
    matchers(j, e);
    json_key(j, S("name"));
    json_str(j, e->selector.name);
    number(j, S("offset"), e->selector.shift.offset_ms);
    if (range) number(j, S("range"), range->range.ms);
    flag(j, S("smoothed"), e->selector.reach == REACH_SMOOTHED);
    start_or_end(j, &e->selector.shift);
    timestamp(j, &e->selector.shift);
    text(j, S("type"), range ? "matrixSelector" : "vectorSelector");
}

static void subquery(struct json_out *j, const struct promql_expr *e)
{
    child(j, S("expr"), e->subquery.expr);
    number(j, S("offset"), e->subquery.shift.offset_ms);
    number(j, S("range"), e->subquery.ms);
    start_or_end(j, &e->subquery.shift);
    number(j, S("step"), e->subquery.step_ms);
    timestamp(j, &e->subquery.shift);
    text(j, S("type"), "subquery");
}

static void literal(struct json_out *j, double value)
{
    char digits[NUM_MAX];
    text(j, S("type"), "numberLiteral");
    json_key(j, S("val"));
    json_str(j, (str){digits, num_format_f(value, digits)});
}

void promql_tree(struct json_out *j, const struct promql_expr *e)
{
    json_object(j);
    switch (e->kind) {
    case PROMQL_NUMBER: literal(j, e->number.value); break;
    case PROMQL_TEXT:
        text(j, S("type"), "stringLiteral");
        json_key(j, S("val"));
        json_str(j, e->text);
        break;
    case PROMQL_SELECTOR: selector(j, e, NULL); break;
    case PROMQL_RANGE: selector(j, e->range.selector, e); break;
    case PROMQL_SUBQUERY: subquery(j, e); break;
    case PROMQL_CALL: call(j, e); break;
    case PROMQL_AGGREGATE: aggregate(j, e); break;
    case PROMQL_BINARY: binary(j, e); break;
    case PROMQL_UNARY:
        child(j, S("expr"), e->unary.expr);
        text(j, S("op"), e->unary.minus ? "-" : "+");
        text(j, S("type"), "unaryExpr");
        break;
    case PROMQL_PAREN:
        child(j, S("expr"), e->paren);
        text(j, S("type"), "parenExpr");
        break;
    }
    json_end(j);
}
