#include "ingest/detect/parse.h"

#include "base/hex.h"
#include "base/json_in.h"

bool parse_line(str *rest, str *ret)
{
    if (!rest->len) return false;
    *ret = parse_cut(rest, '\n');
    return true;
}

str parse_cut(str *rest, char end)
{
    const char *at = rest->len ? memchr(rest->ptr, end, rest->len) : NULL;
    size_t n = at ? (size_t)(at - rest->ptr) : rest->len;
    str part = {rest->ptr, n};
    *rest = str_drop(*rest, n + 1);
    return part;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || !c; }

str parse_trim(str s)
{
    while (s.len && is_space(*s.ptr)) s = str_drop(s, 1);
    while (s.len && is_space(s.ptr[s.len - 1])) s.len--;
    return s;
}

str parse_part(str text, char separator, unsigned i)
{
    str part = parse_cut(&text, separator);
    for (; i > 0; i--) part = parse_cut(&text, separator);
    return part;
}

str parse_last_part(str text, char separator)
{
    for (size_t i = text.len; i > 0; i--)
        if (text.ptr[i - 1] == separator) return str_drop(text, i);
    return text;
}

/* ---- OTEL_RESOURCE_ATTRIBUTES ---- */

/* W3C Baggage, 3.3.1: baggage-octet, and '%' for what is escaped. */
static bool is_baggage(char c)
{
    unsigned char u = (unsigned char)c;
    return u > 0x20 && u < 0x7f && u != '"' && u != ',' && u != ';' && u != '\\';
}

static bool decode(struct arena *a, str in, str *ret)
{
    char *out = arena_alloc(a, in.len + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < in.len; i++) {
        if (!is_baggage(in.ptr[i])) return false;
        if (in.ptr[i] != '%') {
            out[n++] = in.ptr[i];
            continue;
        }
        int high = i + 2 < in.len ? hex_digit(in.ptr[i + 1]) : -1;
        int low = i + 2 < in.len ? hex_digit(in.ptr[i + 2]) : -1;
        if (high < 0 || low < 0) return false;
        out[n++] = (char)(high << 4 | low);
        i += 2;
    }
    *ret = (str){out, n};
    return true;
}

status parse_attributes(struct arena *a, str text, struct parse_pair **ret, size_t *ret_n,
                        struct err *err)
{
    size_t most = 1, n = 0;
    for (size_t i = 0; i < text.len; i++) most += text.ptr[i] == ',';
    struct parse_pair *pairs = arena_array(a, struct parse_pair, most);
    for (str rest = text; rest.len;) {
        str pair = parse_trim(parse_cut(&rest, ','));
        if (!pair.len && !rest.len) break; /* nothing at all, or a comma at the end */
        bool has = pair.len && memchr(pair.ptr, '=', pair.len);
        str value = pair, key = parse_trim(parse_cut(&value, '='));
        if (!has || !key.len || !decode(a, key, &pairs[n].key) ||
            !decode(a, parse_trim(value), &pairs[n].value))
            return err_set(err, ST_INVALID, (uint32_t)(pair.ptr ? pair.ptr - text.ptr : 0),
                           "pair %zu is not key=value with what is special percent-encoded", n + 1);
        n++;
    }
    *ret = pairs;
    *ret_n = n;
    return ST_OK;
}

/* ---- files ---- */

/* A value as a shell would read it: in quotes or not, a backslash before what is special. */
static str unquote(struct arena *a, str s)
{
    s = parse_trim(s);
    char quote = s.len && (*s.ptr == '"' || *s.ptr == '\'') ? *s.ptr : 0;
    if (quote) s = str_drop(s, 1);
    char *out = arena_alloc(a, s.len + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len && (!quote || s.ptr[i] != quote); i++) {
        if (s.ptr[i] == '\\' && quote != '\'' && i + 1 < s.len) i++;
        out[n++] = s.ptr[i];
    }
    return (str){out, n};
}

str parse_os_release(struct arena *a, str text, str key)
{
    for (str line; parse_line(&text, &line);) {
        line = parse_trim(line);
        str value = line;
        if (str_eq(parse_cut(&value, '='), key)) return unquote(a, value);
    }
    return (str){0};
}

str parse_cpuinfo(str text, str key)
{
    for (str line; parse_line(&text, &line) && parse_trim(line).len;) {
        str value = line;
        if (str_eq(parse_trim(parse_cut(&value, ':')), key)) return parse_trim(value);
    }
    return (str){0};
}

str parse_hosts(str text, str host)
{
    for (str line; parse_line(&text, &line);) {
        str names = parse_cut(&line, '#'), qualified = {0};
        bool ours = false;
        for (unsigned i = 0; names.len; i++) {
            str name = parse_trim(names);
            size_t n = 0;
            while (n < name.len && !is_space(name.ptr[n])) n++;
            names = str_drop(name, n);
            name.len = n;
            if (i == 0) continue; /* the address */
            bool dotted = n && memchr(name.ptr, '.', n);
            if (dotted && !qualified.len) qualified = name;
            if (str_eq(name, host)) ours = true;
        }
        if (ours && qualified.len) return qualified;
    }
    return (str){0};
}

/* ---- containers ---- */

static size_t hex_run(str s)
{
    size_t n = 0;
    while (n < s.len &&
           ((s.ptr[n] >= '0' && s.ptr[n] <= '9') || (s.ptr[n] >= 'a' && s.ptr[n] <= 'f')))
        n++;
    return n;
}

/* 64 hex digits, or 32 and a number, as Fargate has them. */
static bool is_container(str s)
{
    size_t n = hex_run(s);
    if (n == 64 && s.len == 64) return true;
    if (n != 32 || s.len < 34 || s.len > 53 || s.ptr[32] != '-') return false;
    for (size_t i = 33; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
    return true;
}

/* "docker-<id>.scope", "cri-containerd-<id>.scope", "<id>" */
static bool container_of_segment(str s, str *ret)
{
    str scope = S(".scope");
    if (s.len > scope.len && str_eq(str_drop(s, s.len - scope.len), scope)) s.len -= scope.len;
    if (!is_container(s)) s = parse_last_part(parse_last_part(s, ':'), '-');
    if (!is_container(s)) return false;
    *ret = s;
    return true;
}

bool parse_cgroup_container(str text, str *ret)
{
    for (str line; parse_line(&text, &line);) {
        (void)parse_cut(&line, ':');
        (void)parse_cut(&line, ':');
        if (container_of_segment(parse_last_part(parse_trim(line), '/'), ret)) return true;
    }
    return false;
}

bool parse_mountinfo_container(str text, str *ret)
{
    str mark = S("containers/");
    for (str line; parse_line(&text, &line);) {
        str rest = line;
        for (const char *at; rest.len && (at = memmem(rest.ptr, rest.len, mark.ptr, mark.len));) {
            rest = str_drop(rest, (size_t)(at - rest.ptr) + mark.len);
            if (hex_run(rest) != 64 || rest.len == 64 || rest.ptr[64] != '/') continue;
            *ret = (str){rest.ptr, 64};
            return true;
        }
    }
    return false;
}

/* ---- JSON ---- */

str parse_json(struct arena *a, str text, const char *path)
{
    struct json_in j = json_read(text, a);
    str left = str_of(path), want = parse_cut(&left, '/'), found = {0};
    unsigned depth = 0; /* of objects gone into */
    if (json_next(&j) != JSON_OBJECT) return (str){0};
    while (json_next(&j) != JSON_END && !j.bad) {
        if (j.token == JSON_OBJECT_END) break; /* of the object that should have had it */
        if (j.token != JSON_KEY) continue;
        if (!str_eq(j.text, want)) {
            json_skip(&j);
            continue;
        }
        enum json_token t = json_next(&j);
        if (left.len) {
            if (t != JSON_OBJECT || ++depth > 8) break;
            want = parse_cut(&left, '/');
            continue;
        }
        if (t == JSON_STRING || t == JSON_NUMBER) found = j.text;
        if (t == JSON_TRUE) found = S("true");
        if (t == JSON_FALSE) found = S("false");
        break;
    }
    return j.bad ? (str){0} : found;
}
