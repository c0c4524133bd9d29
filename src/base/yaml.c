#include "base/yaml.h"

#include <stdio.h>
#include <stdlib.h>

#include <yaml.h>

#include "base/buf.h"

struct walk {
    struct arena *arena;
    const char *file;
    yaml_parser_t parser;
    yaml_env_fn env;
    void *ctx;
    unsigned depth;
    struct err *err;
};

static status fail(const struct walk *w, yaml_mark_t at, const char *what)
{
    return err_set(w->err, ST_INVALID, (uint32_t)at.index, "%s:%zu:%zu: %s", w->file, at.line + 1,
                   at.column + 1, what);
}

static status next_event(struct walk *w, yaml_event_t *e)
{
    if (yaml_parser_parse(&w->parser, e)) return ST_OK;
    char what[160];
    const char *context = w->parser.context;
    snprintf(what, sizeof what, "%s%s%s", w->parser.problem ? w->parser.problem : "not YAML",
             context ? " " : "", context ? context : "");
    return fail(w, w->parser.problem_mark, what);
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* "env:NAME:-default" or "NAME" to its value. */
static status reference(struct walk *w, str inside, yaml_mark_t at, str *ret)
{
    char what[200];
    str name = inside, fallback = {0};
    bool has_fallback = false;
    if (name.len >= 4 && memcmp(name.ptr, "env:", 4) == 0) name = str_drop(name, 4);
    size_t n = 0;
    while (n < name.len && is_name(name.ptr[n])) n++;
    if (n + 2 <= name.len && memcmp(name.ptr + n, ":-", 2) == 0) {
        fallback = str_drop(name, n + 2);
        has_fallback = true;
    }
    if (n == 0 || (!has_fallback && n < name.len)) {
        snprintf(what, sizeof what, "\"${" STR_FMT "}\" is not ${env:NAME} or ${env:NAME:-default}",
                 STR_ARG(inside));
        return fail(w, at, what);
    }
    name.len = n;
    if (w->env && w->env(w->ctx, name, ret) && (ret->len > 0 || !has_fallback)) return ST_OK;
    if (has_fallback) {
        *ret = fallback;
        return ST_OK;
    }
    snprintf(what, sizeof what,
             "the environment variable " STR_FMT
             " is not set, and no default is given (${env:" STR_FMT ":-default})",
             STR_ARG(name), STR_ARG(name));
    return fail(w, at, what);
}

/* The scalar with its references replaced, in the arena. */
static status expand(struct walk *w, str in, yaml_mark_t at, str *ret)
{
    if (!in.len || !memchr(in.ptr, '$', in.len)) {
        *ret = arena_str(w->arena, in);
        return ST_OK;
    }
    struct buf out;
    buf_init(&out, 1u << 20);
    status s = ST_OK;
    for (size_t i = 0; i < in.len && s == ST_OK;) {
        char c = in.ptr[i];
        char after = i + 1 < in.len ? in.ptr[i + 1] : 0;
        if (c != '$' || (after != '$' && after != '{')) {
            buf_char(&out, c);
            i++;
            continue;
        }
        if (after == '$') {
            buf_char(&out, '$');
            i += 2;
            continue;
        }
        const char *end = memchr(in.ptr + i, '}', in.len - i);
        if (!end) {
            s = fail(w, at, "\"${\" without \"}\"");
            break;
        }
        str value = {0}, inside = {in.ptr + i + 2, (size_t)(end - in.ptr) - i - 2};
        s = reference(w, inside, at, &value);
        if (s == ST_OK) buf_add(&out, value);
        i = (size_t)(end - in.ptr) + 1;
    }
    if (s == ST_OK && out.over) s = fail(w, at, "longer than 1 MiB");
    if (s == ST_OK) *ret = arena_str(w->arena, buf_str(&out));
    buf_done(&out);
    return s;
}

static bool is_null(const yaml_event_t *e, str text)
{
    if (e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) return false;
    return text.len == 0 || str_eq(text, S("~")) || str_eq(text, S("null"));
}

static status node(struct walk *w, const yaml_event_t *e, struct tree *t);

static struct tree *entry(struct walk *w, struct tree *parent, struct tree **last)
{
    struct tree *t = arena_new(w->arena, struct tree);
    t->parent = parent;
    t->file = w->file;
    if (*last)
        (*last)->next = t;
    else
        parent->first = t;
    *last = t;
    parent->n++;
    return t;
}

static status list(struct walk *w, struct tree *t)
{
    for (struct tree *last = NULL;;) {
        yaml_event_t e;
        TRY(next_event(w, &e));
        bool end = e.type == YAML_SEQUENCE_END_EVENT;
        status s = end ? ST_OK : node(w, &e, entry(w, t, &last));
        yaml_event_delete(&e);
        if (s != ST_OK || end) return s;
    }
}

static status key_of(struct walk *w, const yaml_event_t *e, const struct tree *map, struct tree *t)
{
    if (e->type != YAML_SCALAR_EVENT) return fail(w, e->start_mark, "a key must be text");
    str key = {(const char *)e->data.scalar.value, e->data.scalar.length};
    for (const struct tree *o = map->first; o && o != t; o = o->next)
        if (str_eq(o->key, key)) {
            char what[160];
            snprintf(what, sizeof what, "\"" STR_FMT "\" is here a second time, first in line %u",
                     STR_ARG(key), o->key_line);
            return fail(w, e->start_mark, what);
        }
    t->key = arena_str(w->arena, key);
    t->key_line = (uint32_t)e->start_mark.line + 1;
    t->key_column = (uint32_t)e->start_mark.column + 1;
    return ST_OK;
}

static status map(struct walk *w, struct tree *t)
{
    for (struct tree *last = NULL;;) {
        yaml_event_t e;
        TRY(next_event(w, &e));
        bool end = e.type == YAML_MAPPING_END_EVENT;
        struct tree *child = end ? NULL : entry(w, t, &last);
        status s = end ? ST_OK : key_of(w, &e, t, child);
        yaml_event_delete(&e);
        if (s != ST_OK || end) return s;
        TRY(next_event(w, &e));
        s = node(w, &e, child);
        yaml_event_delete(&e);
        if (s != ST_OK) return s;
    }
}

static status scalar(struct walk *w, const yaml_event_t *e, struct tree *t)
{
    str text = {(const char *)e->data.scalar.value, e->data.scalar.length};
    t->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (is_null(e, text)) return ST_OK;
    t->kind = TREE_SCALAR;
    return expand(w, text, e->start_mark, &t->text);
}

static status node(struct walk *w, const yaml_event_t *e, struct tree *t)
{
    t->line = (uint32_t)e->start_mark.line + 1;
    t->column = (uint32_t)e->start_mark.column + 1;
    if (arena_over(w->arena))
        return err_set(w->err, ST_LIMIT, ERR_NOPOS, "%s:%u:%u: larger than can be held", w->file,
                       t->line, t->column);
    bool is_list = e->type == YAML_SEQUENCE_START_EVENT;
    switch (e->type) {
    case YAML_SCALAR_EVENT: return scalar(w, e, t);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        if (++w->depth > YAML_DEPTH_MAX) return fail(w, e->start_mark, "nested too deep");
        t->kind = is_list ? TREE_LIST : TREE_MAP;
        TRY(is_list ? list(w, t) : map(w, t));
        w->depth--;
        return ST_OK;
    case YAML_ALIAS_EVENT: return fail(w, e->start_mark, "aliases are not read here");
    default: return fail(w, e->start_mark, "not a value");
    }
}

/* The one document, or nothing. */
static status document(struct walk *w, struct tree *root)
{
    bool seen = false;
    for (bool end = false; !end;) {
        yaml_event_t e;
        TRY(next_event(w, &e));
        end = e.type == YAML_STREAM_END_EVENT;
        status s = ST_OK;
        bool frame = end || e.type == YAML_STREAM_START_EVENT ||
                     e.type == YAML_DOCUMENT_START_EVENT || e.type == YAML_DOCUMENT_END_EVENT;
        if (!frame && seen) s = fail(w, e.start_mark, "a second document");
        if (!frame && !seen) s = node(w, &e, root);
        seen = seen || !frame;
        yaml_event_delete(&e);
        if (s != ST_OK) return s;
    }
    return ST_OK;
}

status yaml_parse(struct arena *a, str text, const char *file, yaml_env_fn env, void *ctx,
                  const struct tree **ret, struct err *err)
{
    struct err unread;
    struct walk w = {.arena = a, .file = file, .env = env, .ctx = ctx, .err = err ? err : &unread};
    if (!yaml_parser_initialize(&w.parser)) abort();
    yaml_parser_set_input_string(&w.parser, (const unsigned char *)text.ptr, text.len);
    struct tree *root = arena_new(a, struct tree);
    root->file = file;
    root->line = root->column = 1;
    status s = document(&w, root);
    yaml_parser_delete(&w.parser);
    if (s == ST_OK) *ret = root;
    return s;
}

bool yaml_environment(void *, str name, str *ret)
{
    char text[256];
    if (name.len >= sizeof text) return false;
    memcpy(text, name.ptr, name.len);
    text[name.len] = 0;
    const char *value = getenv(text);
    if (!value) return false;
    *ret = str_of(value);
    return true;
}
