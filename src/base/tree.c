#include "base/tree.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/nearest.h"
#include "base/num.h"
#include "base/value.h"

const struct tree *tree_get(const struct tree *map, str key)
{
    if (!map || map->kind != TREE_MAP) return NULL;
    for (const struct tree *t = map->first; t; t = t->next)
        if (str_eq(t->key, key)) return t;
    return NULL;
}

/* "a.b[2].c" of the entry; what does not fit is left out. */
static size_t path_of(const struct tree *at, char *out, size_t room)
{
    if (!at->parent) return 0;
    size_t n = path_of(at->parent, out, room);
    int more = 0;
    if (at->parent->kind == TREE_LIST) {
        uint32_t i = 0;
        for (const struct tree *t = at->parent->first; t != at; t = t->next) i++;
        more = snprintf(out + n, room - n, "[%u]", i);
    } else {
        more = snprintf(out + n, room - n, "%s" STR_FMT, n ? "." : "", STR_ARG(at->key));
    }
    if (more < 0 || (size_t)more >= room - n) return room - 1;
    return n + (size_t)more;
}

static status fail(const struct tree *at, uint32_t line, uint32_t column, struct err *err,
                   const char *fmt, va_list ap)
{
    char path[120], why[sizeof err->msg];
    size_t n = path_of(at, path, sizeof path);
    vsnprintf(why, sizeof why, fmt, ap);
    return err_set(err, ST_INVALID, ERR_NOPOS, "%s:%u:%u: %.*s%s%s", at->file, line, column, (int)n,
                   path, n ? ": " : "", why);
}

status tree_fail(const struct tree *at, struct err *err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    status s = fail(at, at->line, at->column, err, fmt, ap);
    va_end(ap);
    return s;
}

status tree_fail_key(const struct tree *at, struct err *err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    bool keyed = at->key_line > 0;
    status s = fail(at, keyed ? at->key_line : at->line, keyed ? at->key_column : at->column, err,
                    fmt, ap);
    va_end(ap);
    return s;
}

struct names {
    const str *at;
    size_t n;
};

static str name_of(size_t i, void *ctx)
{
    const struct names *names = ctx;
    return i < names->n ? names->at[i] : (str){0};
}

status tree_only(const struct tree *at, const str *names, size_t n, struct err *err)
{
    if (!at || at->kind == TREE_NULL) return ST_OK;
    TRY(tree_expect(at, TREE_MAP, err));
    for (const struct tree *t = at->first; t; t = t->next) {
        size_t i = 0;
        while (i < n && !str_eq(names[i], t->key)) i++;
        if (i < n) continue;
        struct names all = {names, n};
        str near = nearest_name(t->key, name_of, &all);
        if (near.len)
            return tree_fail_key(t, err, "no such option; did you mean \"" STR_FMT "\"?",
                                 STR_ARG(near));
        return tree_fail_key(t, err, "no such option here");
    }
    return ST_OK;
}

status tree_expect(const struct tree *at, enum tree_kind kind, struct err *err)
{
    static const char *const words[] = {"nothing", "one value", "a list", "a map"};
    if (at->kind == kind) return ST_OK;
    return tree_fail(at, err, "%s where %s is expected", words[at->kind], words[kind]);
}

/* The scalar of the key, or NULL when it is absent or null. */
static status scalar_of(const struct tree *map, str key, const struct tree **ret, struct err *err)
{
    const struct tree *t = tree_get(map, key);
    *ret = NULL;
    if (!t || t->kind == TREE_NULL) return ST_OK;
    TRY(tree_expect(t, TREE_SCALAR, err));
    *ret = t;
    return ST_OK;
}

status tree_text(const struct tree *map, str key, str *io, struct err *err)
{
    const struct tree *t;
    TRY(scalar_of(map, key, &t, err));
    if (t) *io = t->text;
    return ST_OK;
}

status tree_flag(const struct tree *map, str key, bool *io, struct err *err)
{
    const struct tree *t;
    TRY(scalar_of(map, key, &t, err));
    if (!t) return ST_OK;
    bool yes = str_eq(t->text, S("true"));
    if (!yes && !str_eq(t->text, S("false")))
        return tree_fail(t, err, "\"" STR_FMT "\" is not true or false", STR_ARG(t->text));
    *io = yes;
    return ST_OK;
}

status tree_u64(const struct tree *map, str key, uint64_t least, uint64_t most, uint64_t *io,
                struct err *err)
{
    const struct tree *t;
    TRY(scalar_of(map, key, &t, err));
    if (!t) return ST_OK;
    uint64_t v;
    if (!num_parse_u64(t->text, &v))
        return tree_fail(t, err, "\"" STR_FMT "\" is not a whole number", STR_ARG(t->text));
    if (v < least || v > most)
        return tree_fail(t, err, "%llu is not between %llu and %llu", (unsigned long long)v,
                         (unsigned long long)least, (unsigned long long)most);
    *io = v;
    return ST_OK;
}

status tree_f64(const struct tree *map, str key, double least, double most, double *io,
                struct err *err)
{
    const struct tree *t;
    TRY(scalar_of(map, key, &t, err));
    if (!t) return ST_OK;
    double v;
    if (!num_parse_f64(t->text, &v))
        return tree_fail(t, err, "\"" STR_FMT "\" is not a number", STR_ARG(t->text));
    if (!(v >= least && v <= most))
        return tree_fail(t, err, "%g is not between %g and %g", v, least, most);
    *io = v;
    return ST_OK;
}

status tree_size(const struct tree *map, str key, uint64_t *io, struct err *err)
{
    const struct tree *t;
    TRY(scalar_of(map, key, &t, err));
    if (!t) return ST_OK;
    struct err why;
    return value_size(t->text, io, &why) == ST_OK ? ST_OK : tree_fail(t, err, "%s", why.msg);
}

status tree_time(const struct tree *map, str key, nanos least, nanos *io, struct err *err)
{
    const struct tree *t;
    TRY(scalar_of(map, key, &t, err));
    if (!t) return ST_OK;
    struct err why;
    nanos v;
    if (value_time(t->text, &v, &why) != ST_OK) return tree_fail(t, err, "%s", why.msg);
    if (v < least) return tree_fail(t, err, "\"" STR_FMT "\" is too short", STR_ARG(t->text));
    *io = v;
    return ST_OK;
}

status tree_choice(const struct tree *map, str key, const char *list, uint32_t *io, struct err *err)
{
    const struct tree *t;
    TRY(scalar_of(map, key, &t, err));
    if (!t) return ST_OK;
    struct err why;
    return value_choice(t->text, list, io, &why) == ST_OK ? ST_OK
                                                          : tree_fail(t, err, "%s", why.msg);
}

status tree_texts(struct arena *a, const struct tree *map, str key, str **io, size_t *io_n,
                  struct err *err)
{
    const struct tree *t = tree_get(map, key);
    if (!t || t->kind == TREE_NULL) return ST_OK;
    if (t->kind == TREE_SCALAR) {
        *io = arena_new(a, str);
        **io = t->text;
        *io_n = 1;
        return ST_OK;
    }
    TRY(tree_expect(t, TREE_LIST, err));
    str *all = arena_array(a, str, t->n);
    size_t n = 0;
    for (const struct tree *e = t->first; e; e = e->next) {
        TRY(tree_expect(e, TREE_SCALAR, err));
        all[n++] = e->text;
    }
    *io = all;
    *io_n = n;
    return ST_OK;
}
