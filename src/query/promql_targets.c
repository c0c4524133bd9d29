#include "query/promql_targets.h"

#include <string.h>

static bool may_be_meant(const struct promql_scope *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (str_eq(s->matchers[i].name, LABEL_NAME) &&
            !matcher_accepts(&s->matchers[i], S("target_info")))
            return false;
    return true;
}

static void add_target(struct reading *r, uint64_t id, struct labels l)
{
    if (r->n_targets == r->cap_targets) {
        uint32_t cap = r->cap_targets * 2 + 64;
        struct target *list = arena_array(r->arena, struct target, cap);
        if (r->n_targets) memcpy(list, r->targets, r->n_targets * sizeof *list);
        r->targets = list;
        r->cap_targets = cap;
    }
    r->targets[r->n_targets++] = (struct target){.id = id, .output = {.labels = l}};
}

static status add_resources(void *ctx, const struct native_block *b, struct err *err)
{
    struct reading *r = ctx;
    const struct native_column *id;
    TRY(reading_column(b, "resource_id", &id, err));
    for (uint64_t i = 0; i < b->rows; i++) {
        const struct attr *resource;
        struct attr *made;
        size_t n;
        TRY(reading_attributes(r, b, "resource_attributes", i, &resource, &n, err));
        n = prometheus_target_labels(r->arena, reading_naming(r), resource, n, &made);
        struct labels l = reading_attr_labels(r->arena, made, n);
        if (n && reading_wants(r, l)) add_target(r, native_u64(id, i), l);
    }
    r->rows += b->rows;
    return job_check(r->job, err);
}

status targets_find(struct reading *r, const struct promql_scope *scope, struct err *err)
{
    if (!may_be_meant(scope)) return ST_OK;
    struct sql sql;
    uint64_t limit = r->job->limits->max_series;
    r->rows = 0;
    sql_init(&sql, r->arena);
    promql_plan_resources(&sql, scope, limit + 1);
    TRY(fetch_rows(r->job->fetcher, &sql, add_resources, r, err));
    if (r->rows > limit)
        return err_set(err, ST_EXECUTION, ERR_NOPOS,
                       "the query selects the target_info of more than %llu resources: narrow it",
                       (unsigned long long)limit);
    return ST_OK;
}

/* The resources came in the order of their ids. */
static struct target *find(struct reading *r, uint64_t id)
{
    uint32_t lo = 0, hi = r->n_targets;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (r->targets[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < r->n_targets && r->targets[lo].id == id ? &r->targets[lo] : NULL;
}

static status add_moments(void *ctx, const struct native_block *b, struct err *err)
{
    struct reading *r = ctx;
    const struct native_column *id, *t;
    struct target *at = NULL;
    TRY(reading_column(b, "resource_id", &id, err));
    TRY(reading_column(b, "t", &t, err));
    for (uint64_t i = 0; i < b->rows; i++) {
        uint64_t of = native_u64(id, i);
        if (!at || at->id != of) at = find(r, of);
        if (at) reading_put(r, &at->output, native_i64(t, i), 1);
    }
    return reading_check(r, err);
}

status targets_read(struct reading *r, const struct promql_scope *scope, struct err *err)
{
    if (!r->n_targets) return ST_OK;
    uint64_t *ids = arena_array(r->arena, uint64_t, r->n_targets);
    struct sql sql;
    for (uint32_t i = 0; i < r->n_targets; i++) ids[i] = r->targets[i].id;
    sql_init(&sql, r->arena);
    promql_plan_targets(&sql, scope, ids, r->n_targets);
    return fetch_rows(r->job->fetcher, &sql, add_moments, r, err);
}
