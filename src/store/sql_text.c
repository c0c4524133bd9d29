#include "store/sql_text.h"

#include <strings.h>

static void quoted(struct buf *out, str s, char quote)
{
    buf_char(out, quote);
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == quote || c == '\\') buf_char(out, '\\');
        if (c == '\0')
            buf_add(out, S("\\0"));
        else
            buf_char(out, c);
    }
    buf_char(out, quote);
}

void sql_string(struct buf *out, str s) { quoted(out, s, '\''); }
void sql_name(struct buf *out, str s) { quoted(out, s, '`'); }

void sql_tsv(struct buf *out, str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        static const char from[] = "\t\n\r\b\f\\", to[] = "tnrbf\\";
        const char *at = c ? strchr(from, c) : NULL;
        if (c && !at) {
            buf_char(out, c);
            continue;
        }
        buf_char(out, '\\');
        buf_char(out, c ? to[at - from] : '0');
    }
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The rest behind a comment at the start of `s`; `s` itself when there is none. */
static str skip_comment(str s)
{
    const char *end = NULL;
    size_t close = 1;
    if (s.len >= 2 && s.ptr[0] == '/' && s.ptr[1] == '*') {
        end = memmem(s.ptr + 2, s.len - 2, "*/", 2);
        close = 2;
    } else if ((s.len >= 2 && s.ptr[0] == '-' && s.ptr[1] == '-') || (s.len && s.ptr[0] == '#')) {
        end = memchr(s.ptr, '\n', s.len);
    } else {
        return s;
    }
    return end ? str_drop(s, (size_t)(end - s.ptr) + close) : (str){0};
}

str sql_first_word(str s)
{
    for (;;) {
        while (s.len && (is_space(s.ptr[0]) || s.ptr[0] == '(')) s = str_drop(s, 1);
        str rest = skip_comment(s);
        if (rest.len == s.len) break;
        s = rest;
    }
    size_t n = 0;
    while (n < s.len && is_word(s.ptr[n])) n++;
    return (str){s.ptr, n};
}

bool sql_word_is(str word, const char *upper)
{
    return word.len == strlen(upper) && strncasecmp(word.ptr, upper, word.len) == 0;
}

bool sql_has_word(str sql, const char *upper)
{
    for (size_t i = 0; i < sql.len;) {
        size_t n = 0;
        while (i + n < sql.len && is_word(sql.ptr[i + n])) n++;
        if (n && sql_word_is((str){sql.ptr + i, n}, upper)) return true;
        i += n ? n : 1;
    }
    return false;
}

bool sql_is_name(str s)
{
    if (!s.len || (s.ptr[0] >= '0' && s.ptr[0] <= '9')) return false;
    for (size_t i = 0; i < s.len; i++)
        if (!is_word(s.ptr[i]) && s.ptr[i] != '.') return false;
    return true;
}

str sql_param_type(str sql, str name)
{
    for (size_t i = 0; i < sql.len; i++) {
        if (sql.ptr[i] != '{') continue;
        str s = str_drop(sql, i + 1);
        while (s.len && is_space(s.ptr[0])) s = str_drop(s, 1);
        if (s.len < name.len || !str_eq((str){s.ptr, name.len}, name)) continue;
        s = str_drop(s, name.len);
        while (s.len && is_space(s.ptr[0])) s = str_drop(s, 1);
        if (!s.len || s.ptr[0] != ':') continue;
        s = str_drop(s, 1);
        while (s.len && is_space(s.ptr[0])) s = str_drop(s, 1);
        const char *end = s.len ? memchr(s.ptr, '}', s.len) : NULL;
        if (end) return (str){s.ptr, (size_t)(end - s.ptr)};
    }
    return (str){0};
}

void sql_param_value(struct buf *out, str sql, str name, str value)
{
    str type = sql_param_type(sql, name);
    size_t n = 0;
    while (n < type.len && is_word(type.ptr[n])) n++;
    str outer = {type.ptr, n};
    if (str_eq(outer, S("Array")) || str_eq(outer, S("Map")) || str_eq(outer, S("Tuple")))
        buf_add(out, value);
    else
        sql_tsv(out, value);
}
