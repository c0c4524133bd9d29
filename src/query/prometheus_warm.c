/* The first questions after a start, which nobody asked: what the engine's code and its files of
 * metrics need to be read from disk for, is read before somebody waits for it. */
#include "query/api.h"
#include "query/ir/job.h"
#include "query/parse/parse.h"
#include "query/promql_reading.h"
#include "query/promql_store.h"

#include "query/eval/eval.h"
#include "query/fetch/fetch.h"

struct first_series {
    struct reading reading;
    struct labels labels;
    bool any;
};

static status take_series(void *ctx, const struct native_block *b, struct err *err)
{
    struct first_series *f = ctx;
    const struct native_column *name;
    const struct attr *attrs;
    struct arena *a = f->reading.arena;
    size_t n;
    if (!b->rows || f->any) return ST_OK;
    TRY(reading_column(b, "prometheus_name", &name, err));
    TRY(reading_attributes(&f->reading, b, "prometheus_labels", 0, &attrs, &n, err));
    f->labels = labels_set(a, reading_attr_labels(a, attrs, n), LABEL_NAME,
                           arena_str(a, native_str(name, 0)));
    f->any = true;
    return ST_OK;
}

/* `format` with the selector in the place of its %s. */
static status ask(struct query_job *j, const char *format, str selector, struct err *err)
{
    struct buf text;
    struct promql_expr *e;
    struct promql_store store;
    struct value v;
    struct notes notes = {.arena = j->arena};
    int64_t now = j->now / NANOS_MS;
    buf_init(&text, 1 << 20);
    buf_printf(&text, format, (int)selector.len, selector.ptr);
    str query = arena_str(j->arena, buf_str(&text));
    buf_done(&text);
    TRY(promql_parse(j->arena, query, (struct promql_options){}, &e, err));
    promql_store_init(&store, j);
    promql_store_starts_for(&store, e);
    struct promql_eval_options opt = {.grid = {now, 0, 1}, .start_ms = now, .end_ms = now};
    return promql_eval(j->arena, query, e, &opt, &store.source, &notes, &notes, &v, err);
}

static str selector_of(struct arena *a, struct labels l, bool name_only)
{
    struct label_matcher *m = arena_array(a, struct label_matcher, l.n + 1);
    struct buf b;
    uint32_t n = 0;
    buf_init(&b, 1 << 20);
    for (uint32_t i = 0; i < l.n; i++)
        if (!name_only || str_eq(l.list[i].name, LABEL_NAME))
            m[n++] = (struct label_matcher){
                .op = MATCH_EQUAL, .name = l.list[i].name, .value = l.list[i].value};
    const struct promql_expr e = {.kind = PROMQL_SELECTOR,
                                  .selector = {.matchers = m, .n_matchers = n}};
    promql_print(&b, &e);
    str text = arena_str(a, buf_str(&b));
    buf_done(&b);
    return text;
}

struct newest {
    uint64_t rows;
    int64_t hour; /* s */
};

static status take_newest(void *ctx, const struct native_block *b, struct err *err)
{
    struct newest *n = ctx;
    const struct native_column *rows, *hour;
    if (!b->rows) return ST_OK;
    TRY(reading_column(b, "number", &rows, err));
    TRY(reading_column(b, "hour", &hour, err));
    *n = (struct newest){native_u64(rows, 0), native_i64(hour, 0)};
    return ST_OK;
}

static status take_nothing(void *, const struct native_block *, struct err *) { return ST_OK; }

/* The newest hour there is, where its blocks have room: they stay with the engine for the queries
 * about its last minutes (docs/decisions/0040). */
static status read_newest_hour(struct query_job *j, struct err *err)
{
    struct newest newest = {};
    struct sql count, read;
    sql_init(&count, j->arena);
    sql_init(&read, j->arena);
    sql_add(&count, S("WITH (SELECT toStartOfHour(max(timestamp)) FROM otel_metrics) AS newest\n"
                      "SELECT count() AS number, toInt64(toUnixTimestamp(any(newest))) AS hour\n"
                      "FROM otel_metrics WHERE toStartOfHour(timestamp) = newest"));
    TRY(fetch_rows(j->fetcher, &count, take_newest, &newest, err));
    if (!newest.rows || newest.rows > PROMQL_KEPT_ROWS) return ST_OK;
    promql_plan_newest(&read, newest.hour);
    return fetch_rows(j->fetcher, &read, take_nothing, NULL, err);
}

status prometheus_warm_up(struct query_job *j, struct err *err)
{
    struct first_series first = {.reading = {.job = j, .arena = j->arena, .room = j->arena}};
    struct sql sql;
    sql_init(&sql, j->arena);
    sql_add(&sql, S("SELECT prometheus_name, prometheus_labels\nFROM otel_metric_series\nWHERE "
                    "day >= toDate("));
    sql_bind_time_ms(&sql, j->now / NANOS_MS - 24 * 3600 * 1000);
    sql_add(&sql, S(") AND type IN (1, 2) AND prometheus_name != ''\nLIMIT 1"));
    TRY(fetch_rows(j->fetcher, &sql, take_series, &first, err));
    if (!first.any) return ST_OK;
    str one = selector_of(j->arena, first.labels, false);
    TRY(ask(j, "stddev_over_time(%.*s[24h])", one, err)); /* of samples, not windows */
    TRY(ask(j, "sum(rate(%.*s[5m]))", selector_of(j->arena, first.labels, true), err));
    return read_newest_hour(j, err);
}
