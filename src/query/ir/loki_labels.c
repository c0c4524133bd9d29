#include "query/ir/loki_labels.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/hex.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "base/num.h"

void loki_labels_set(struct arena *a, struct loki_labels *l, str name, str value)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (str_eq(l->v[i].name, name)) {
            l->v[i].value = value;
            return;
        }
    if ((l->n & (l->n - 1)) == 0) {
        struct loki_label *v = arena_array(a, struct loki_label, l->n ? l->n * 2 : 1);
        if (l->n) memcpy(v, l->v, l->n * sizeof *v);
        l->v = v;
    }
    l->v[l->n++] = (struct loki_label){name, value};
}

const struct loki_label *loki_labels_find(const struct loki_labels *l, str name)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (str_eq(l->v[i].name, name)) return &l->v[i];
    return NULL;
}

str loki_labels_get(const struct loki_labels *l, str name)
{
    const struct loki_label *hit = loki_labels_find(l, name);
    return hit ? hit->value : (str){0};
}

void loki_labels_remove(struct loki_labels *l, str name)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < l->n; i++)
        if (!str_eq(l->v[i].name, name)) l->v[n++] = l->v[i];
    l->n = n;
}

static int by_name(const void *x, const void *y)
{
    return str_compare(((const struct loki_label *)x)->name, ((const struct loki_label *)y)->name);
}

void loki_labels_sort(struct loki_labels *l)
{
    if (l->n > 1) qsort(l->v, l->n, sizeof *l->v, by_name);
}

struct loki_labels loki_labels_copy(struct arena *a, const struct loki_labels *l)
{
    struct loki_labels c = {.n = l->n};
    uint32_t cap = 1;
    while (cap < l->n) cap *= 2; /* loki_labels_set grows at powers of two */
    if (l->n) {
        c.v = arena_array(a, struct loki_label, cap);
        memcpy(c.v, l->v, l->n * sizeof *c.v);
    }
    return c;
}

uint64_t loki_labels_hash(const struct loki_labels *l)
{
    uint64_t h = l->n;
    for (uint32_t i = 0; i < l->n; i++)
        h = hash_mix(hash_mix(h, hash_str(l->v[i].name)), hash_str(l->v[i].value));
    return h;
}

int loki_labels_compare(const struct loki_labels *x, const struct loki_labels *y)
{
    for (uint32_t i = 0; i < x->n && i < y->n; i++) {
        int c = str_compare(x->v[i].name, y->v[i].name);
        if (!c) c = str_compare(x->v[i].value, y->v[i].value);
        if (c) return c;
    }
    return (x->n > y->n) - (x->n < y->n);
}

bool loki_labels_equal(const struct loki_labels *x, const struct loki_labels *y)
{
    return x->n == y->n && loki_labels_compare(x, y) == 0;
}

void loki_labels_print(struct buf *out, const struct loki_labels *l)
{
    buf_char(out, '{');
    for (uint32_t i = 0; i < l->n; i++) {
        if (i) buf_add(out, S(", "));
        buf_add(out, l->v[i].name);
        buf_char(out, '=');
        json_quote(out, l->v[i].value);
    }
    buf_char(out, '}');
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_alnum(char c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); }

str loki_name(struct arena *a, str key)
{
    bool clean = key.len && !is_digit(key.ptr[0]);
    for (size_t i = 0; clean && i < key.len; i++)
        clean = is_alnum(key.ptr[i]) || (key.ptr[i] == '_' && (i == 0 || key.ptr[i - 1] != '_'));
    if (clean) return key;
    char *out = arena_alloc(a, key.len + 5, 1);
    size_t n = 0;
    if (!key.len || is_digit(key.ptr[0])) {
        memcpy(out, "key_", 4);
        n = 4;
    }
    for (size_t i = 0; i < key.len; i++) {
        char c = is_alnum(key.ptr[i]) ? key.ptr[i] : '_';
        if (c != '_' || n == 0 || out[n - 1] != '_') out[n++] = c;
    }
    return (str){out, n};
}

bool loki_is_index_attribute(str key)
{
    static const str names[] = {
        S("service.name"),
        S("service.namespace"),
        S("service.instance.id"),
        S("deployment.environment"),
        S("deployment.environment.name"),
        S("cloud.region"),
        S("cloud.availability_zone"),
        S("k8s.cluster.name"),
        S("k8s.namespace.name"),
        S("k8s.pod.name"),
        S("k8s.container.name"),
        S("container.name"),
        S("k8s.replicaset.name"),
        S("k8s.deployment.name"),
        S("k8s.statefulset.name"),
        S("k8s.daemonset.name"),
        S("k8s.cronjob.name"),
        S("k8s.job.name"),
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(key, names[i])) return true;
    return false;
}

static str join(struct arena *a, str x, str y)
{
    char *out = arena_alloc(a, x.len + y.len + 1, 1);
    memcpy(out, x.ptr, x.len);
    out[x.len] = '_';
    if (y.len) memcpy(out + x.len + 1, y.ptr, y.len);
    return (str){out, x.len + y.len + 1};
}

/* The members of the object that was just opened, as prefix_member. Depth is bounded by the
 * tokenizer. */
static void flatten(struct arena *a, struct json_in *j, str prefix, struct loki_labels *to)
{
    while (json_next(j) == JSON_KEY) {
        str name = join(a, prefix, j->text);
        json_next(j);
        size_t from = j->at - 1;
        switch (j->token) {
        case JSON_OBJECT: flatten(a, j, name, to); break;
        case JSON_ARRAY:
            json_skip(j);
            loki_labels_set(a, to, loki_name(a, name), (str){j->in.ptr + from, j->at - from});
            break;
        case JSON_TRUE: loki_labels_set(a, to, loki_name(a, name), S("true")); break;
        case JSON_FALSE: loki_labels_set(a, to, loki_name(a, name), S("false")); break;
        case JSON_NULL: loki_labels_set(a, to, loki_name(a, name), S("")); break;
        default: loki_labels_set(a, to, loki_name(a, name), j->text); break;
        }
    }
}

static void add_attr(struct arena *a, const struct loki_attrs *attrs, uint32_t i,
                     struct loki_labels *to)
{
    str key = attrs->keys[i], value = attrs->values[i];
    char type = i < attrs->types.len ? attrs->types.ptr[i] : 's';
    if (type == 'k') {
        struct json_in check = json_read(value, a);
        if (json_next(&check) == JSON_OBJECT) {
            flatten(a, &check, key, to);
            if (!check.bad) return;
        }
    }
    loki_labels_set(a, to, loki_name(a, key), value);
}

/* Where a service's name may hide when the resource does not say service.name. */
static str service_name(const struct loki_labels *labels)
{
    static const str names[] = {
        S("service"),
        S("app"),
        S("application"),
        S("name"),
        S("app_kubernetes_io_name"),
        S("container"),
        S("container_name"),
        S("k8s_container_name"),
        S("component"),
        S("workload"),
        S("job"),
        S("k8s_job_name"),
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        str v = loki_labels_get(labels, names[i]);
        if (v.len) return v;
    }
    return S("unknown_service");
}

void loki_resource(struct arena *a, const struct loki_attrs *resource,
                   struct loki_labels *ret_labels, struct loki_labels *ret_metadata)
{
    struct loki_labels labels = {0}, metadata = {0};
    for (uint32_t i = 0; i < resource->n; i++) {
        bool index = loki_is_index_attribute(resource->keys[i]);
        add_attr(a, resource, i, index ? &labels : &metadata);
    }
    if (!loki_labels_get(&labels, S("service_name")).len)
        loki_labels_set(a, &labels, S("service_name"), service_name(&labels));
    loki_labels_sort(&labels);
    loki_labels_sort(&metadata);
    *ret_labels = labels;
    *ret_metadata = metadata;
}

static void set_number(struct arena *a, struct loki_labels *to, str name, uint64_t v)
{
    if (!v) return;
    char t[NUM_MAX];
    loki_labels_set(a, to, name, arena_str(a, (str){t, num_format_u64(v, t)}));
}

static void set_id(struct arena *a, struct loki_labels *to, str name, str id)
{
    bool zero = true;
    for (size_t i = 0; i < id.len; i++) zero = zero && id.ptr[i] == 0;
    if (zero) return;
    char *text = arena_alloc(a, id.len * 2, 1);
    hex_encode(id.ptr, id.len, text);
    loki_labels_set(a, to, name, (str){text, id.len * 2});
}

void loki_metadata(struct arena *a, const struct loki_record *r, const struct loki_labels *stream,
                   const struct loki_labels *resource_metadata, struct loki_labels *ret)
{
    struct loki_labels m = {0};
    /* The more particular wins a name: the record's fields, then its attributes, its resource's,
     * its scope's. */
    for (uint32_t i = 0; i < r->scope_attrs.n; i++) add_attr(a, &r->scope_attrs, i, &m);
    if (r->scope_name.len) loki_labels_set(a, &m, S("scope_name"), r->scope_name);
    if (r->scope_version.len) loki_labels_set(a, &m, S("scope_version"), r->scope_version);
    set_number(a, &m, S("scope_dropped_attributes_count"), r->scope_dropped_attributes);
    for (uint32_t i = 0; i < resource_metadata->n; i++)
        loki_labels_set(a, &m, resource_metadata->v[i].name, resource_metadata->v[i].value);
    for (uint32_t i = 0; i < r->attrs.n; i++) add_attr(a, &r->attrs, i, &m);
    set_number(a, &m, S("observed_timestamp"), r->observed > 0 ? (uint64_t)r->observed : 0);
    set_number(a, &m, S("severity_number"), r->severity_number);
    if (r->severity_text.len) loki_labels_set(a, &m, S("severity_text"), r->severity_text);
    set_number(a, &m, S("dropped_attributes_count"), r->dropped_attributes);
    set_number(a, &m, S("flags"), r->flags);
    set_id(a, &m, S("trace_id"), r->trace_id);
    set_id(a, &m, S("span_id"), r->span_id);
    if (r->event_name.len) loki_labels_set(a, &m, S("event_name"), r->event_name);
    if (!loki_labels_find(&m, S("detected_level")))
        loki_labels_set(a, &m, S("detected_level"),
                        loki_detected_level(a, stream, &m, r->severity_number, r->line));
    loki_labels_sort(&m);
    *ret = m;
}

struct loki_labels loki_labels_merge(struct arena *a, const struct loki_labels *stream,
                                     const struct loki_labels *metadata)
{
    struct loki_labels all = {.n = 0};
    all.v = arena_array(a, struct loki_label, (stream->n + metadata->n) * 2 + 1);
    if (stream->n) memcpy(all.v, stream->v, stream->n * sizeof *all.v);
    all.n = stream->n;
    for (uint32_t i = 0; i < metadata->n; i++) {
        struct loki_label l = metadata->v[i];
        if (loki_labels_find(stream, l.name)) {
            l.name = join(a, l.name, S("extracted"));
            if (loki_labels_find(metadata, l.name)) continue; /* one such slot only */
        }
        all.v[all.n++] = l;
    }
    loki_labels_sort(&all);
    return loki_labels_copy(a, &all);
}
