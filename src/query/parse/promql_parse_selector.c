/* Braces, label lists, numbers and quoted strings. */
#include <math.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/utf8.h"
#include "query/parse/promql_parser.h"

static str copy(struct arena *a, const char *p, size_t n)
{
    str s = arena_str(a, (str){p, n});
    return s.ptr ? s : S("");
}

static int hex(char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; }

status promql_unquote(struct arena *a, str q, str *ret, struct err *err)
{
    if (q.len < 2 || q.ptr[0] != q.ptr[q.len - 1] || !strchr("\"'`", q.ptr[0]))
        return err_set(err, ST_INVALID, 0, "not a quoted string");
    const char *p = q.ptr + 1, *end = q.ptr + q.len - 1;
    if (*q.ptr == '`' || !memchr(p, '\\', (size_t)(end - p))) {
        *ret = copy(a, p, (size_t)(end - p));
        return ST_OK;
    }
    char *out = arena_alloc(a, q.len * 2, 1), *o = out;
    while (p < end) {
        if (*p != '\\') {
            *o++ = *p++;
            continue;
        }
        char c = p[1];
        p += 2;
        static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
        const char *at = memchr(from, c, 7);
        int n = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : c >= '0' && c <= '7' ? 3 : 0;
        if (at) {
            *o++ = to[at - from];
        } else if (n == 0) {
            *o++ = c;
        } else {
            uint32_t x = 0;
            if (n == 3) p--;
            if (end - p < n) return err_set(err, ST_INVALID, 0, "escape sequence not terminated");
            for (int i = 0; i < n; i++) x = x * (n == 3 ? 8u : 16u) + (uint32_t)hex(*p++);
            if (c == 'u' || c == 'U')
                o += utf8_put(x, o);
            else
                *o++ = (char)x;
        }
    }
    *ret = (str){out, (size_t)(o - out)};
    return ST_OK;
}

/* match_op = "=" | "!=" | "=~" | "!~" */
static bool match_op(const struct promql_parser *p, enum label_match *ret)
{
    static const char *const text[] = {"=", "!=", "=~", "!~"};
    for (int i = 0; i < 4; i++)
        if (promql_is(p, i ? TOK_OPERATOR : TOK_PUNCTUATION, text[i])) {
            *ret = (enum label_match)i;
            return true;
        }
    return false;
}

/* label_matcher = ( name | string ) match_op string | string */
static status parse_matcher(struct promql_parser *p, struct promql_expr *e, struct label_matcher *m)
{
    bool quoted = p->at->kind == TOK_STRING;
    uint32_t start = p->at->start;
    if (!quoted && p->at->kind != TOK_IDENT)
        return promql_unexpected(p, "label matching", "identifier or \"}\"");
    if (quoted)
        TRY(promql_unquote(p->arena, p->at->text, &m->name, p->err));
    else
        m->name = p->at->text;
    promql_next(p);
    if (!match_op(p, &m->op)) {
        bool ends = promql_is(p, TOK_PUNCTUATION, ",") || promql_is(p, TOK_PUNCTUATION, "}");
        if (!quoted || !ends)
            return promql_unexpected(p, "label matching", "label matching operator");
        m->value = m->name; /* {"name"} */
        m->name = LABEL_NAME;
        m->op = MATCH_EQUAL;
        if (e->selector.name.len)
            return err_set(p->err, ST_INVALID, e->start,
                           "metric name must not be set twice: \"" STR_FMT "\" or \"" STR_FMT "\"",
                           STR_ARG(e->selector.name), STR_ARG(m->value));
        return ST_OK;
    }
    promql_next(p);
    if (p->at->kind != TOK_STRING) return promql_unexpected(p, "label matching", "string");
    TRY(promql_unquote(p->arena, p->at->text, &m->value, p->err));
    promql_next(p);
    if (m->op >= MATCH_REGEX) {
        status s = regex_new(p->arena, m->value, REGEX_WHOLE, &m->regex, p->err);
        if (s != ST_OK && p->err) p->err->pos = start;
        TRY(s);
    }
    return ST_OK;
}

/* braces = "{" [ label_matcher { "," label_matcher } [ "," ] ] "}", or nothing */
status promql_braces(struct promql_parser *p, struct promql_expr *e)
{
    uint32_t n = 0, cap = 8;
    struct label_matcher *list = arena_array(p->arena, struct label_matcher, cap);
    if (promql_is(p, TOK_PUNCTUATION, "{")) {
        promql_next(p);
        while (!promql_is(p, TOK_PUNCTUATION, "}")) {
            if (n) {
                if (!promql_is(p, TOK_PUNCTUATION, ","))
                    return promql_unexpected(p, "label matching", "\",\" or \"}\"");
                promql_next(p);
                if (promql_is(p, TOK_PUNCTUATION, "}")) break;
            }
            if (n + 1 >= cap) {
                struct label_matcher *more = arena_array(p->arena, struct label_matcher, cap * 2);
                memcpy(more, list, n * sizeof *list);
                list = more;
                cap *= 2;
            }
            list[n] = (struct label_matcher){};
            TRY(parse_matcher(p, e, &list[n]));
            n++;
        }
        promql_next(p);
    }
    if (e->selector.name.len)
        list[n++] = (struct label_matcher){.name = LABEL_NAME, .value = e->selector.name};
    e->selector.matchers = list;
    e->selector.n_matchers = n;
    return ST_OK;
}

/* grouping_labels = "(" [ label { "," label } [ "," ] ] ")"; label = any word | string */
status promql_labels(struct promql_parser *p, const str **ret, uint32_t *ret_n)
{
    if (!promql_is(p, TOK_PUNCTUATION, "(")) return promql_unexpected(p, "grouping opts", "\"(\"");
    promql_next(p);
    uint32_t n = 0, cap = 4;
    str *list = arena_array(p->arena, str, cap);
    while (!promql_is(p, TOK_PUNCTUATION, ")")) {
        if (n) {
            if (!promql_is(p, TOK_PUNCTUATION, ","))
                return promql_unexpected(p, "grouping opts", "\",\" or \")\"");
            promql_next(p);
            if (promql_is(p, TOK_PUNCTUATION, ")")) break;
        }
        if (n == cap) {
            str *more = arena_array(p->arena, str, cap * 2);
            memcpy(more, list, n * sizeof *list);
            list = more;
            cap *= 2;
        }
        const struct promql_token *t = p->at;
        if (t->kind == TOK_STRING)
            TRY(promql_unquote(p->arena, t->text, &list[n], p->err));
        else if (t->kind == TOK_IDENT || t->kind == TOK_METRIC || t->id >= 0)
            list[n] = t->text;
        else
            return promql_unexpected(p, "grouping opts", "label");
        n++;
        promql_next(p);
    }
    promql_next(p);
    *ret = list;
    *ret_n = n;
    return ST_OK;
}

/* 12, 1_000, 0x1F, 017, 1.5e3, Inf, NaN */
static bool number_of(struct arena *a, str t, double *ret)
{
    char *digits = arena_alloc(a, t.len + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < t.len; i++)
        if (t.ptr[i] != '_') digits[n++] = t.ptr[i];
    digits[n] = 0;
    if (n > 1 && digits[0] == '0' && (digits[1] | 32) == 'x') {
        *ret = strtod(digits, NULL);
        return true;
    }
    if (n > 1 && digits[0] == '0' && strspn(digits, "01234567") == n) {
        *ret = (double)strtoull(digits, NULL, 8);
        return true;
    }
    if (n < 500 && num_parse_f64((str){digits, n}, ret))
        return !isinf(*ret) || (*digits | 32) == 'i';
    *ret = strtod(digits, NULL);
    return isfinite(*ret);
}

status promql_number(struct promql_parser *p, double *ret, bool *ret_is_duration)
{
    str t = p->at->text;
    *ret_is_duration = p->at->kind == TOK_DURATION;
    if (*ret_is_duration) {
        int64_t ms;
        status s = promql_parse_duration(t, &ms, p->err);
        if (s != ST_OK) {
            if (p->err) p->err->pos = p->at->start;
            return s;
        }
        *ret = (double)ms / 1000;
    } else if (!number_of(p->arena, t, ret)) {
        return err_set(p->err, ST_INVALID, p->at->start,
                       "error parsing number: strconv.ParseFloat: parsing \"" STR_FMT
                       "\": value out of range",
                       STR_ARG(t));
    }
    promql_next(p);
    return ST_OK;
}
