/* /metadata: type, help and unit of the metrics, by the names they have in PromQL. */
#include <stdlib.h>

#include "query/plan/promql_plan.h"
#include "query/prometheus_endpoints.h"
#include "query/prometheus_params.h"
#include "query/promql_reading.h"
#include "query/render/prometheus_json.h"

struct entry {
    str name, type, help, unit;
};

struct metadata {
    struct query_job *job;
    const struct prometheus_naming *naming;
    str metric; /* empty: all */
    struct entry *list;
    uint32_t n, cap;
    bool any_target;
};

static void add(struct metadata *m, struct entry e)
{
    if (!e.name.len || (m->metric.len && !str_eq(e.name, m->metric))) return;
    if (m->n == m->cap) {
        uint32_t cap = m->cap * 2 + 64;
        struct entry *list = arena_array(m->job->arena, struct entry, cap);
        if (m->n) memcpy(list, m->list, m->n * sizeof *list);
        m->list = list;
        m->cap = cap;
    }
    m->list[m->n++] = e;
}

static str type_name(uint64_t type, bool monotonic)
{
    static const str names[] = {S("unknown"),   S("gauge"),     S("counter"),
                                S("histogram"), S("histogram"), S("summary")};
    if (type == STORED_SUM && !monotonic) return names[STORED_GAUGE];
    return names[type < sizeof names / sizeof *names ? type : 0];
}

static status add_metrics(void *ctx, const struct native_block *b, struct err *err)
{
    struct metadata *m = ctx;
    struct arena *a = m->job->arena;
    struct name_columns c;
    const struct native_column *help;
    TRY(reading_name_columns(b, &c, err));
    TRY(reading_column(b, "help", &help, err));
    for (uint64_t i = 0; i < b->rows; i++) {
        str unit = arena_str(a, native_str(c.unit, i));
        bool verbatim = native_u64(c.verbatim, i);
        add(m, (struct entry){.name = reading_name(a, m->naming, &c, i),
                              .type = type_name(native_u64(c.type, i), native_u64(c.monotonic, i)),
                              .help = arena_str(a, native_str(help, i)),
                              .unit = verbatim ? unit : prometheus_unit_name(a, unit)});
    }
    return job_check(m->job, err);
}

static status see_target(void *ctx, const struct native_block *b, struct err *)
{
    ((struct metadata *)ctx)->any_target |= b->rows > 0;
    return ST_OK;
}

static status read_all(struct metadata *m, struct err *err)
{
    struct sql sql;
    sql_init(&sql, m->job->arena);
    promql_plan_metadata(&sql, m->naming, m->metric);
    TRY(fetch_rows(m->job->fetcher, &sql, add_metrics, m, err));
    struct promql_scope ever = {.from_ms = 0, .to_ms = (int64_t)PROMQL_TIME_MAX * 1000};
    sql_init(&sql, m->job->arena);
    promql_plan_resources(&sql, &ever, 1);
    TRY(fetch_rows(m->job->fetcher, &sql, see_target, m, err));
    if (m->any_target)
        add(m, (struct entry){S("target_info"), S("gauge"), S("Target metadata"), S("")});
    return ST_OK;
}

static int by_name(const void *x, const void *y)
{
    const struct entry *a = x, *b = y;
    int c = str_compare(a->name, b->name);
    if (!c) c = str_compare(a->type, b->type);
    if (!c) c = str_compare(a->help, b->help);
    return c ? c : str_compare(a->unit, b->unit);
}

static void member(struct json_out *out, str key, str value)
{
    json_key(out, key);
    json_str(out, value);
}

/* limit 0 is none of them, as there; per_metric 0 is all. */
static void render(struct json_out *out, const struct metadata *m, int64_t limit,
                   int64_t per_metric)
{
    int64_t names = 0;
    json_object(out);
    for (uint32_t i = 0, to; i < m->n && (limit < 0 || names < limit); i = to, names++) {
        int64_t n = 0;
        json_key(out, m->list[i].name);
        json_array(out);
        for (to = i; to < m->n && str_eq(m->list[to].name, m->list[i].name); to++) {
            const struct entry *e = &m->list[to];
            if ((to > i && by_name(e - 1, e) == 0) || (per_metric > 0 && n++ >= per_metric))
                continue;
            json_object(out);
            member(out, S("type"), e->type);
            member(out, S("help"), e->help);
            member(out, S("unit"), e->unit);
            json_end(out);
        }
        json_end(out);
    }
    json_end(out);
}

status prometheus_metadata(struct query_job *j, struct err *err)
{
    int64_t limit, per_metric;
    struct metadata m = {.job = j,
                         .naming = reading_naming(&(struct reading){.job = j}),
                         .metric = job_param(j, S("metric"))};
    TRY(prometheus_number_param(j, S("limit"), &limit, err));
    TRY(prometheus_number_param(j, S("limit_per_metric"), &per_metric, err));
    TRY(read_all(&m, err));
    if (m.n) qsort(m.list, m.n, sizeof *m.list, by_name);
    struct json_out out = prometheus_begin(&j->body);
    render(&out, &m, limit, per_metric);
    prometheus_end(&out, NULL, NULL);
    return ST_OK;
}
