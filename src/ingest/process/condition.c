/* The parser of conditions: one function per rule of the grammar in condition.h. */
#include "ingest/process/condition.h"

#include "base/buf.h"
#include "base/hex.h"
#include "base/num.h"
#include "ingest/process/condition_paths.h"

struct parser {
    struct arena *arena;
    str text;
    size_t at;
    enum condition_context on;
    bool named;
    unsigned depth;
    struct err *err;
};

static status fail(struct parser *p, size_t at, const char *why)
{
    return err_set(p->err, ST_INVALID, (uint32_t)at, "%s", why);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* The next byte behind spaces; 0 at the end. */
static char peek(struct parser *p)
{
    while (p->at < p->text.len && memchr(" \t\r\n", p->text.ptr[p->at], 4)) p->at++;
    return p->at < p->text.len ? p->text.ptr[p->at] : 0;
}

static bool take(struct parser *p, const char *token)
{
    (void)peek(p);
    size_t n = strlen(token);
    if (p->text.len - p->at < n || memcmp(p->text.ptr + p->at, token, n) != 0) return false;
    p->at += n;
    return true;
}

static str word(const struct parser *p, size_t at)
{
    size_t n = at;
    if (n < p->text.len && is_letter(p->text.ptr[n]))
        while (n < p->text.len && (is_letter(p->text.ptr[n]) || is_digit(p->text.ptr[n]))) n++;
    return (str){p->text.ptr + at, n - at};
}

static bool take_word(struct parser *p, str what)
{
    (void)peek(p);
    if (!str_eq(word(p, p->at), what)) return false;
    p->at += what.len;
    return true;
}

static struct node *node_new(struct parser *p, enum node_kind kind)
{
    struct node *n = arena_new(p->arena, struct node);
    n->kind = (uint8_t)kind;
    return n;
}

static status deeper(struct parser *p)
{
    if (p->depth++ < CONDITION_MAX_DEPTH) return ST_OK;
    return fail(p, p->at, "nested deeper than the limit of 64 levels");
}

static status need_bool(struct parser *p, const struct node *n, size_t at)
{
    if (n->is_bool) return ST_OK;
    return fail(p, at, "a value where a condition is expected: compare it with something");
}

static status parse_or(struct parser *p, struct node **ret);

static status parse_string(struct parser *p, str *ret)
{
    size_t start = p->at++, n = 0;
    char *out = arena_alloc(p->arena, p->text.len - start, 1);
    for (; p->at < p->text.len; p->at++) {
        char c = p->text.ptr[p->at];
        if (c == '"') {
            p->at++;
            *ret = (str){out, n};
            return ST_OK;
        }
        if (c == '\\') {
            static const char codes[] = "\\\"ntr", means[] = "\\\"\n\t\r";
            char next = p->at + 1 < p->text.len ? p->text.ptr[p->at + 1] : 0;
            const char *code = next ? strchr(codes, next) : NULL;
            if (!code) return fail(p, p->at, "no such escape; a backslash is written as \\\\");
            c = means[code - codes];
            p->at++;
        }
        out[n++] = c;
    }
    return fail(p, start, "a string without its end");
}

static status parse_bytes(struct parser *p, struct attr_value *ret)
{
    size_t start = p->at;
    p->at += 2;
    size_t from = p->at;
    while (p->at < p->text.len && hex_digit(p->text.ptr[p->at]) >= 0) p->at++;
    str digits = {p->text.ptr + from, p->at - from};
    if (digits.len == 0 || digits.len % 2) return fail(p, start, "an odd number of digits");
    char *out = arena_alloc(p->arena, digits.len / 2, 1);
    (void)hex_decode(digits, out, digits.len / 2);
    *ret = (struct attr_value){ATTR_BYTES, {(str){out, digits.len / 2}}};
    return ST_OK;
}

static status parse_number(struct parser *p, struct attr_value *ret)
{
    size_t start = p->at;
    bool point = false;
    if (p->text.ptr[p->at] == '+' || p->text.ptr[p->at] == '-') p->at++;
    for (; p->at < p->text.len; p->at++) {
        char c = p->text.ptr[p->at];
        if (c == '.') point = true;
        if (c != '.' && !is_digit(c)) break;
    }
    str text = {p->text.ptr + start, p->at - start};
    if (text.len && *text.ptr == '+') text = str_drop(text, 1);
    bool ok;
    if (point) {
        ret->type = ATTR_DOUBLE;
        ok = num_parse_f64(text, &ret->d);
    } else {
        ret->type = ATTR_INT;
        ok = num_parse_i64(text, &ret->i);
    }
    return ok ? ST_OK : fail(p, start, "not a number that fits");
}

/* ["name"] or [0], any number of them. */
static status parse_keys(struct parser *p, const struct path_key **ret)
{
    struct path_key *last = NULL;
    *ret = NULL;
    while (take(p, "[")) {
        struct path_key *k = arena_new(p->arena, struct path_key);
        struct attr_value number;
        char c = peek(p);
        if (c == '"') {
            TRY(parse_string(p, &k->name));
        } else if (is_digit(c)) {
            size_t at = p->at;
            TRY(parse_number(p, &number));
            if (number.type != ATTR_INT) return fail(p, at, "a whole number is expected");
            k->is_number = true;
            k->number = number.i;
        } else {
            return fail(p, p->at, "a key in double quotes or a number is expected");
        }
        if (!take(p, "]")) return fail(p, p->at, "\"]\" is expected");
        if (last)
            last->next = k;
        else
            *ret = k;
        last = k;
    }
    return ST_OK;
}

static status parse_path(struct parser *p, struct node **ret)
{
    size_t start = p->at;
    for (;;) {
        str part = word(p, p->at);
        if (part.len == 0) return fail(p, p->at, "a name is expected");
        p->at += part.len;
        if (p->at >= p->text.len || p->text.ptr[p->at] != '.') break;
        p->at++;
    }
    struct node *n = node_new(p, NODE_PATH);
    const char *why = path_find(p->on, p->named, (str){p->text.ptr + start, p->at - start}, n);
    if (why) return fail(p, start, why);
    size_t at = p->at;
    TRY(parse_keys(p, &n->keys));
    if (n->field == FIELD_ATTRIBUTE && (!n->keys || n->keys->is_number))
        return fail(p, start, "attributes need a key: attributes[\"name\"]");
    if (n->keys && n->field != FIELD_ATTRIBUTE && n->field != FIELD_BODY)
        return fail(p, at, "this path has no keys");
    *ret = n;
    return ST_OK;
}

static status parse_pattern(struct parser *p, struct node *call, size_t at)
{
    const struct node *pattern = call->first->next;
    if (pattern->kind != NODE_LITERAL || pattern->literal.type != ATTR_STRING)
        return fail(p, at, "the pattern of IsMatch is written as a string");
    struct err why;
    if (regex_new(p->arena, pattern->literal.text, REGEX_SEARCH, &call->pattern, &why) != ST_OK)
        return fail(p, at, why.msg);
    return ST_OK;
}

static status parse_call(struct parser *p, str name, struct node **ret)
{
    size_t start = p->at;
    const struct function *f = function_find(name);
    if (!f) return fail(p, start, "no such function here");
    if (f->call == CALL_IS_ROOT_SPAN && p->on != ON_SPAN && p->on != ON_EVENT)
        return fail(p, start, "only for spans");
    p->at += name.len;
    struct node *call = node_new(p, NODE_CALL), *last = NULL;
    call->op = f->call;
    call->is_bool = f->is_bool;
    (void)take(p, "(");
    TRY(deeper(p));
    size_t at = p->at;
    for (unsigned i = 0; i < f->n_args; i++) {
        struct node *arg;
        if (i && !take(p, ",")) return fail(p, p->at, "one more argument is expected");
        (void)peek(p);
        at = p->at;
        TRY(parse_or(p, &arg));
        if (last)
            last->next = arg;
        else
            call->first = arg;
        last = arg;
    }
    p->depth--;
    if (!take(p, ")")) return fail(p, p->at, "\")\" is expected");
    if (f->call == CALL_IS_MATCH) TRY(parse_pattern(p, call, at));
    *ret = call;
    return ST_OK;
}

static status parse_name(struct parser *p, struct node **ret)
{
    str name = word(p, p->at);
    size_t after = p->at + name.len;
    while (after < p->text.len && p->text.ptr[after] == ' ') after++;
    if (after < p->text.len && p->text.ptr[after] == '(') return parse_call(p, name, ret);
    struct node *n = node_new(p, NODE_LITERAL);
    if (str_eq(name, S("nil"))) {
        n->literal.type = ATTR_EMPTY;
    } else if (str_eq(name, S("true")) || str_eq(name, S("false"))) {
        n->literal = (struct attr_value){ATTR_BOOL, {.i = name.len == 4}};
        n->is_bool = true;
    } else if (name.ptr[0] >= 'A' && name.ptr[0] <= 'Z') {
        n->literal.type = ATTR_INT;
        if (!enum_find(name, &n->literal.i)) return fail(p, p->at, "no such name");
    } else {
        return parse_path(p, ret);
    }
    p->at += name.len;
    *ret = n;
    return ST_OK;
}

static status parse_value(struct parser *p, struct node **ret)
{
    char c = peek(p);
    if (c == '(') {
        p->at++;
        TRY(deeper(p));
        TRY(parse_or(p, ret));
        p->depth--;
        return take(p, ")") ? ST_OK : fail(p, p->at, "\")\" is expected");
    }
    if (is_letter(c)) return parse_name(p, ret);
    struct node *n = *ret = node_new(p, NODE_LITERAL);
    if (c == '"') {
        n->literal.type = ATTR_STRING;
        return parse_string(p, &n->literal.text);
    }
    if (c == '0' && p->at + 1 < p->text.len && p->text.ptr[p->at + 1] == 'x')
        return parse_bytes(p, &n->literal);
    if (is_digit(c) || c == '+' || c == '-' || c == '.') return parse_number(p, &n->literal);
    return fail(p, p->at,
                c ? "a value is expected" : "the condition ends where a value is expected");
}

/* Operators of one precedence, from the left. The chain is as deep as it is long. */
static status parse_math(struct parser *p, const char *operators,
                         status (*operand)(struct parser *, struct node **), struct node **ret)
{
    struct node *left, *right;
    TRY(operand(p, &left));
    for (unsigned n = 0;; n++) {
        char c = peek(p);
        if (!c || !strchr(operators, c)) break;
        if (n == CONDITION_MAX_DEPTH) return fail(p, p->at, "more than 64 operators in a row");
        p->at++;
        TRY(operand(p, &right));
        struct node *math = node_new(p, NODE_MATH);
        math->op = (uint8_t)c;
        left->next = right;
        math->first = left;
        left = math;
    }
    *ret = left;
    return ST_OK;
}

static status parse_product(struct parser *p, struct node **ret)
{
    return parse_math(p, "*/", parse_value, ret);
}

static status parse_sum(struct parser *p, struct node **ret)
{
    return parse_math(p, "+-", parse_product, ret);
}

static status parse_comparison(struct parser *p, struct node **ret)
{
    static const struct {
        const char *text;
        uint8_t op;
    } ops[] = {{"==", OP_EQ}, {"!=", OP_NE}, {"<=", OP_LE},
               {">=", OP_GE}, {"<", OP_LT},  {">", OP_GT}};
    struct node *left, *right;
    TRY(parse_sum(p, &left));
    *ret = left;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (!take(p, ops[i].text)) continue;
        TRY(parse_sum(p, &right));
        struct node *n = *ret = node_new(p, NODE_COMPARE);
        n->op = ops[i].op;
        n->is_bool = true;
        left->next = right;
        n->first = left;
        break;
    }
    return ST_OK;
}

static status parse_not(struct parser *p, struct node **ret)
{
    if (!take_word(p, S("not"))) return parse_comparison(p, ret);
    struct node *inner;
    TRY(deeper(p));
    (void)peek(p);
    size_t at = p->at;
    TRY(parse_not(p, &inner));
    TRY(need_bool(p, inner, at));
    p->depth--;
    struct node *n = *ret = node_new(p, NODE_NOT);
    n->is_bool = true;
    n->first = inner;
    return ST_OK;
}

/* Operands with the word between them; one alone is itself. */
static status parse_chain(struct parser *p, str between, enum node_kind kind,
                          status (*operand)(struct parser *, struct node **), struct node **ret)
{
    (void)peek(p);
    size_t at = p->at;
    struct node *last;
    TRY(operand(p, &last));
    *ret = last;
    for (struct node *chain = NULL; take_word(p, between);) {
        TRY(need_bool(p, last, at));
        if (!chain) {
            *ret = chain = node_new(p, kind);
            chain->is_bool = true;
            chain->first = last;
        }
        (void)peek(p);
        at = p->at;
        struct node *more;
        TRY(operand(p, &more));
        TRY(need_bool(p, more, at));
        last->next = more;
        last = more;
    }
    return ST_OK;
}

static status parse_and(struct parser *p, struct node **ret)
{
    return parse_chain(p, S("and"), NODE_AND, parse_not, ret);
}

static status parse_or(struct parser *p, struct node **ret)
{
    return parse_chain(p, S("or"), NODE_OR, parse_and, ret);
}

status condition_new(struct arena *a, enum condition_context on, bool named, str text,
                     const struct condition **ret, struct err *err)
{
    struct parser p = {.arena = a, .text = text, .on = on, .named = named, .err = err};
    if (text.len > CONDITION_MAX_BYTES)
        return err_set(err, ST_INVALID, ERR_NOPOS, "a condition of %zu bytes, limit %d", text.len,
                       CONDITION_MAX_BYTES);
    struct node *root;
    TRY(parse_or(&p, &root));
    if (peek(&p)) return fail(&p, p.at, "the condition should end here");
    TRY(need_bool(&p, root, 0));
    struct condition *c = arena_new(a, struct condition);
    c->root = root;
    *ret = c;
    return ST_OK;
}
