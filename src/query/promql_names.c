/* What stored series are called where that is not what they are stored under: names and labels are
 * made anew of the metric, its attributes and those of its resource (model/prometheus_name.h). */
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "query/promql_reading.h"

enum { STORED_NAMES_MAX = 10000 }; /* more are not worth naming to the store */

static str copied(struct reading *r, const struct native_column *c, uint64_t row)
{
    return arena_str(r->arena, native_str(c, row));
}

status reading_name_columns(const struct native_block *b, struct name_columns *ret, struct err *err)
{
    TRY(reading_column(b, "prometheus_name", &ret->stored, err));
    TRY(reading_column(b, "metric_name", &ret->metric, err));
    TRY(reading_column(b, "unit", &ret->unit, err));
    TRY(reading_column(b, "type", &ret->type, err));
    TRY(reading_column(b, "is_monotonic", &ret->monotonic, err));
    return reading_column(b, "is_verbatim", &ret->verbatim, err);
}

str reading_name(struct arena *a, const struct prometheus_naming *n, const struct name_columns *c,
                 uint64_t row)
{
    const struct prometheus_namer namer = {.strategy = n->strategy};
    const struct metric_desc d = {.type = (enum metric_type)native_u64(c->type, row),
                                  .monotonic = native_u64(c->monotonic, row)};
    str name = {0}, metric = arena_str(a, native_str(c->metric, row));
    if (native_u64(c->verbatim, row)) return metric;
    (void)!prometheus_metric_name(a, &namer, metric, native_str(c->unit, row),
                                  prometheus_kind_of(&d), &name, NULL);
    return name;
}

static bool name_is_wanted(const struct reading *r, str name, const char *tail)
{
    size_t n = strlen(tail);
    char *text = arena_alloc(r->arena, name.len + n + 1, 1);
    if (name.len) memcpy(text, name.ptr, name.len);
    memcpy(text + name.len, tail, n);
    for (uint32_t i = 0; i < r->n_matchers; i++)
        if (str_eq(r->matchers[i].name, LABEL_NAME) &&
            !matcher_accepts(&r->matchers[i], (str){text, name.len + n}))
            return false;
    return true;
}

static bool any_is_wanted(const struct reading *r, str name, enum promql_stored_type type)
{
    bool parts =
        type == STORED_SUMMARY || (type == STORED_HISTOGRAM && !reading_naming(r)->custom_buckets);
    if (!parts || type == STORED_SUMMARY)
        if (name_is_wanted(r, name, "")) return true;
    if (!parts) return false;
    return (type == STORED_HISTOGRAM && name_is_wanted(r, name, "_bucket")) ||
           name_is_wanted(r, name, "_count") || name_is_wanted(r, name, "_sum");
}

struct stored_names {
    struct reading *r;
    struct map seen;
    str *list;
    uint32_t n, cap;
};

static status add_names(void *ctx, const struct native_block *b, struct err *err)
{
    struct stored_names *x = ctx;
    struct name_columns c;
    uint32_t same;
    TRY(reading_name_columns(b, &c, err));
    for (uint64_t i = 0; i < b->rows && x->n <= STORED_NAMES_MAX; i++) {
        str stored = native_str(c.stored, i);
        uint64_t hash = hash_str(stored);
        if (map_find(&x->seen, hash, NULL, NULL, &same) ||
            !any_is_wanted(x->r, reading_name(x->r->arena, reading_naming(x->r), &c, i),
                           (enum promql_stored_type)native_u64(c.type, i)))
            continue;
        if (x->n == x->cap) {
            uint32_t cap = x->cap * 2 + 16;
            str *list = arena_array(x->r->arena, str, cap);
            if (x->n) memcpy(list, x->list, x->n * sizeof *list);
            x->list = list;
            x->cap = cap;
        }
        map_add(&x->seen, hash, x->n);
        x->list[x->n++] = copied(x->r, c.stored, i);
    }
    return job_check(x->r->job, err);
}

status reading_stored_names(struct reading *r, struct promql_scope *io_scope, struct err *err)
{
    static const str none[1] = {{0}};
    bool named = false;
    for (uint32_t i = 0; i < io_scope->n; i++)
        named |= str_eq(io_scope->matchers[i].name, LABEL_NAME);
    if (!named || !promql_names_differ(io_scope)) return ST_OK;
    struct stored_names x = {.r = r};
    struct sql sql;
    map_init(&x.seen, r->arena, 64);
    sql_init(&sql, r->arena);
    promql_plan_names(&sql, io_scope);
    TRY(fetch_rows(r->job->fetcher, &sql, add_names, &x, err));
    if (x.n > STORED_NAMES_MAX) return ST_OK;
    io_scope->names = x.n ? x.list : none;
    io_scope->n_names = x.n;
    return ST_OK;
}

/* --- labels */

/* Series of a metric have the same names and many of the same values: texts that are those of the
 * row before are not copied, and are soon seen to be the same where labels are compared. */
static str shared(struct reading *r, const struct native_column *c, uint64_t row, str before)
{
    str text = native_str(c, row);
    return before.ptr && str_eq(text, before) ? before : arena_str(r->arena, text);
}

status reading_attributes(struct reading *r, const struct native_block *b, const char *column,
                          uint64_t row, const struct attr **ret, size_t *ret_n, struct err *err)
{
    const struct native_column *c;
    TRY(reading_column(b, column, &c, err));
    uint64_t from = native_begin(c, row), to = native_end(c, row);
    struct attr *list = arena_array(r->arena, struct attr, to - from + 1);
    for (uint64_t i = from, k = 0; i < to; i++, k++) {
        const struct attr *before = k < r->n_before ? &r->before[k] : &(struct attr){};
        list[k] = (struct attr){shared(r, &c->child[0], i, before->key),
                                {.type = ATTR_STRING, /* stored as text */
                                 .text = shared(r, &c->child[1], i, before->value.text)}};
    }
    *ret = r->before = list;
    *ret_n = r->n_before = (size_t)(to - from);
    return ST_OK;
}

static status text_of(struct reading *r, const struct native_block *b, const char *name,
                      uint64_t row, str *ret, struct err *err)
{
    const struct native_column *c;
    TRY(reading_column(b, name, &c, err));
    *ret = copied(r, c, row);
    return ST_OK;
}

struct labels reading_attr_labels(struct arena *a, const struct attr *attrs, size_t n)
{
    struct label *list = arena_array(a, struct label, n + 1);
    for (size_t i = 0; i < n; i++) list[i] = (struct label){attrs[i].key, attrs[i].value.text};
    return labels_make(a, list, (uint32_t)n);
}

status reading_labels(struct reading *r, const struct native_block *b, uint64_t row, bool verbatim,
                      struct labels *ret, struct err *err)
{
    struct prometheus_series s = {.verbatim = verbatim};
    struct attr *labels;
    TRY(reading_attributes(r, b, "attributes", row, &s.attrs, &s.n_attrs, err));
    TRY(reading_attributes(r, b, "resource_attributes", row, &s.resource, &s.n_resource, err));
    if (reading_naming(r)->scope) {
        TRY(reading_attributes(r, b, "scope_attributes", row, &s.scope, &s.n_scope, err));
        TRY(text_of(r, b, "scope_name", row, &s.scope_name, err));
        TRY(text_of(r, b, "scope_version", row, &s.scope_version, err));
        TRY(text_of(r, b, "scope_schema_url", row, &s.scope_schema_url, err));
    }
    size_t n = prometheus_labels(r->arena, reading_naming(r), &s, &labels);
    *ret = reading_attr_labels(r->arena, labels, n);
    return ST_OK;
}

const struct prometheus_naming *reading_naming(const struct reading *r)
{
    static const struct prometheus_naming standard = {};
    return r->job->limits->naming ? r->job->limits->naming : &standard;
}
