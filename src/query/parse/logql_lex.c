#include "query/parse/logql_lex.h"

#include <math.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/num.h"
#include "base/utf8.h"
#include "query/ir/logql_units.h"

struct word {
    str text;
    const char *name, *id;
    bool is_word, is_function;
};

static const struct word words[LOGQL_TOKENS] = {
    [LOGQL_T_END] = {.name = "$end", .id = "END"},
    [LOGQL_T_IDENTIFIER] = {.name = "IDENTIFIER", .id = "IDENTIFIER"},
    [LOGQL_T_STRING] = {.name = "STRING", .id = "STRING"},
    [LOGQL_T_NUMBER] = {.name = "NUMBER", .id = "NUMBER"},
    [LOGQL_T_DURATION] = {.name = "DURATION", .id = "DURATION"},
    [LOGQL_T_BYTES] = {.name = "BYTES", .id = "BYTES"},
    [LOGQL_T_RANGE] = {.name = "RANGE", .id = "RANGE"},
    [LOGQL_T_FLAG] = {.name = "FUNCTION_FLAG", .id = "FUNCTION_FLAG"},
#define WORD(id_, text_, name_, function) [LOGQL_T_##id_] = {S(text_), name_, #id_, true, function},
#define MARK(id_, text_, name_) [LOGQL_T_##id_] = {S(text_), name_, #id_, false, false},
#include "query/parse/logql_tokens.def"
};

const char *logql_token_name(enum logql_token t) { return words[t].name; }
const char *logql_token_id(enum logql_token t) { return words[t].id; }
bool logql_token_is_word(enum logql_token t) { return words[t].is_word; }

void logql_lex_init(struct logql_lex *l, struct arena *a, str in)
{
    *l = (struct logql_lex){.in = in, .arena = a};
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static str rest(const struct logql_lex *l) { return str_drop(l->in, l->at); }

static void skip_space(struct logql_lex *l)
{
    while (l->at < l->in.len) {
        char c = l->in.ptr[l->at];
        if (c == '#') {
            while (l->at < l->in.len && l->in.ptr[l->at] != '\n') l->at++;
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            l->at++;
        } else {
            return;
        }
    }
}

/* Does "(" or by/without follow? Looks ahead without moving. */
static bool is_called(const struct logql_lex *l)
{
    struct logql_lex look = *l;
    skip_space(&look);
    str r = rest(&look);
    if (r.len && r.ptr[0] == '(') return true;
    size_t n = 0;
    while (n < r.len && is_letter(r.ptr[n])) n++;
    return str_eq_fold((str){r.ptr, n}, S("by")) || str_eq_fold((str){r.ptr, n}, S("without"));
}

static status lex_word(struct logql_lex *l)
{
    str r = rest(l);
    size_t n = 1;
    while (n < r.len && (is_letter(r.ptr[n]) || is_digit(r.ptr[n]))) n++;
    l->text = (str){r.ptr, n};
    l->at += (uint32_t)n;
    l->token = LOGQL_T_IDENTIFIER;
    for (unsigned t = 0; t < LOGQL_TOKENS; t++) {
        if (!words[t].is_word || !str_eq_fold(l->text, words[t].text)) continue;
        if (!words[t].is_function || is_called(l)) l->token = (enum logql_token)t;
        break;
    }
    return ST_OK;
}

/* 12, 1.5e6, .5, 0x1A, 0b10, 0x1p3 */
static status lex_number(struct logql_lex *l, struct err *err)
{
    str r = rest(l);
    size_t n = 0;
    bool prefixed =
        r.len > 2 && r.ptr[0] == '0' && (is_letter(r.ptr[1])) && (r.ptr[1] | 0x20) != 'e';
    for (; n < r.len; n++) {
        char c = r.ptr[n];
        bool sign = n && (c == '+' || c == '-') &&
                    (prefixed ? (r.ptr[n - 1] | 0x20) == 'p' : (r.ptr[n - 1] | 0x20) == 'e');
        if (!is_digit(c) && !is_letter(c) && c != '.' && !sign) break;
    }
    l->text = (str){r.ptr, n};
    l->at += (uint32_t)n;
    l->token = LOGQL_T_NUMBER;
    bool ok = false;
    if (prefixed && n < 70) {
        char tmp[72], *end = NULL;
        memcpy(tmp, r.ptr, n);
        tmp[n] = 0;
        /* 0b10, 0o7 and 0x1A are numbers to the scanner that no float is read from; 0x1p3 is one.
         */
        bool hex_float = (r.ptr[1] | 0x20) == 'x' && (strchr(tmp, 'p') || strchr(tmp, 'P'));
        l->number = hex_float ? strtod(tmp, &end) : NAN;
        ok = !hex_float || end == tmp + n;
    } else if (n <= 400 && !prefixed) {
        ok = num_parse_f64(l->text, &l->number);
    }
    if (ok && !isinf(l->number)) return ST_OK;
    return err_set(err, ST_INVALID, l->pos, "bad number \"%.*s\"", (int)(n < 40 ? n : 40), r.ptr);
}

static bool lex_unit(struct logql_lex *l)
{
    size_t n = logql_duration_prefix(rest(l), &l->duration);
    l->token = LOGQL_T_DURATION;
    if (!n && l->in.ptr[l->at] != '-') {
        n = logql_bytes_prefix(rest(l), &l->number);
        l->token = LOGQL_T_BYTES;
    }
    l->text = (str){rest(l).ptr, n};
    l->at += (uint32_t)n;
    return n > 0;
}

/* The unit that a duration does not know, for the message: "minutes" of "5minutes". */
static str unknown_unit(str s)
{
    size_t n = 0;
    while (n < s.len && (is_digit(s.ptr[n]) || s.ptr[n] == '.')) n++;
    return str_drop(s, n);
}

static status lex_range(struct logql_lex *l, struct err *err)
{
    str r = str_drop(rest(l), 1);
    size_t n = 0;
    while (n < r.len && r.ptr[n] != ']' && r.ptr[n] != ')' && r.ptr[n] != '\n') n++;
    if (n == r.len || r.ptr[n] != ']')
        return err_set(err, ST_INVALID, l->pos, "missing closing ']' in duration");
    str in = {r.ptr, n};
    while (in.len && in.ptr[0] == ' ') in = str_drop(in, 1);
    while (in.len && in.ptr[in.len - 1] == ' ') in.len--;
    if (in.len == 0 || logql_duration_prefix(in, &l->duration) != in.len || l->duration <= 0) {
        str unit = unknown_unit(in);
        int show = (int)(in.len < 40 ? in.len : 40);
        if (unit.len && unit.len < in.len)
            return err_set(err, ST_INVALID, l->pos, "unknown unit \"%.*s\" in duration \"%.*s\"",
                           (int)(unit.len < 40 ? unit.len : 40), unit.ptr, show, in.ptr);
        return err_set(err, ST_INVALID, l->pos, "not a valid duration string: \"%.*s\"", show,
                       in.ptr);
    }
    l->token = LOGQL_T_RANGE;
    l->text = (str){l->in.ptr + l->at, n + 2};
    l->at += (uint32_t)n + 2;
    return ST_OK;
}

/* \x41, \u00e9, \U0001F600, \101: the digits behind the letter. False when there are not enough. */
static bool escape_number(str s, size_t *at, unsigned digits, int base, uint32_t *ret)
{
    uint32_t v = 0;
    if (s.len - *at < digits) return false;
    for (unsigned i = 0; i < digits; i++) {
        int d = hex_digit(s.ptr[*at + i]);
        if (d < 0 || d >= base) return false;
        v = v * (uint32_t)base + (uint32_t)d;
    }
    *at += digits;
    *ret = v;
    return true;
}

/* Go's escapes. `in` is what stands between the quotes. False when one is malformed. */
static bool unescape(struct arena *a, str in, str *ret)
{
    char *out = arena_alloc(a, in.len + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < in.len;) {
        char c = in.ptr[i++];
        if (c != '\\') {
            out[n++] = c;
            continue;
        }
        if (i == in.len) return false;
        static const char from[] = "abfnrtv\\\"", to[] = "\a\b\f\n\r\t\v\\\"";
        const char *p = strchr(from, c = in.ptr[i++]);
        uint32_t v;
        if (c && p) {
            out[n++] = to[p - from];
        } else if (c == 'x' && escape_number(in, &i, 2, 16, &v)) {
            out[n++] = (char)v;
        } else if (c >= '0' && c <= '3' && (i--, escape_number(in, &i, 3, 8, &v))) {
            out[n++] = (char)v;
        } else if ((c == 'u' && escape_number(in, &i, 4, 16, &v)) ||
                   (c == 'U' && escape_number(in, &i, 8, 16, &v))) {
            if (v > 0x10ffff || (v >= 0xd800 && v < 0xe000)) return false;
            n += utf8_put(v, out + n); /* at most 4 bytes for the 6 or 10 read */
        } else {
            return false;
        }
    }
    *ret = (str){out, n};
    return true;
}

static status lex_string(struct logql_lex *l, struct err *err)
{
    char quote = l->in.ptr[l->at];
    str r = str_drop(rest(l), 1);
    size_t n = 0;
    while (n < r.len && r.ptr[n] != quote && !(quote == '"' && r.ptr[n] == '\n'))
        n += quote == '"' && r.ptr[n] == '\\' && n + 1 < r.len ? 2 : 1;
    if (n >= r.len || r.ptr[n] != quote)
        return err_set(err, ST_INVALID, l->pos, "literal not terminated");
    l->token = LOGQL_T_STRING;
    l->at += (uint32_t)n + 2;
    l->text = (str){r.ptr, n};
    if (quote == '"' && memchr(r.ptr, '\\', n) && !unescape(l->arena, l->text, &l->text))
        return err_set(err, ST_INVALID, l->pos, "invalid char escape");
    return ST_OK;
}

static bool lex_mark(struct logql_lex *l)
{
    str r = rest(l);
    for (unsigned t = LOGQL_T_FLAG + 1; t < LOGQL_TOKENS; t++) {
        if (words[t].is_word || r.len < words[t].text.len) continue;
        if (memcmp(r.ptr, words[t].text.ptr, words[t].text.len) != 0) continue;
        l->token = (enum logql_token)t;
        l->text = (str){r.ptr, words[t].text.len};
        l->at += (uint32_t)words[t].text.len;
        return true;
    }
    return false;
}

static bool lex_flag(struct logql_lex *l)
{
    str r = rest(l);
    size_t n = 2;
    while (n < r.len && (is_letter(r.ptr[n]) || r.ptr[n] == '-')) n++;
    if (n == 2) return false;
    l->token = LOGQL_T_FLAG;
    l->text = (str){r.ptr, n};
    l->at += (uint32_t)n;
    return true;
}

status logql_lex_next(struct logql_lex *l, struct err *err)
{
    skip_space(l);
    l->pos = l->at;
    l->text = (str){l->in.ptr + l->at, 0};
    if (l->at == l->in.len) {
        l->token = LOGQL_T_END;
        return ST_OK;
    }
    str r = rest(l);
    char c = r.ptr[0], next = r.len > 1 ? r.ptr[1] : 0;
    if (c == '"' || c == '`') return lex_string(l, err);
    if (is_letter(c)) return lex_word(l);
    if (c == '[') return lex_range(l, err);
    if (c == '-' && next == '-' && lex_flag(l)) return ST_OK;
    if (is_digit(c) || ((c == '.' || c == '-') && is_digit(next))) {
        if (lex_unit(l)) return ST_OK;
        if (c != '-') return lex_number(l, err);
    }
    if (lex_mark(l)) return ST_OK;
    size_t n = utf8_length(r.ptr, r.len);
    return err_set(err, ST_INVALID, l->pos, "syntax error: unexpected character \"%.*s\"",
                   (int)(n ? n : 1), n ? r.ptr : "?");
}
