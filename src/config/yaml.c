/* The YAML file: nested maps to dotted names, through libyaml's events, whose marks give line and
 * column. */
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "config/config.h"

enum { DEPTH_MAX = 8, NAME_MAX_BYTES = 200 };

struct walk {
    struct config *config;
    const char *file;
    yaml_parser_t parser;
    char name[NAME_MAX_BYTES]; /* dotted path of the maps that are open, and the key being read */
    size_t len[DEPTH_MAX + 1]; /* its length at each depth */
    unsigned depth;            /* open maps */
};

static status fail(const struct walk *w, yaml_mark_t at, status s, struct err *err,
                   const char *what)
{
    char cause[sizeof err->msg];
    snprintf(cause, sizeof cause, "%s", what);
    return err_set(err, s, (uint32_t)at.index, "%s:%zu:%zu: %s", w->file, at.line + 1,
                   at.column + 1, cause);
}

static status malformed(const struct walk *w, struct err *err)
{
    char what[160];
    snprintf(what, sizeof what, "%s%s%s", w->parser.problem ? w->parser.problem : "not YAML",
             w->parser.context ? " " : "", w->parser.context ? w->parser.context : "");
    return fail(w, w->parser.problem_mark, ST_INVALID, err, what);
}

static str scalar(const yaml_event_t *e)
{
    return (str){(const char *)e->data.scalar.value, e->data.scalar.length};
}

/* Appends a key to the dotted name. */
static status push_key(struct walk *w, str key, yaml_mark_t at, struct err *err)
{
    size_t n = w->len[w->depth];
    if (n + key.len + 2 > sizeof w->name || w->depth == DEPTH_MAX)
        return fail(w, at, ST_INVALID, err, "nested deeper, or a name longer, than any option has");
    if (n) w->name[n++] = '.';
    memcpy(w->name + n, key.ptr, key.len);
    w->len[w->depth + 1] = n + key.len;
    return ST_OK;
}

static status one_value(struct walk *w, const yaml_event_t *e, yaml_mark_t key_at, struct err *err)
{
    str name = {w->name, w->len[w->depth + 1]};
    struct err why = {};
    status s = config_set(w->config, name, scalar(e), &why);
    if (s == ST_OK) return s;
    return fail(w, s == ST_NOT_FOUND ? key_at : e->start_mark, ST_INVALID, err, why.msg);
}

/* One event inside a map. *key_at is where the key of the value to come begins; *have_key says that
 * there is one. */
static status step(struct walk *w, const yaml_event_t *e, bool *have_key, yaml_mark_t *key_at,
                   struct err *err)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        if (w->depth == 0)
            return scalar(e).len == 0
                       ? ST_OK
                       : fail(w, e->start_mark, ST_INVALID, err, "a map of options is expected");
        if (!*have_key) {
            *key_at = e->start_mark;
            *have_key = true;
            return push_key(w, scalar(e), e->start_mark, err);
        }
        *have_key = false;
        return one_value(w, e, *key_at, err);
    case YAML_MAPPING_START_EVENT:
        if (w->depth && !*have_key)
            return fail(w, e->start_mark, ST_INVALID, err, "a key must be text");
        if (w->depth == DEPTH_MAX)
            return fail(w, e->start_mark, ST_INVALID, err, "nested deeper than any option is");
        w->depth++;
        if (w->depth == 1) w->len[1] = 0;
        *have_key = false;
        return ST_OK;
    case YAML_MAPPING_END_EVENT:
        w->depth--;
        *have_key = false;
        return ST_OK;
    case YAML_SEQUENCE_START_EVENT:
        return fail(w, e->start_mark, ST_INVALID, err, "a list where one value is expected");
    case YAML_ALIAS_EVENT:
        return fail(w, e->start_mark, ST_INVALID, err, "aliases are not read here");
    default: return ST_OK;
    }
}

status config_read_yaml(struct config *c, str text, const char *file, struct err *err)
{
    struct walk w = {.config = c, .file = file};
    if (!yaml_parser_initialize(&w.parser))
        return err_set(err, ST_INTERNAL, ERR_NOPOS, "no memory");
    yaml_parser_set_input_string(&w.parser, (const unsigned char *)text.ptr, text.len);
    status s = ST_OK;
    bool have_key = false;
    yaml_mark_t key_at = {0};
    for (bool end = false; !end && s == ST_OK;) {
        yaml_event_t e;
        if (!yaml_parser_parse(&w.parser, &e)) {
            s = malformed(&w, err);
            break;
        }
        end = e.type == YAML_STREAM_END_EVENT;
        s = step(&w, &e, &have_key, &key_at, err);
        yaml_event_delete(&e);
    }
    yaml_parser_delete(&w.parser);
    return s;
}
