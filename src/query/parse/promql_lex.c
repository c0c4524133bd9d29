/* One function per mode: statement, inside braces, inside brackets. Messages are Prometheus' own.
 */
#include <assert.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "query/ir/promql.h"
#include "query/parse/promql_lex.h"

const struct promql_word promql_words[] = {
    {"and", TOK_OPERATOR, OP_AND, true},
    {"or", TOK_OPERATOR, OP_OR, true},
    {"unless", TOK_OPERATOR, OP_UNLESS, true},
    {"atan2", TOK_OPERATOR, OP_ATAN2, true},
    {"sum", TOK_AGGREGATE, AGG_SUM, true},
    {"avg", TOK_AGGREGATE, AGG_AVG, true},
    {"count", TOK_AGGREGATE, AGG_COUNT, true},
    {"min", TOK_AGGREGATE, AGG_MIN, true},
    {"max", TOK_AGGREGATE, AGG_MAX, true},
    {"group", TOK_AGGREGATE, AGG_GROUP, true},
    {"stddev", TOK_AGGREGATE, AGG_STDDEV, true},
    {"stdvar", TOK_AGGREGATE, AGG_STDVAR, true},
    {"topk", TOK_AGGREGATE, AGG_TOPK, true},
    {"bottomk", TOK_AGGREGATE, AGG_BOTTOMK, true},
    {"count_values", TOK_AGGREGATE, AGG_COUNT_VALUES, true},
    {"quantile", TOK_AGGREGATE, AGG_QUANTILE, true},
    {"limitk", TOK_AGGREGATE, AGG_LIMITK, true},
    {"limit_ratio", TOK_AGGREGATE, AGG_LIMIT_RATIO, true},
    {"offset", TOK_KEYWORD, 0, true},
    {"smoothed", TOK_KEYWORD, 0, true},
    {"anchored", TOK_KEYWORD, 0, true},
    {"by", TOK_KEYWORD, 0, true},
    {"without", TOK_KEYWORD, 0, true},
    {"on", TOK_KEYWORD, 0, false},
    {"ignoring", TOK_KEYWORD, 0, false},
    {"group_left", TOK_KEYWORD, 0, false},
    {"group_right", TOK_KEYWORD, 0, false},
    {"fill", TOK_KEYWORD, 0, true},
    {"fill_left", TOK_KEYWORD, 0, true},
    {"fill_right", TOK_KEYWORD, 0, true},
    {"bool", TOK_KEYWORD, 0, false},
    {"start", TOK_KEYWORD, 0, true},
    {"end", TOK_KEYWORD, 0, true},
    {"step", TOK_KEYWORD, 0, true},
    {"range", TOK_KEYWORD, 0, true},
    {"min_of", TOK_KEYWORD, 0, true},
    {"max_of", TOK_KEYWORD, 0, true},
    {0},
};

struct lexer {
    struct arena *arena;
    str in;
    size_t start, at;
    int parens;
    bool in_brackets, colon, duration; /* between [ and ] */
    bool failed;
    struct promql_token *list;
    uint32_t n, cap;
};

static const char digits[] = "0123456789";

static int peek(const struct lexer *l)
{
    return l->at < l->in.len ? (unsigned char)l->in.ptr[l->at] : -1;
}
static int peek_2(const struct lexer *l)
{
    return l->at + 1 < l->in.len ? (unsigned char)l->in.ptr[l->at + 1] : -1;
}
static bool is_digit(int c) { return c >= '0' && c <= '9'; }
static bool is_alpha(int c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_alnum(int c) { return is_alpha(c) || is_digit(c); }
static bool is_space(int c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
static bool is(const struct lexer *l, const char *set)
{
    int c = peek(l);
    return c > 0 && strchr(set, c) != NULL;
}
static bool accept(struct lexer *l, const char *set)
{
    if (!is(l, set)) return false;
    l->at++;
    return true;
}

static struct promql_token *emit(struct lexer *l, enum promql_token_kind kind, int id)
{
    if (l->n == l->cap) {
        uint32_t cap = l->cap ? l->cap * 2 : 32;
        struct promql_token *list = arena_array(l->arena, struct promql_token, cap);
        if (l->n) memcpy(list, l->list, l->n * sizeof *list);
        l->list = list;
        l->cap = cap;
    }
    struct promql_token *t = &l->list[l->n++];
    *t = (struct promql_token){.kind = kind,
                               .start = (uint32_t)l->start,
                               .end = (uint32_t)l->at,
                               .text = {l->in.ptr + l->start, l->at - l->start},
                               .id = id};
    l->start = l->at;
    return t;
}

/* The message, then the character at `c` (when not NULL) as Go's %q prints a rune, then `tail`. */
static void fail(struct lexer *l, const char *message, const char *c, const char *tail)
{
    struct buf b;
    buf_init(&b, 4096);
    buf_add(&b, (str){message, strlen(message)});
    if (c) {
        size_t left = (size_t)(l->in.ptr + l->in.len - c);
        size_t n = left ? utf8_length(c, left) : 0;
        buf_char(&b, '\'');
        if (n == 0)
            buf_add(&b, S("\xef\xbf\xbd"));
        else if (*c == '\'' || *c == '\\')
            buf_printf(&b, "\\%c", *c);
        else if (*c == '\t' || *c == '\n' || *c == '\r')
            buf_add(&b, *c == '\t' ? S("\\t") : *c == '\n' ? S("\\n") : S("\\r"));
        else if ((unsigned char)*c < 0x20 || *c == 0x7f)
            buf_printf(&b, "\\x%02x", (unsigned char)*c);
        else
            buf_add(&b, (str){c, n});
        buf_char(&b, '\'');
    }
    buf_add(&b, (str){tail, strlen(tail)});
    struct promql_token *t = emit(l, TOK_ERROR, 0);
    t->text = arena_str(l->arena, buf_str(&b));
    buf_done(&b);
    l->failed = true;
}

static void fail_quoting(struct lexer *l, const char *message)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_add(&b, (str){message, strlen(message)});
    quote_go(&b, (str){l->in.ptr + l->start, l->at - l->start});
    struct promql_token *t = emit(l, TOK_ERROR, 0);
    t->text = arena_str(l->arena, buf_str(&b));
    buf_done(&b);
    l->failed = true;
}

/* Takes what may be a number; false when it is not one, or more letters follow. */
static bool scan_number(struct lexer *l)
{
    const char *digit = digits;
    if (accept(l, "0") && accept(l, "xX")) {
        accept(l, "_");
        digit = "0123456789abcdefABCDEF";
    }
    bool dot = false, exponent = false;
    if (accept(l, ".")) dot = true;
    accept(l, digit);
    for (;;) {
        if (is(l, digit)) {
            l->at++;
        } else if (is(l, ".")) {
            l->at++;
            if (dot || accept(l, "_.") || digit != digits) return false;
            dot = true;
        } else if (is(l, "eE")) {
            l->at++;
            if (exponent) return false;
            exponent = true;
            accept(l, "+-");
            if (accept(l, "._eE") || peek(l) < 0) return false;
        } else if (is(l, "_")) {
            l->at++;
            if (accept(l, "._eE") || peek(l) < 0) return false;
        } else {
            return !is_alnum(peek(l));
        }
    }
}

/* After digits: the units of 1h30m. Wrong pairs (5y1hs) are found when the value is taken. */
static bool scan_units(struct lexer *l)
{
    if (!accept(l, "smhdwy")) return false;
    accept(l, "s");
    while (accept(l, digits)) {
        while (accept(l, digits)) {
        }
        if (!accept(l, "smhdw")) return false;
        accept(l, "s");
    }
    if (!is_alnum(peek(l))) return true;
    l->at++;
    return false;
}

static void lex_number(struct lexer *l)
{
    if (scan_number(l)) {
        emit(l, TOK_NUMBER, 0);
    } else if (scan_units(l)) {
        emit(l, TOK_DURATION, 0);
    } else {
        fail_quoting(l, "bad number or duration syntax: ");
    }
}

static int digit_value(int c)
{
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return 16;
}

static bool fail_code(struct lexer *l, const char *head, int c, const char *tail)
{
    char text[128];
    size_t n = 0;
    uint32_t code = (uint32_t)c;
    const char *p = l->in.ptr + l->at - 1;
    size_t len = utf8_length(p, l->in.len - l->at + 1);
    if (len > 1) {
        code = (uint32_t)c & (0xffu >> (len + 1));
        for (size_t i = 1; i < len; i++) code = code << 6 | ((unsigned char)p[i] & 0x3f);
    }
    struct buf b;
    buf_init(&b, 256);
    buf_printf(&b, "%sU+%04X '%.*s'%s", head, code, len ? (int)len : 1, p, tail);
    n = b.len < sizeof text - 1 ? b.len : sizeof text - 1;
    memcpy(text, b.ptr, n);
    text[n] = 0;
    buf_done(&b);
    fail(l, text, NULL, "");
    return false;
}

/* After a backslash. */
static bool lex_escape(struct lexer *l, int quote)
{
    int c = peek(l);
    if (c < 0) return fail(l, "escape sequence not terminated", NULL, ""), false;
    l->at++;
    int n, base;
    uint32_t max;
    if (c == quote || strchr("abfnrtv\\", c)) return true;
    if (c >= '0' && c <= '7') {
        n = 3, base = 8, max = 255;
        l->at--;
    } else if (c == 'x') {
        n = 2, base = 16, max = 255;
    } else if (c == 'u' || c == 'U') {
        n = c == 'u' ? 4 : 8, base = 16, max = 0x10ffff;
    } else {
        return fail_code(l, "unknown escape sequence ", c, "");
    }
    uint64_t x = 0;
    for (; n > 0; n--) {
        c = peek(l);
        if (c < 0) return fail(l, "escape sequence not terminated", NULL, ""), false;
        l->at++;
        int d = digit_value(c);
        if (d >= base) return fail_code(l, "illegal character ", c, " in escape sequence");
        x = x * (uint64_t)base + (uint64_t)d;
    }
    if (x > max || (x >= 0xd800 && x < 0xe000))
        return fail(l, "escape sequence is an invalid Unicode code point", NULL, ""), false;
    return true;
}

static void lex_string(struct lexer *l)
{
    int quote = peek(l);
    l->at++;
    for (;;) {
        int c = peek(l);
        if (c < 0 || (c == '\n' && quote != '`')) {
            fail(l, quote == '`' ? "unterminated raw string" : "unterminated quoted string", NULL,
                 "");
            return;
        }
        size_t n = utf8_length(l->in.ptr + l->at, l->in.len - l->at);
        if (n == 0) {
            fail(l, "invalid UTF-8 rune", NULL, "");
            return;
        }
        l->at += n;
        if (c == quote) break;
        if (c == '\\' && quote != '`' && !lex_escape(l, quote)) return;
    }
    emit(l, TOK_STRING, 0);
}

static void lex_word(struct lexer *l, bool colons)
{
    bool colon = false;
    while (is_alnum(peek(l)) || (colons && peek(l) == ':')) colon |= l->in.ptr[l->at++] == ':';
    str w = {l->in.ptr + l->start, l->at - l->start};
    if (colons && !colon) {
        for (int i = 0; promql_words[i].text; i++)
            if (strlen(promql_words[i].text) == w.len &&
                strncasecmp(promql_words[i].text, w.ptr, w.len) == 0) {
                emit(l, promql_words[i].kind, i);
                return;
            }
        if (w.len == 3 &&
            (strncasecmp(w.ptr, "inf", 3) == 0 || strncasecmp(w.ptr, "nan", 3) == 0)) {
            emit(l, TOK_NUMBER, 0);
            return;
        }
    }
    emit(l, colon ? TOK_METRIC : TOK_IDENT, -1);
}

static void skip_space(struct lexer *l)
{
    for (;;) {
        if (is_space(peek(l))) {
            l->at++;
        } else if (peek(l) == '#') {
            while (peek(l) >= 0 && peek(l) != '\n') l->at++;
        } else {
            l->start = l->at;
            return;
        }
    }
}

static void one(struct lexer *l, enum promql_token_kind kind)
{
    l->at++;
    emit(l, kind, -1);
}

/* Between { and }. */
static void lex_braces(struct lexer *l)
{
    for (;;) {
        if (l->failed) return;
        skip_space(l);
        int c = peek(l);
        const char *p = l->in.ptr + l->at;
        if (c < 0) return fail(l, "unexpected end of input inside braces", NULL, "");
        if (is_alpha(c)) {
            lex_word(l, false);
        } else if (c == '"' || c == '\'' || c == '`') {
            lex_string(l);
        } else if (c == ',') {
            one(l, TOK_PUNCTUATION);
        } else if (c == '=') {
            if (peek_2(l) == '~') {
                l->at++;
                one(l, TOK_OPERATOR);
            } else {
                one(l, TOK_PUNCTUATION);
            }
        } else if (c == '!') {
            if (peek_2(l) != '~' && peek_2(l) != '=') {
                l->at++;
                return fail(l, "unexpected character after '!' inside braces: ", p + 1, "");
            }
            l->at++;
            one(l, TOK_OPERATOR);
        } else if (c == '{') {
            return fail(l, "unexpected left brace ", p, "");
        } else if (c == '}') {
            return one(l, TOK_PUNCTUATION);
        } else {
            return fail(l, "unexpected character inside braces: ", p, "");
        }
    }
}

static void paren(struct lexer *l, int c)
{
    one(l, TOK_PUNCTUATION);
    l->parens += c == '(' ? 1 : -1;
    if (l->parens < 0) {
        l->n--; /* the message stands where it stood */
        fail(l, "unexpected right parenthesis ')'", NULL, "");
    }
}

/* Between [ and ]. */
static void lex_brackets(struct lexer *l)
{
    l->colon = l->duration = false;
    while (!l->failed) {
        skip_space(l);
        int c = peek(l);
        const char *p = l->in.ptr + l->at;
        if (c < 0) return fail(l, "unexpected end of input in duration expression", NULL, "");
        if (c == ']') return one(l, TOK_PUNCTUATION);
        if (c == ':') {
            if (!l->duration)
                return fail(l, "unexpected colon before duration in duration expression", NULL, "");
            if (l->colon)
                return fail(l, "unexpected repeated colon in duration expression", NULL, "");
            l->colon = true;
            one(l, TOK_PUNCTUATION);
        } else if (c == '(' || c == ')') {
            paren(l, c);
        } else if (strchr("+-*/%^", c)) {
            one(l, TOK_OPERATOR);
        } else if (c == ',') {
            one(l, TOK_PUNCTUATION);
        } else if (is_digit(c) || (c == '.' && is_digit(peek_2(l)))) {
            l->duration = true;
            lex_number(l);
        } else if (is_alpha(c)) {
            size_t was = l->at;
            lex_word(l, true);
            const struct promql_token *t = &l->list[l->n - 1];
            bool known = t->kind == TOK_KEYWORD && (strchr("sr", promql_words[t->id].text[0]) ||
                                                    strstr(promql_words[t->id].text, "_of"));
            if (!known) {
                l->n--;
                l->start = l->at = was;
                if (l->duration) return fail(l, "unexpected character: ", p, ", expected ':'");
                return fail(l, "unexpected character in duration expression: ", p, "");
            }
            l->duration = true;
        } else {
            return fail(l, "unexpected character in duration expression: ", p, "");
        }
    }
}

/* = == =~ ! != < <= </ > >= >/ */
static void lex_comparison(struct lexer *l, int c)
{
    int next = peek_2(l);
    const char *p = l->in.ptr + l->at + 1;
    if (c == '=' && next == '~') return fail(l, "unexpected character after '=': ", p, "");
    if (c == '!' && next != '=') return fail(l, "unexpected character after '!': ", p, "");
    if (c == '=' && next != '=') return one(l, TOK_PUNCTUATION);
    if (next == '=' || (c == '<' && next == '/'))
        l->at++;
    else if (c == '>' && next == '/')
        l->at++;
    one(l, TOK_OPERATOR);
}

static void lex_statement(struct lexer *l, int c)
{
    const char *p = l->in.ptr + l->at;
    if (strchr("*/%+-^@", c)) {
        one(l, TOK_OPERATOR);
    } else if (strchr("=!<>", c)) {
        lex_comparison(l, c);
    } else if (c == ',') {
        one(l, TOK_PUNCTUATION);
    } else if (is_digit(c) || (c == '.' && is_digit(peek_2(l)))) {
        lex_number(l);
    } else if (c == '"' || c == '\'' || c == '`') {
        lex_string(l);
    } else if (is_alpha(c) || c == ':') {
        lex_word(l, true);
    } else if (c == '(' || c == ')') {
        paren(l, c);
    } else if (c == '{') {
        one(l, TOK_PUNCTUATION);
        lex_braces(l);
    } else if (c == '[') {
        one(l, TOK_PUNCTUATION);
        lex_brackets(l);
    } else if (c == ']') {
        fail(l, "unexpected right bracket ", p, "");
    } else {
        fail(l, "unexpected character: ", p, "");
    }
}

struct promql_tokens promql_lex(struct arena *a, str query)
{
    struct lexer l = {.arena = a, .in = query};
    while (!l.failed) {
        skip_space(&l);
        int c = peek(&l);
        if (c < 0) {
            if (l.parens)
                fail(&l, "unclosed left parenthesis", NULL, "");
            else
                emit(&l, TOK_END, -1);
            break;
        }
        if (c == 0)
            fail(&l, "unexpected character: ", l.in.ptr + l.at, "");
        else
            lex_statement(&l, c);
    }
    return (struct promql_tokens){l.list, l.n};
}
