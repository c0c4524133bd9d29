#include "query/filter_runs.h"

#include <stdlib.h>

struct taking {
    struct query_job *job;
    struct filter_runs *to;
    size_t cap;
    bool ids;
};

static status take(void *ctx, const struct native_block *b, struct err *err)
{
    struct taking *t = ctx;
    struct filter_runs *to = t->to;
    const struct native_column *first = native_find(b, S("first")),
                               *last = native_find(b, S("last")),
                               *first_id = native_find(b, S("first_id")),
                               *last_id = native_find(b, S("last_id"));
    for (uint64_t r = 0; r < b->rows; r++) {
        if (to->n == t->cap) {
            t->cap = t->cap ? t->cap * 2 : 64;
            struct filter_run *wider = arena_array(t->job->arena, struct filter_run, t->cap);
            if (to->n) memcpy(wider, to->v, to->n * sizeof *wider);
            to->v = wider;
        }
        struct filter_run *run = &to->v[to->n++];
        *run = (struct filter_run){.first = native_i64(first, r), .last = native_i64(last, r)};
        if (!t->ids) continue;
        memcpy(run->first_id.bytes, native_str(first_id, r).ptr, sizeof run->first_id.bytes);
        memcpy(run->last_id.bytes, native_str(last_id, r).ptr, sizeof run->last_id.bytes);
    }
    return job_check(t->job, err);
}

static int by_first(const void *x, const void *y)
{
    const struct filter_run *a = x, *b = y;
    return (a->first > b->first) - (a->first < b->first);
}

static status fetch(struct query_job *j, const struct sql *sql, bool ids, struct filter_runs *ret,
                    struct err *err)
{
    struct taking t = {.job = j, .to = ret, .ids = ids};
    ret->known = true;
    TRY(fetch_rows(j->fetcher, sql, take, &t, err));
    if (ret->n > 1) qsort(ret->v, ret->n, sizeof *ret->v, by_first);
    return ST_OK;
}

status filter_runs_of_spans(struct query_job *j, const struct trace_search *q, nanos from, nanos to,
                            struct filter_runs *ret, struct err *err)
{
    struct sql *sql = arena_new(j->arena, struct sql);
    sql_init(sql, j->arena);
    *ret = (struct filter_runs){0};
    return filter_plan_spans(sql, q, from, to) ? fetch(j, sql, true, ret, err) : ST_OK;
}

status filter_runs_of_lines(struct query_job *j, const struct logql_log *log, nanos from, nanos to,
                            nanos gap, struct filter_runs *ret, struct err *err)
{
    struct sql *sql = arena_new(j->arena, struct sql);
    sql_init(sql, j->arena);
    *ret = (struct filter_runs){0};
    if (!filter_plan_lines(sql, log, from, to)) return ST_OK;
    TRY(fetch(j, sql, false, ret, err));
    size_t n = 0;
    for (size_t i = 0; i < ret->n; i++) {
        struct filter_run *before = n ? &ret->v[n - 1] : NULL;
        if (!before || ret->v[i].first > before->last + gap)
            ret->v[n++] = ret->v[i];
        else if (ret->v[i].last > before->last)
            before->last = ret->v[i].last;
    }
    ret->n = n;
    return ST_OK;
}

struct filter_runs filter_runs_between(struct query_job *j, const struct filter_runs *runs,
                                       nanos from, nanos to)
{
    struct filter_runs in = {.v = arena_array(j->arena, struct filter_run, runs->n + 1),
                             .known = runs->known};
    for (size_t i = 0; i < runs->n; i++)
        if (runs->v[i].first < to && runs->v[i].last >= from) in.v[in.n++] = runs->v[i];
    return in;
}
