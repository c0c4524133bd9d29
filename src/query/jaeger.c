/* Jaeger's v1 HTTP API: parse the parameters, plan SQL, fetch rows, make traces of them, render.
 *
 * Endpoints of a later generation (/api/v3) and of what is not stored (archive) are not here. */
#include "base/map.h"
#include "query/api.h"
#include "query/eval/trace_rows.h"
#include "query/filter_runs.h"
#include "query/jaeger_endpoints.h"
#include "query/plan/jaeger_plan.h"

enum {
    SLICES_MAX = 48,   /* time ranges in the WHERE of one statement */
    RUNS_AT_FIRST = 8, /* that a statement names, of the newest slice */
    RUNS_AT_ONCE = 64  /* of the rest */
};

/* --- answers */

static status fail(struct query_job *j, status st, const struct err *err)
{
    buf_clear(&j->body);
    j->http_status = (unsigned)status_http(st);
    if (st == ST_EXECUTION) j->http_status = 400; /* what Jaeger knows: 400, 404, 500, 501, 503 */
    jaeger_render_error(&j->body, j->http_status, (str){err->msg, strlen(err->msg)});
    return st;
}

/* Ends every handler: an error in Jaeger's form, or the body, indented when asked for. */
static status finish(struct query_job *j, status st, struct err *err)
{
    bool pretty = false;
    if (st == ST_OK) st = jaeger_flag(j, S("prettyPrint"), &pretty, err);
    if (st != ST_OK) return fail(j, st, err);
    if (!pretty) return ST_OK;
    struct buf plain = j->body;
    buf_init(&j->body, plain.max);
    j->body.over = plain.over;
    jaeger_pretty(&j->body, buf_str(&plain));
    buf_done(&plain);
    return ST_OK;
}

/* --- lists */

/* Rows of a name, and a kind or a second name and a count. */
struct name_rows {
    struct query_job *job;
    struct name_row {
        str name, second;
        uint64_t number;
    } * v;
    size_t n, cap;
    str columns[3]; /* name, second, number; an empty str: not there */
};

static status name_column(const struct native_block *b, str name, bool text,
                          const struct native_column **ret, struct err *err)
{
    *ret = NULL;
    if (!name.len) return ST_OK;
    *ret = native_find(b, name);
    if (!*ret || ((*ret)->kind == NATIVE_STRING) != text)
        return err_set(err, ST_INTERNAL, ERR_NOPOS,
                       "column " STR_FMT " is missing or has another type", STR_ARG(name));
    return ST_OK;
}

static status add_names(void *ctx, const struct native_block *b, struct err *err)
{
    struct name_rows *r = ctx;
    const struct native_column *name, *second, *number;
    TRY(name_column(b, r->columns[0], true, &name, err));
    TRY(name_column(b, r->columns[1], true, &second, err));
    TRY(name_column(b, r->columns[2], false, &number, err));
    struct arena *a = r->job->arena;
    for (uint64_t i = 0; i < b->rows; i++) {
        if (r->n == r->cap) {
            size_t cap = r->cap ? r->cap * 2 : 64;
            struct name_row *v = arena_array(a, struct name_row, cap);
            if (r->n) memcpy(v, r->v, r->n * sizeof *v);
            r->v = v;
            r->cap = cap;
        }
        r->v[r->n++] =
            (struct name_row){.name = arena_str(a, native_str(name, i)),
                              .second = second ? arena_str(a, native_str(second, i)) : (str){0},
                              .number = number ? native_u64(number, i) : 0};
    }
    return job_check(r->job, err);
}

static status run_services(struct query_job *j, struct err *err)
{
    struct sql sql;
    sql_init(&sql, j->arena);
    jaeger_plan_services(&sql);
    struct name_rows rows = {.job = j, .columns = {S("service_name")}};
    TRY(fetch_rows(j->fetcher, &sql, add_names, &rows, err));
    str *names = arena_array(j->arena, str, rows.n + 1);
    for (size_t i = 0; i < rows.n; i++) names[i] = trace_service_shown(rows.v[i].name);
    jaeger_render_names(&j->body, names, rows.n);
    return ST_OK;
}

static status fetch_operations(struct query_job *j, str service, int kind, struct name_rows *ret,
                               struct err *err)
{
    struct sql sql;
    sql_init(&sql, j->arena);
    jaeger_plan_operations(&sql, trace_service_stored(service), kind);
    *ret = (struct name_rows){.job = j, .columns = {S("span_name"), (str){0}, S("span_kind")}};
    return fetch_rows(j->fetcher, &sql, add_names, ret, err);
}

/* The names alone, each once: the rows come sorted by name. */
static status run_operation_names(struct query_job *j, struct err *err)
{
    struct name_rows rows;
    TRY(fetch_operations(j, j->segment, -1, &rows, err));
    str *names = arena_array(j->arena, str, rows.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < rows.n; i++)
        if (n == 0 || !str_eq(names[n - 1], rows.v[i].name)) names[n++] = rows.v[i].name;
    jaeger_render_names(&j->body, names, n);
    return ST_OK;
}

static status run_operations(struct query_job *j, struct err *err)
{
    str service = job_param(j, S("service")), kind = job_param(j, S("spanKind"));
    uint8_t k = 0;
    if (!service.len) return err_set(err, ST_INVALID, ERR_NOPOS, "parameter 'service' is required");
    if (!span_kind_parse(kind, &k))
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "unable to parse param 'spanKind': want internal, server, client, producer "
                       "or consumer");
    struct name_rows rows;
    TRY(fetch_operations(j, service, kind.len ? k : -1, &rows, err));
    struct trace_operation *ops = arena_array(j->arena, struct trace_operation, rows.n + 1);
    for (size_t i = 0; i < rows.n; i++)
        ops[i] =
            (struct trace_operation){.name = rows.v[i].name, .kind = (uint8_t)rows.v[i].number};
    jaeger_render_operations(&j->body, ops, rows.n);
    return ST_OK;
}

static status run_dependencies(struct query_job *j, struct err *err)
{
    struct jaeger_range range;
    TRY(jaeger_dependency_range(j, &range, err));
    struct sql sql;
    sql_init(&sql, j->arena);
    jaeger_plan_dependencies(&sql, range.start, range.end);
    struct name_rows rows = {.job = j, .columns = {S("parent"), S("child"), S("calls")}};
    TRY(fetch_rows(j->fetcher, &sql, add_names, &rows, err));
    str service = job_param(j, S("service")); /* only edges that touch it */
    struct trace_dependency *deps = arena_array(j->arena, struct trace_dependency, rows.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < rows.n; i++) {
        struct trace_dependency d = {.parent = trace_service_shown(rows.v[i].name),
                                     .child = trace_service_shown(rows.v[i].second),
                                     .calls = rows.v[i].number};
        if (!service.len || str_eq(service, d.parent) || str_eq(service, d.child)) deps[n++] = d;
    }
    jaeger_render_dependencies(&j->body, deps, n);
    return ST_OK;
}

/* --- traces */

struct hour_rows {
    struct query_job *job;
    int64_t *v;
    size_t n, cap;
};

static void add_hour(struct hour_rows *r, int64_t hour)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        int64_t *v = arena_array(r->job->arena, int64_t, cap);
        if (r->n) memcpy(v, r->v, r->n * sizeof *v);
        r->v = v;
        r->cap = cap;
    }
    r->v[r->n++] = hour;
}

static status add_hours(void *ctx, const struct native_block *b, struct err *err)
{
    struct hour_rows *r = ctx;
    const struct native_column *hour;
    TRY(name_column(b, S("hour"), false, &hour, err));
    for (uint64_t i = 0; i < b->rows; i++) add_hour(r, native_i64(hour, i));
    return job_check(r->job, err);
}

static status add_spans(void *ctx, const struct native_block *b, struct err *err)
{
    return trace_rows_add(ctx, b, err);
}

/* Whole traces: where the index says they have spans, within the hint. */
static status fetch_traces(struct query_job *j, const struct trace_id *ids, size_t n,
                           const struct jaeger_range *hint, const struct trace **ret, size_t *ret_n,
                           struct err *err)
{
    *ret_n = 0;
    if (n == 0) return ST_OK;
    struct sql sql;
    sql_init(&sql, j->arena);
    jaeger_plan_hours(&sql, ids, n);
    struct hour_rows hours = {.job = j};
    TRY(fetch_rows(j->fetcher, &sql, add_hours, &hours, err));
    size_t kept = 0;
    for (size_t i = 0; i < hours.n; i++) {
        nanos from = hours.v[i] * NANOS_S;
        if (from + NANOS_HOUR > hint->start && from <= hint->end) hours.v[kept++] = hours.v[i];
    }
    struct time_slice slices[SLICES_MAX];
    size_t n_slices = jaeger_hour_slices(hours.v, kept, slices, SLICES_MAX);
    if (n_slices == 0) return ST_OK;

    bool raw;
    TRY(jaeger_flag(j, S("raw"), &raw, err));
    sql_init(&sql, j->arena);
    jaeger_plan_spans(&sql, ids, n, slices, n_slices);
    struct trace_rows rows;
    trace_rows_init(&rows, j->arena);
    TRY(fetch_rows(j->fetcher, &sql, add_spans, &rows, err));
    *ret_n = trace_rows_traces(&rows, ids, n, !raw, ret);
    return ST_OK;
}

static const struct jaeger_range anywhere = {INT64_MIN, INT64_MAX};

static status run_trace(struct query_job *j, struct err *err)
{
    struct trace_id id;
    struct jaeger_range hint;
    if (!trace_id_parse(j->segment, &id))
        return err_set(err, ST_INVALID, ERR_NOPOS, "malformed trace id: want up to 32 hex digits");
    TRY(jaeger_hint(j, &hint, err));
    const struct trace *trace;
    size_t n;
    TRY(fetch_traces(j, &id, 1, &hint, &trace, &n, err));
    if (n == 0) return err_set(err, ST_NOT_FOUND, ERR_NOPOS, "trace not found");
    jaeger_render_traces(&j->body, j->arena, trace, n, NULL, 0);
    return ST_OK;
}

static status run_traces_by_id(struct query_job *j, const struct trace_id *ids, size_t n,
                               struct err *err)
{
    const struct trace *traces;
    size_t n_traces, n_missing = 0;
    TRY(fetch_traces(j, ids, n, &anywhere, &traces, &n_traces, err));
    struct trace_id *missing = arena_array(j->arena, struct trace_id, n);
    for (size_t i = 0, t = 0; i < n; i++) { /* the traces come in the order of the ids */
        if (t < n_traces && trace_id_eq(&traces[t].id, &ids[i]))
            t++;
        else
            missing[n_missing++] = ids[i];
    }
    jaeger_render_traces(&j->body, j->arena, traces, n_traces, missing, n_missing);
    return ST_OK;
}

/* Trace ids found so far, newest first. */
struct found {
    struct query_job *job;
    struct trace_id *ids;
    size_t n, max;
    struct map seen;
};

static bool same_id(const void *ctx, uint32_t i)
{
    const struct found *f = ((const void *const *)ctx)[0];
    return trace_id_eq(&f->ids[i], ((const void *const *)ctx)[1]);
}

static status add_found(void *ctx, const struct native_block *b, struct err *err)
{
    struct found *f = ctx;
    const struct native_column *id = native_find(b, S("trace_id"));
    if (!id || id->kind != NATIVE_FIXED || id->width != 16)
        return err_set(err, ST_INTERNAL, ERR_NOPOS,
                       "column trace_id is missing or has another type");
    for (uint64_t i = 0; i < b->rows && f->n < f->max; i++) {
        struct trace_id one;
        memcpy(one.bytes, native_str(id, i).ptr, sizeof one.bytes);
        uint32_t at, hash = trace_id_hash(&one);
        if (map_find(&f->seen, hash, same_id, (const void *[]){f, &one}, &at)) continue;
        map_add(&f->seen, hash, (uint32_t)f->n);
        f->ids[f->n++] = one;
    }
    return job_check(f->job, err);
}

static status search_in(struct found *f, const struct trace_search *q,
                        const struct time_slice *slice, const struct filter_run *runs, size_t n,
                        struct err *err)
{
    struct sql *sql = arena_new(f->job->arena, struct sql);
    sql_init(sql, f->job->arena);
    jaeger_plan_search(sql, q, slice, runs, n);
    return fetch_rows(f->job->fetcher, sql, add_found, f, err);
}

/* What is common is in the newest slice. For what is rare the filters tell which runs of rows may
 * hold it, of that slice and then of all the rest: few enough are named, and of more the slices
 * that have any are read. */
static status search_slices(struct found *f, const struct trace_search *q, struct err *err)
{
    struct time_slice slice = {0};
    struct filter_runs runs = {0};
    for (unsigned i = 0; f->n < f->max && jaeger_next_slice(q, &slice); i++) {
        size_t few = i ? RUNS_AT_ONCE : RUNS_AT_FIRST;
        if (i < 2)
            TRY(filter_runs_of_spans(f->job, q, i ? q->start : slice.from, slice.to, &runs, err));
        if (i && runs.known && runs.n <= few) slice.from = q->start;
        struct filter_runs in = filter_runs_between(f->job, &runs, slice.from, slice.to);
        if (runs.known && !in.n) continue;
        TRY(search_in(f, q, &slice, in.v, in.n <= few ? in.n : 0, err));
    }
    return ST_OK;
}

static status run_search(struct query_job *j, struct err *err)
{
    struct trace_search q;
    TRY(jaeger_search(j, &q, err));
    struct found f = {
        .job = j, .max = q.limit, .ids = arena_array(j->arena, struct trace_id, q.limit)};
    map_init(&f.seen, j->arena, 64);
    TRY(search_slices(&f, &q, err));
    const struct trace *traces = NULL;
    size_t n;
    TRY(fetch_traces(j, f.ids, f.n, &anywhere, &traces, &n, err));
    jaeger_render_traces(&j->body, j->arena, traces, n, NULL, 0);
    return ST_OK;
}

static status run_traces(struct query_job *j, struct err *err)
{
    const struct trace_id *ids;
    size_t n;
    TRY(jaeger_trace_ids(j, &ids, &n, err));
    return n ? run_traces_by_id(j, ids, n, err) : run_search(j, err);
}

/* --- the table */

#define HANDLER(name)                                              \
    static status get_##name(struct query_job *j, struct err *err) \
    {                                                              \
        return finish(j, run_##name(j, err), err);                 \
    }
HANDLER(services)
HANDLER(operation_names)
HANDLER(operations)
HANDLER(traces)
HANDLER(trace)
HANDLER(dependencies)

static status get_metrics(struct query_job *j, struct err *err)
{
    return finish(j, jaeger_metrics(j, err), err);
}

const struct query_route jaeger_routes[] = {
    {"GET", "/api/services", get_services, QUERY_JAEGER},
    {"GET", "/api/services/{}/operations", get_operation_names, QUERY_JAEGER},
    {"GET", "/api/operations", get_operations, QUERY_JAEGER},
    {"GET", "/api/traces", get_traces, QUERY_JAEGER},
    {"GET", "/api/traces/{}", get_trace, QUERY_JAEGER},
    {"GET", "/api/dependencies", get_dependencies, QUERY_JAEGER},
    {"GET", "/api/metrics/{}", get_metrics, QUERY_JAEGER},
    {0},
};
