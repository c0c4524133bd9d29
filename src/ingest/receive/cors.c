#include "ingest/receive/cors.h"

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c; }

/* Each `*` takes as little as lets the rest fit; only the last one is ever tried again. */
static bool fits(str pattern, str s)
{
    size_t p = 0, i = 0, star = pattern.len, from = 0;
    while (i < s.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            from = i;
        } else if (p < pattern.len && lower(pattern.ptr[p]) == lower(s.ptr[i])) {
            p++;
            i++;
        } else if (star < pattern.len) {
            p = star + 1;
            i = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*') p++;
    return p == pattern.len;
}

/* The next member of the list, without spaces around it; false at the end. */
static bool next(str *list, str *ret)
{
    if (list->len == 0) return false;
    const char *comma = memchr(list->ptr, ',', list->len);
    str one = {list->ptr, comma ? (size_t)(comma - list->ptr) : list->len};
    *list = str_drop(*list, one.len + 1);
    while (one.len && one.ptr[0] == ' ') one = str_drop(one, 1);
    while (one.len && one.ptr[one.len - 1] == ' ') one.len--;
    *ret = one;
    return true;
}

bool cors_allows(str list, str origin)
{
    for (str one; next(&list, &one);)
        if (one.len && fits(one, origin)) return true;
    return false;
}

bool cors_names(str list, str name)
{
    for (str one; next(&list, &one);)
        if (str_eq_fold(one, name)) return true;
    return false;
}
