/* The YAML file: nested maps are the dotted names of weir's options; the Collector's sections are
 * kept as they are. */
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/yaml.h"
#include "config/config.h"
#include "config/memory_limiter.h"
#include "config/option.h"
#include "config/receiver.h"

enum { NAME_BYTES = 200 };

static const str sections[] = {
    S("receivers"), S("processors"), S("exporters"), S("extensions"), S("connectors"), S("service"),
};
enum { SECTIONS = sizeof sections / sizeof *sections };

static bool is_section(str key)
{
    for (size_t i = 0; i < SECTIONS; i++)
        if (str_eq(sections[i], key)) return true;
    return false;
}

/* "file:line:column: what". `what` has the dotted name, which is not always the tree's path. */
static status fail(const struct tree *t, bool at_key, struct err *err, const char *what)
{
    char cause[sizeof err->msg];
    snprintf(cause, sizeof cause, "%s", what);
    return err_set(err, ST_INVALID, ERR_NOPOS, "%s:%u:%u: %s", t->file,
                   at_key ? t->key_line : t->line, at_key ? t->key_column : t->column, cause);
}

static size_t dots(str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) n += s.ptr[i] == '.';
    return n;
}

/* The option's name up to as many dots as `name` has: what a map of that name could be. */
static str option_prefix(size_t i, str name)
{
    str whole = option_name(i, NULL);
    size_t left = dots(name) + 1;
    for (size_t at = 0; at < whole.len; at++)
        if (whole.ptr[at] == '.' && --left == 0) return (str){whole.ptr, at};
    return whole;
}

static bool begins_an_option(str name)
{
    str whole;
    for (size_t i = 0; (whole = option_name(i, NULL)).len; i++)
        if (whole.len > name.len && whole.ptr[name.len] == '.' &&
            memcmp(whole.ptr, name.ptr, name.len) == 0)
            return true;
    return false;
}

static str prefix_or_section(size_t i, void *ctx)
{
    if (i < SECTIONS) return sections[i];
    return option_prefix(i - SECTIONS, *(str *)ctx);
}

static status unknown(const struct tree *t, str name, struct err *err)
{
    str near = nearest_name(name, prefix_or_section, &name);
    char what[sizeof err->msg];
    if (near.len)
        snprintf(what, sizeof what, "no option \"" STR_FMT "\"; did you mean \"" STR_FMT "\"?",
                 STR_ARG(name), STR_ARG(near));
    else
        snprintf(what, sizeof what, "no option \"" STR_FMT "\"", STR_ARG(name));
    return fail(t, true, err, what);
}

/* The options at and below the entry, whose parents' names are `n` bytes of `name`. */
static status options_of(struct config *c, const struct tree *t, char name[NAME_BYTES], size_t n,
                         struct err *err)
{
    if (n + t->key.len + 2 > NAME_BYTES)
        return fail(t, true, err, "a name longer than any option has");
    if (n) name[n++] = '.';
    if (t->key.len) memcpy(name + n, t->key.ptr, t->key.len);
    str full = {name, n + t->key.len};
    bool group = begins_an_option(full), one = option_find(full) != NULL;
    if (str_eq(full, S("retention.overrides")))
        return overrides_read(c->arena, t, &c->overrides, &c->n_overrides, err);
    if (t->kind == TREE_LIST)
        return fail(t, false, err, "a list where one value or a map of options is expected");
    if (t->kind == TREE_MAP ? !group : t->kind == TREE_NULL && !group && !one)
        return unknown(t, full, err);
    if (t->kind == TREE_NULL) return ST_OK; /* a key with nothing below it: as if absent */
    if (t->kind == TREE_MAP) {
        for (const struct tree *e = t->first; e; e = e->next)
            TRY(options_of(c, e, name, full.len, err));
        return ST_OK;
    }
    struct err why = {};
    status s = config_set(c, full, t->text, &why);
    return s == ST_OK ? s : fail(t, s == ST_NOT_FOUND, err, why.msg);
}

status config_read_yaml(struct config *c, str text, const char *file, struct err *err)
{
    const struct tree *root;
    TRY(yaml_parse(c->arena, text, file, yaml_environment, NULL, &root, err));
    if (root->kind == TREE_NULL) return ST_OK;
    if (root->kind != TREE_MAP) return fail(root, false, err, "a map of options is expected");
    for (const struct tree *e = root->first; e; e = e->next)
        if (is_section(e->key)) c->sections = root;
    TRY(receiver_options(c, root, err)); /* before weir's own names, which say more exactly */
    TRY(memory_limiter_options(c, root, err));
    char name[NAME_BYTES];
    for (const struct tree *e = root->first; e; e = e->next)
        if (!is_section(e->key)) TRY(options_of(c, e, name, 0, err));
    return ST_OK;
}
