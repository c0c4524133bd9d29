/* The labels of a series. */
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

static str joined_text(struct arena *a, str x, char between, str y)
{
    char *out = arena_alloc(a, x.len + 1 + y.len, 1);
    if (x.len) memcpy(out, x.ptr, x.len);
    out[x.len] = between;
    if (y.len) memcpy(out + x.len + 1, y.ptr, y.len);
    return (str){out, x.len + 1 + y.len};
}

/* "namespace/name", or the name alone; empty without a name. */
static str job_of(struct arena *a, const struct attr *resource, size_t n)
{
    const struct attr *name = attr_find(resource, n, S("service.name"));
    const struct attr *space = attr_find(resource, n, S("service.namespace"));
    if (!name) return (str){0};
    str text = attr_stored_text(a, &name->value);
    return space ? joined_text(a, attr_stored_text(a, &space->value), '/', text) : text;
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

static bool is_left_out(str name, bool verbatim)
{
    return str_eq(name, S("__name__")) ||
           (!verbatim && (str_eq(name, S("le")) || str_eq(name, S("quantile"))));
}

static bool label_name(struct arena *a, bool verbatim, str key, str *ret)
{
    *ret = key;
    return verbatim || prometheus_label_name(a, key, PROMETHEUS_LABELS_DEFAULT, ret, NULL) == ST_OK;
}

size_t prometheus_labels(struct arena *a, bool verbatim, const struct attr *attrs, size_t n,
                         const struct attr *resource, size_t n_resource, struct attr **ret)
{
    struct label *list = arena_array(a, struct label, n + 2);
    size_t kept = 0;
    str job = job_of(a, resource, n_resource), instance = instance_of(a, resource, n_resource);
    for (size_t i = 0; i < n; i++) {
        struct label l = {.key = attrs[i].key, .at = i};
        if (!label_name(a, verbatim, l.key, &l.name) || is_left_out(l.name, verbatim) ||
            (job.len && str_eq(l.name, S("job"))) ||
            (instance.len && str_eq(l.name, S("instance"))))
            continue;
        l.value = attr_stored_text(a, &attrs[i].value);
        list[kept++] = l;
    }
    if (job.len) list[kept++] = (struct label){.name = S("job"), .value = job};
    if (instance.len) list[kept++] = (struct label){.name = S("instance"), .value = instance};
    if (kept) qsort(list, kept, sizeof *list, cmp_label);

    struct attr *out = arena_array(a, struct attr, kept);
    size_t made = 0;
    for (size_t i = 0, to; i < kept; i = to) {
        str value = list[i].value;
        for (to = i + 1; to < kept && str_eq(list[to].name, list[i].name); to++)
            value = joined_text(a, value, ';', list[to].value);
        if (value.len)
            out[made++] = (struct attr){list[i].name, {.type = ATTR_STRING, .text = value}};
    }
    *ret = out;
    return made;
}
