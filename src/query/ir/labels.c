#include "query/ir/labels.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/utf8.h"

struct labels labels_make(struct arena *a, struct label *list, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) { /* few, and mostly in order already */
        struct label l = list[i];
        uint32_t at = i;
        for (; at > 0 && str_compare(list[at - 1].name, l.name) > 0; at--) list[at] = list[at - 1];
        list[at] = l;
    }
    struct label *out = arena_array(a, struct label, n ? n : 1);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (i + 1 < n && str_eq(list[i].name, list[i + 1].name)) continue;
        if (list[i].value.len) out[kept++] = list[i];
    }
    return (struct labels){out, kept};
}

str labels_get(struct labels l, str name)
{
    for (uint32_t i = 0; i < l.n; i++)
        if (str_eq(l.list[i].name, name)) return l.list[i].value;
    return (str){0};
}

/* Labels of one reading share texts. */
static int compare(str a, str b)
{
    return a.ptr == b.ptr && a.len == b.len ? 0 : str_compare(a, b);
}

int labels_compare(struct labels a, struct labels b)
{
    uint32_t n = a.n < b.n ? a.n : b.n;
    for (uint32_t i = 0; i < n; i++) {
        int c = compare(a.list[i].name, b.list[i].name);
        if (!c) c = compare(a.list[i].value, b.list[i].value);
        if (c) return c;
    }
    return (a.n > b.n) - (a.n < b.n);
}

bool labels_equal(struct labels a, struct labels b)
{
    return a.n == b.n && labels_compare(a, b) == 0;
}

uint64_t labels_hash(struct labels l)
{
    uint64_t h = l.n;
    for (uint32_t i = 0; i < l.n; i++)
        h = hash_mix(hash_mix(h, hash_str(l.list[i].name)), hash_str(l.list[i].value));
    return h;
}

struct labels labels_set(struct arena *a, struct labels l, str name, str value)
{
    struct label *out = arena_array(a, struct label, l.n + 1);
    uint32_t n = 0;
    bool done = value.len == 0;
    for (uint32_t i = 0; i < l.n; i++) {
        int c = str_compare(l.list[i].name, name);
        if (c >= 0 && !done) {
            out[n++] = (struct label){name, value};
            done = true;
        }
        if (c != 0) out[n++] = l.list[i];
    }
    if (!done) out[n++] = (struct label){name, value};
    return (struct labels){out, n};
}

static struct labels filter(struct arena *a, struct labels l, const str *names, uint32_t n,
                            bool keep)
{
    struct label *out = arena_array(a, struct label, l.n ? l.n : 1);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < l.n; i++) {
        bool in = false;
        for (uint32_t k = 0; k < n && !in; k++) in = str_eq(names[k], l.list[i].name);
        if (in == keep) out[kept++] = l.list[i];
    }
    return (struct labels){out, kept};
}

struct labels labels_keep(struct arena *a, struct labels l, const str *names, uint32_t n)
{
    return filter(a, l, names, n, true);
}

struct labels labels_drop(struct arena *a, struct labels l, const str *names, uint32_t n)
{
    return filter(a, l, names, n, false);
}

static bool is_plain_name(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!alpha && !(i && c >= '0' && c <= '9')) return false;
    }
    return s.len > 0;
}

void labels_print(struct buf *out, struct labels l)
{
    buf_char(out, '{');
    for (uint32_t i = 0; i < l.n; i++) {
        if (i) buf_add(out, S(", "));
        if (is_plain_name(l.list[i].name))
            buf_add(out, l.list[i].name);
        else
            quote_go(out, l.list[i].name);
        buf_char(out, '=');
        quote_go(out, l.list[i].value);
    }
    buf_char(out, '}');
}

bool matcher_accepts(const struct label_matcher *m, str value)
{
    switch (m->op) {
    case MATCH_EQUAL: return str_eq(m->value, value);
    case MATCH_NOT_EQUAL: return !str_eq(m->value, value);
    case MATCH_REGEX: return regex_match(m->regex, value);
    case MATCH_NOT_REGEX: return !regex_match(m->regex, value);
    }
    return false;
}

void quote_go(struct buf *out, str s)
{
    static const char letters[] = "abtnvfr";
    buf_char(out, '"');
    for (size_t i = 0; i < s.len;) {
        unsigned char c = (unsigned char)s.ptr[i];
        size_t n = utf8_length(s.ptr + i, s.len - i);
        if (c == '"' || c == '\\') {
            buf_char(out, '\\');
            buf_char(out, (char)c);
        } else if (c >= 7 && c <= 13) {
            buf_char(out, '\\');
            buf_char(out, letters[c - 7]);
        } else if (c < 0x20 || c == 0x7f || n == 0) {
            buf_printf(out, "\\x%02x", c);
        } else {
            buf_add(out, (str){s.ptr + i, n});
        }
        i += n ? n : 1;
    }
    buf_char(out, '"');
}
