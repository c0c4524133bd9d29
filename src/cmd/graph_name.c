#include "cmd/graph_name.h"

#include <stdio.h>

#include "base/nearest.h"

enum { NAME_BYTES = 100 };

static bool is_word(str s, const char *more)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && !strchr(more, c)) return false;
        if (c == 0) return false;
    }
    return s.len > 0;
}

status graph_type_of(const struct tree *at, bool at_key, str name, str *ret_type, struct err *err)
{
    const char *slash = name.len ? memchr(name.ptr, '/', name.len) : NULL;
    str type = {name.ptr, slash ? (size_t)(slash - name.ptr) : name.len};
    bool good = name.len <= NAME_BYTES && is_word(type, "_") &&
                (!slash || is_word(str_drop(name, type.len + 1), "_-.:"));
    if (good) {
        *ret_type = type;
        return ST_OK;
    }
    static const char why[] = "\"" STR_FMT "\" is not type or type/suffix, of letters, digits, "
                              "_ (and - . : in the suffix)";
    if (at_key) return tree_fail_key(at, err, why, STR_ARG(name));
    return tree_fail(at, err, why, STR_ARG(name));
}

struct names {
    const str *at;
    size_t n;
};

static str one_of(size_t i, void *ctx)
{
    const struct names *names = ctx;
    return i < names->n ? names->at[i] : (str){0};
}

static str key_of(size_t i, void *ctx)
{
    const struct tree *t = ctx;
    t = t ? t->first : NULL;
    while (t && i-- > 0) t = t->next;
    return t ? t->key : (str){0};
}

static const char *suggestion(str near, char out[160])
{
    out[0] = 0;
    if (near.len) snprintf(out, 160, "; did you mean \"" STR_FMT "\"?", STR_ARG(near));
    return out;
}

const char *graph_nearest(str wrong, const str *names, size_t n, char out[160])
{
    struct names all = {names, n};
    return suggestion(nearest_name(wrong, one_of, &all), out);
}

const char *graph_nearest_key(str wrong, const struct tree *map, char out[160])
{
    return suggestion(nearest_name(wrong, key_of, (void *)map), out);
}
