/* The labels of a series, and of what tells of a resource. */
#include <stdlib.h>

#include "model/prometheus_name.h"

struct label {
    str key, name, value; /* attribute key, label name */
    size_t at;            /* where the attribute was */
};

static int cmp_label(const void *x, const void *y)
{
    const struct label *p = x, *q = y;
    int c = str_compare(p->name, q->name);
    if (!c) c = str_compare(p->key, q->key);
    return c ? c : (p->at > q->at) - (p->at < q->at);
}

static const struct attr *attr_find(const struct attr *attrs, size_t n, str key)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(attrs[i].key, key)) return &attrs[i];
    return NULL;
}

static str joined_text(struct arena *a, str x, str between, str y)
{
    char *out = arena_alloc(a, x.len + between.len + y.len, 1);
    if (x.len) memcpy(out, x.ptr, x.len);
    if (between.len) memcpy(out + x.len, between.ptr, between.len);
    if (y.len) memcpy(out + x.len + between.len, y.ptr, y.len);
    return (str){out, x.len + between.len + y.len};
}

/* "namespace/name", or the name alone; empty without a name. */
static str job_of(struct arena *a, const struct attr *resource, size_t n)
{
    const struct attr *name = attr_find(resource, n, S("service.name"));
    const struct attr *space = attr_find(resource, n, S("service.namespace"));
    if (!name) return (str){0};
    str text = attr_stored_text(a, &name->value);
    return space ? joined_text(a, attr_stored_text(a, &space->value), S("/"), text) : text;
}

static str instance_of(struct arena *a, const struct attr *resource, size_t n)
{
    const struct attr *id = attr_find(resource, n, S("service.instance.id"));
    return id ? attr_stored_text(a, &id->value) : (str){0};
}

bool prometheus_is_verbatim(const struct metric_desc *d, const struct attr *batch_attrs)
{
    return d->metadata.n &&
           attr_find(batch_attrs + d->metadata.at, d->metadata.n, S(PROMETHEUS_TYPE_KEY));
}

bool prometheus_is_identifying(str key)
{
    return str_eq(key, S("service.name")) || str_eq(key, S("service.namespace")) ||
           str_eq(key, S("service.instance.id"));
}

bool prometheus_promotes(const struct prometheus_naming *n, str key)
{
    bool listed = false;
    for (uint32_t i = 0; i < n->n_attributes && !listed; i++)
        listed = str_eq(n->attributes[i], key);
    return listed != n->promote_all;
}

bool prometheus_labels_are_plain(const struct prometheus_naming *n)
{
    return !prometheus_is_utf8(n->strategy) && !n->promote_all && !n->n_attributes && !n->scope;
}

bool prometheus_is_utf8(enum prometheus_strategy s)
{
    return s == PROMETHEUS_UTF8_WITH_SUFFIXES || s == PROMETHEUS_UNTRANSLATED;
}

/* Labels in the making, no name twice. */
struct set {
    struct arena *arena;
    bool utf8;
    struct attr *list;
    size_t n;
};

static struct attr *set_find(struct set *s, str name)
{
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(s->list[i].key, name)) return &s->list[i];
    return NULL;
}

static void set_put(struct set *s, str name, str value)
{
    struct attr *had = set_find(s, name);
    if (!had) had = &s->list[s->n++];
    *had = (struct attr){name, {.type = ATTR_STRING, .text = value}};
}

static bool label_name(struct arena *a, bool as_it_is, str key, str *ret)
{
    *ret = key;
    if (as_it_is) return key.len > 0;
    return prometheus_label_name(a, key, PROMETHEUS_LABELS_DEFAULT, ret, NULL) == ST_OK;
}

static bool is_left_out(str name, bool verbatim)
{
    return str_eq(name, S("__name__")) ||
           (!verbatim && (str_eq(name, S("le")) || str_eq(name, S("quantile"))));
}

/* Attributes whose names fall together are joined in the order of their keys. */
static void set_attributes(struct set *s, bool verbatim, const struct attr *attrs, size_t n,
                           bool no_identifying)
{
    struct label *list = arena_array(s->arena, struct label, n);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct label l = {.key = attrs[i].key, .at = i};
        if (!label_name(s->arena, verbatim || s->utf8, l.key, &l.name) ||
            is_left_out(l.name, verbatim) || (no_identifying && prometheus_is_identifying(l.key)))
            continue;
        l.value = attr_stored_text(s->arena, &attrs[i].value);
        list[kept++] = l;
    }
    if (kept) qsort(list, kept, sizeof *list, cmp_label);
    for (size_t i = 0, to; i < kept; i = to) {
        str value = list[i].value;
        for (to = i + 1; to < kept && str_eq(list[to].name, list[i].name); to++)
            value = joined_text(s->arena, value, S(";"), list[to].value);
        s->list[s->n++] = (struct attr){list[i].name, {.type = ATTR_STRING, .text = value}};
    }
}

/* What names the target of a series written by Prometheus is its job and instance already. */
static void set_promoted(struct set *s, const struct prometheus_naming *n,
                         const struct prometheus_series *from)
{
    for (size_t i = 0; i < from->n_resource; i++) {
        const struct attr *r = &from->resource[i];
        str name;
        if (!prometheus_promotes(n, r->key) ||
            (from->verbatim && prometheus_is_identifying(r->key)) ||
            !label_name(s->arena, s->utf8, r->key, &name) || is_left_out(name, false))
            continue;
        struct attr *had = set_find(s, name);
        if (!had || !had->value.text.len) set_put(s, name, attr_stored_text(s->arena, &r->value));
    }
}

static void set_scope(struct set *s, const struct prometheus_series *from)
{
    if (!from->scope_name.len) return;
    for (size_t i = 0; i < from->n_scope; i++) {
        str key = joined_text(s->arena, S("otel_scope_"), (str){0}, from->scope[i].key), name;
        if (label_name(s->arena, s->utf8, key, &name))
            set_put(s, name, attr_stored_text(s->arena, &from->scope[i].value));
    }
    set_put(s, S("otel_scope_name"), from->scope_name);
    set_put(s, S("otel_scope_version"), from->scope_version);
    set_put(s, S("otel_scope_schema_url"), from->scope_schema_url);
}

static int by_name(const void *x, const void *y)
{
    return str_compare(((const struct attr *)x)->key, ((const struct attr *)y)->key);
}

/* Sorted, without those of no value. */
static size_t set_end(struct set *s, const struct attr *resource, size_t n_resource,
                      struct attr **ret)
{
    str job = job_of(s->arena, resource, n_resource);
    str instance = instance_of(s->arena, resource, n_resource);
    if (job.len) set_put(s, S("job"), job);
    if (instance.len) set_put(s, S("instance"), instance);
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++)
        if (s->list[i].value.text.len) s->list[kept++] = s->list[i];
    if (kept) qsort(s->list, kept, sizeof *s->list, by_name);
    *ret = s->list;
    return kept;
}

size_t prometheus_labels(struct arena *a, const struct prometheus_naming *n,
                         const struct prometheus_series *from, struct attr **ret)
{
    size_t room = from->n_attrs + from->n_resource + from->n_scope + 5;
    struct set s = {a, prometheus_is_utf8(n->strategy), arena_array(a, struct attr, room), 0};
    set_attributes(&s, from->verbatim, from->attrs, from->n_attrs, false);
    if (n->promote_all || n->n_attributes) set_promoted(&s, n, from);
    if (n->scope) set_scope(&s, from);
    return set_end(&s, from->resource, from->n_resource, ret);
}

bool prometheus_has_target(const struct attr *resource, size_t n)
{
    bool identity = false, more = false;
    for (size_t i = 0; i < n; i++) {
        more |= !prometheus_is_identifying(resource[i].key);
        identity |= str_eq(resource[i].key, S("service.name")) ||
                    str_eq(resource[i].key, S("service.instance.id"));
    }
    return identity && more;
}

size_t prometheus_target_labels(struct arena *a, const struct prometheus_naming *n,
                                const struct attr *resource, size_t n_resource, struct attr **ret)
{
    if (!prometheus_has_target(resource, n_resource)) return 0;
    struct set s = {a, prometheus_is_utf8(n->strategy), arena_array(a, struct attr, n_resource + 3),
                    0};
    set_attributes(&s, false, resource, n_resource, !n->keep_identifying);
    set_put(&s, S("__name__"), S("target_info"));
    s.n = set_end(&s, resource, n_resource, ret);
    return set_find(&s, S("job")) || set_find(&s, S("instance")) ? s.n : 0; /* not of empty ones */
}
