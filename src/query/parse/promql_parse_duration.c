/* Durations: literals, and arithmetic on them in brackets and after offset. */
#include <math.h>

#include "query/parse/promql_parser.h"

static const struct {
    const char *name;
    int64_t ms;
} units[] = {
    {"y", 365ll * 86400000},
    {"w", 7ll * 86400000},
    {"d", 86400000},
    {"h", 3600000},
    {"m", 60000},
    {"s", 1000},
    {"ms", 1},
};
enum { UNITS = sizeof units / sizeof *units };

status promql_parse_duration(str text, int64_t *ret_ms, struct err *err)
{
    if (text.len == 0) return err_set(err, ST_INVALID, 0, "empty duration string");
    if (str_eq(text, S("0"))) {
        *ret_ms = 0;
        return ST_OK;
    }
    int64_t sum = 0;
    int last = -1;
    for (size_t i = 0; i < text.len;) {
        int64_t v = 0;
        size_t from = i;
        for (; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++)
            if (__builtin_mul_overflow(v, 10, &v) ||
                __builtin_add_overflow(v, text.ptr[i] - '0', &v))
                return err_set(err, ST_INVALID, 0, "duration out of range");
        size_t unit = i;
        while (i < text.len && (text.ptr[i] < '0' || text.ptr[i] > '9')) i++;
        str name = {text.ptr + unit, i - unit};
        if (unit == from || name.len == 0)
            return err_set(err, ST_INVALID, 0, "not a valid duration string: \"" STR_FMT "\"",
                           STR_ARG(text));
        int u = 0;
        while (u < UNITS && !str_eq(name, (str){units[u].name, strlen(units[u].name)})) u++;
        if (u == UNITS)
            return err_set(err, ST_INVALID, 0,
                           "unknown unit \"" STR_FMT "\" in duration \"" STR_FMT "\"",
                           STR_ARG(name), STR_ARG(text));
        if (u <= last)
            return err_set(err, ST_INVALID, 0, "not a valid duration string: \"" STR_FMT "\"",
                           STR_ARG(text));
        last = u;
        /* Go's durations are int64 nanoseconds */
        if (__builtin_mul_overflow(v, units[u].ms, &v) || __builtin_add_overflow(sum, v, &sum) ||
            sum > INT64_MAX / 1000000)
            return err_set(err, ST_INVALID, 0, "duration out of range");
    }
    *ret_ms = sum;
    return ST_OK;
}

void promql_print_duration(struct buf *out, int64_t ms)
{
    if (ms == 0) return buf_add(out, S("0s"));
    if (ms < 0) {
        buf_char(out, '-');
        ms = -ms;
    }
    for (int u = 0; u < UNITS; u++) {
        /* years, weeks and days only when nothing is left over: 1h of a day is 25h */
        int64_t n = ms / units[u].ms;
        if (n == 0 || (u < 3 && ms % units[u].ms)) continue;
        buf_printf(out, "%lld%s", (long long)n, units[u].name);
        ms %= units[u].ms;
    }
}

static struct promql_duration *node(struct promql_parser *p, enum promql_duration_op op,
                                    uint32_t start)
{
    struct promql_duration *d = arena_new(p->arena, struct promql_duration);
    d->op = op;
    d->start = start;
    return d;
}

static const char expected[] = "number, duration, step(), or range()";

static status parse_sum(struct promql_parser *p, const char *where, unsigned depth,
                        struct promql_duration **ret);

static bool is(const struct promql_parser *p, const char *text)
{
    return promql_is(p, TOK_PUNCTUATION, text);
}

/* primary = number | duration | "(" sum ")" | ( "step" | "range" ) "(" ")" | ( "min_of" | "max_of"
 * ) "(" sum "," sum ")" */
static status parse_primary(struct promql_parser *p, const char *where, unsigned depth,
                            struct promql_duration **ret)
{
    uint32_t start = p->at->start;
    if (depth > 50)
        return err_set(p->err, ST_INVALID, start,
                       "duration expression is nested more than 50 deep");
    struct promql_duration *d;
    if (p->at->kind == TOK_NUMBER || p->at->kind == TOK_DURATION) {
        d = node(p, DUR_LITERAL, start);
        TRY(promql_number(p, &d->seconds, &d->is_duration));
        if (!(fabs(d->seconds) < 9223372036.0))
            return err_set(p->err, ST_INVALID, start, "duration out of range");
    } else if (is(p, "(")) {
        d = node(p, DUR_PAREN, start);
        promql_next(p);
        TRY(parse_sum(p, where, depth + 1, &d->lhs));
        if (!is(p, ")")) return promql_unexpected(p, where, "\")\"");
        promql_next(p);
    } else if (p->at->kind == TOK_KEYWORD &&
               (promql_is_word(p->at, "step") || promql_is_word(p->at, "range") ||
                promql_is_word(p->at, "min_of") || promql_is_word(p->at, "max_of"))) {
        bool two = promql_is_word(p->at, "min_of") || promql_is_word(p->at, "max_of");
        d = node(p,
                 promql_is_word(p->at, "step")     ? DUR_STEP
                 : promql_is_word(p->at, "range")  ? DUR_RANGE
                 : promql_is_word(p->at, "min_of") ? DUR_MIN
                                                   : DUR_MAX,
                 start);
        promql_next(p);
        if (!is(p, "(")) return promql_unexpected(p, where, expected);
        promql_next(p);
        if (two) {
            TRY(parse_sum(p, where, depth + 1, &d->lhs));
            if (!is(p, ",")) return promql_unexpected(p, where, "\",\"");
            promql_next(p);
            TRY(parse_sum(p, where, depth + 1, &d->rhs));
        }
        if (!is(p, ")")) return promql_unexpected(p, where, "\")\"");
        promql_next(p);
    } else {
        return promql_unexpected(p, where, expected);
    }
    d->end = p->last->end;
    *ret = d;
    return ST_OK;
}

static status parse_binary(struct promql_parser *p, const char *where, unsigned depth, unsigned min,
                           struct promql_duration **ret);

/* unary = { "+" | "-" } power; after offset, where no operator can follow, of a primary */
static status parse_unary(struct promql_parser *p, const char *where, unsigned depth, bool alone,
                          struct promql_duration **ret)
{
    uint32_t start = p->at->start;
    bool minus = promql_is(p, TOK_OPERATOR, "-");
    if (!minus && !promql_is(p, TOK_OPERATOR, "+")) return parse_primary(p, where, depth, ret);
    if (depth > 50)
        return err_set(p->err, ST_INVALID, start,
                       "duration expression is nested more than 50 deep");
    promql_next(p);
    TRY(alone ? parse_unary(p, where, depth + 1, true, ret)
              : parse_binary(p, where, depth + 1, 3, ret));
    if (!minus) return ST_OK;
    if ((*ret)->op == DUR_LITERAL) {
        (*ret)->seconds = -(*ret)->seconds;
        (*ret)->start = start;
        return ST_OK;
    }
    struct promql_duration *d = node(p, DUR_NEG, start);
    d->lhs = *ret;
    d->end = p->last->end;
    *ret = d;
    return ST_OK;
}

/* Of a literal right side only; what step() and range() make is found when the query runs. */
static status zero_divisor(struct promql_parser *p, const struct promql_duration *d)
{
    const struct promql_duration *r = d->rhs;
    while (r->op == DUR_PAREN) r = r->lhs;
    if ((d->op == DUR_DIV || d->op == DUR_MOD) && r->op == DUR_LITERAL && r->seconds == 0)
        return err_set(p->err, ST_INVALID, d->op_at, "%s by zero",
                       d->op == DUR_DIV ? "division" : "modulo");
    return ST_OK;
}

static const struct {
    char text;
    enum promql_duration_op op;
    unsigned precedence;
} operators[] = {{'+', DUR_ADD, 1}, {'-', DUR_SUB, 1}, {'*', DUR_MUL, 2},
                 {'/', DUR_DIV, 2}, {'%', DUR_MOD, 2}, {'^', DUR_POW, 3}};

static status parse_binary(struct promql_parser *p, const char *where, unsigned depth, unsigned min,
                           struct promql_duration **ret)
{
    if (depth > 50)
        return err_set(p->err, ST_INVALID, p->at->start,
                       "duration expression is nested more than 50 deep");
    struct promql_duration *lhs = NULL;
    TRY(parse_unary(p, where, depth, false, &lhs));
    for (unsigned chain = 0; p->at->kind == TOK_OPERATOR && p->at->text.len == 1;) {
        size_t i = 0;
        while (i < 6 && operators[i].text != *p->at->text.ptr) i++;
        if (i == 6 || operators[i].precedence < min) break;
        if (++chain > 100)
            return err_set(p->err, ST_INVALID, p->at->start,
                           "duration expression has more than 100 operators");
        struct promql_duration *d = node(p, operators[i].op, lhs->start);
        d->op_at = p->at->start;
        d->lhs = lhs;
        promql_next(p);
        unsigned tighter = operators[i].precedence + (d->op != DUR_POW);
        TRY(parse_binary(p, where, depth + 1, tighter, &d->rhs));
        TRY(zero_divisor(p, d));
        d->end = p->last->end;
        lhs = d;
    }
    *ret = lhs;
    return ST_OK;
}

static status parse_sum(struct promql_parser *p, const char *where, unsigned depth,
                        struct promql_duration **ret)
{
    return parse_binary(p, where, depth, 1, ret);
}

status promql_duration_in_brackets(struct promql_parser *p, bool positive,
                                   struct promql_duration **ret, int64_t *ret_ms)
{
    TRY(parse_sum(p, "subquery or range selector", 0, ret));
    const struct promql_duration *d = *ret;
    *ret_ms = d->op == DUR_LITERAL ? (int64_t)round(d->seconds * 1000) : 0;
    if (positive && d->op == DUR_LITERAL && *ret_ms <= 0)
        return err_set(p->err, ST_INVALID, d->start, "duration must be greater than 0");
    return ST_OK;
}

status promql_duration_of_offset(struct promql_parser *p, struct promql_duration **ret,
                                 int64_t *ret_ms)
{
    TRY(parse_unary(p, "offset", 0, true, ret));
    const struct promql_duration *d = *ret;
    *ret_ms = d->op == DUR_LITERAL ? (int64_t)round(d->seconds * 1000) : 0;
    return ST_OK;
}
