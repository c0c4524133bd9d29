/* /status/tsdb: what Prometheus tells of its head is told here of the series that had samples since
 * the beginning of yesterday (UTC); chunkCount is their days. */
#include "base/num.h"
#include "query/plan/promql_plan.h"
#include "query/prometheus_endpoints.h"
#include "query/prometheus_params.h"
#include "query/render/prometheus_json.h"

enum { DAY_MS = 86'400'000, LIMIT_DEFAULT = 10, LIMIT_MAX = 10000 };

struct counting {
    struct query_job *job;
    struct json_out *out; /* NULL: only the sum is wanted */
    uint64_t sum;
};

static status add_rows(void *ctx, const struct native_block *b, struct err *err)
{
    struct counting *c = ctx;
    const struct native_column *name = native_find(b, S("name")),
                               *number = native_find(b, S("number"));
    if (!name || !number)
        return err_set(err, ST_INTERNAL, ERR_NOPOS, "the store's answer lacks a column");
    for (uint64_t i = 0; i < b->rows; i++) {
        c->sum += native_u64(number, i);
        if (!c->out) continue;
        json_object(c->out);
        json_key(c->out, S("name"));
        json_str(c->out, native_str(name, i));
        json_key(c->out, S("value"));
        json_u64(c->out, native_u64(number, i));
        json_end(c->out);
    }
    return job_check(c->job, err);
}

static status count(struct query_job *j, enum promql_count what, uint64_t limit,
                    struct json_out *out, uint64_t *ret, struct err *err)
{
    struct counting c = {.job = j, .out = out};
    struct sql sql;
    int64_t now = j->now / NANOS_MS;
    sql_init(&sql, j->arena);
    promql_plan_count(&sql, what, now - DAY_MS, now, limit);
    TRY(fetch_rows(j->fetcher, &sql, add_rows, &c, err));
    if (ret) *ret = c.sum;
    return ST_OK;
}

static status list(struct query_job *j, struct json_out *out, str key, enum promql_count what,
                   uint64_t limit, struct err *err)
{
    json_key(out, key);
    json_array(out);
    TRY(count(j, what, limit, out, NULL, err));
    json_end(out);
    return ST_OK;
}

static void member(struct json_out *out, str key, uint64_t v)
{
    json_key(out, key);
    json_u64(out, v);
}

static status read_limit(const struct query_job *j, uint64_t *ret, struct err *err)
{
    str text = job_param(j, S("limit"));
    int64_t n = LIMIT_DEFAULT;
    if (text.len && (!num_parse_i64(text, &n) || n < 1))
        return err_set(err, ST_INVALID, 0, "limit must be a positive number");
    if (n > LIMIT_MAX) return err_set(err, ST_INVALID, 0, "limit must not exceed %d", LIMIT_MAX);
    *ret = (uint64_t)n;
    return ST_OK;
}

status prometheus_tsdb(struct query_job *j, struct err *err)
{
    static const struct {
        str key;
        enum promql_count what;
    } lists[] = {{{"seriesCountByMetricName", 23}, COUNT_BY_NAME},
                 {{"labelValueCountByLabelName", 26}, COUNT_VALUES},
                 {{"memoryInBytesByLabelName", 24}, COUNT_BYTES},
                 {{"seriesCountByLabelValuePair", 27}, COUNT_BY_PAIR}};
    uint64_t limit = 0, series = 0, pairs = 0, rows = 0;
    int64_t now = j->now / NANOS_MS;
    TRY(read_limit(j, &limit, err));
    TRY(count(j, COUNT_SERIES, 1, NULL, &series, err));
    TRY(count(j, COUNT_PAIRS, 1, NULL, &pairs, err));
    TRY(count(j, COUNT_DAYS, 1, NULL, &rows, err));
    struct json_out out = prometheus_begin(&j->body);
    json_object(&out);
    json_key(&out, S("headStats"));
    json_object(&out);
    member(&out, S("numSeries"), series);
    member(&out, S("numLabelPairs"), pairs);
    member(&out, S("chunkCount"), rows);
    member(&out, S("minTime"), (uint64_t)((now - DAY_MS) / DAY_MS * DAY_MS));
    member(&out, S("maxTime"), (uint64_t)now);
    json_end(&out);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        TRY(list(j, &out, lists[i].key, lists[i].what, limit, err));
    json_end(&out);
    prometheus_end(&out, NULL, NULL);
    return ST_OK;
}
