#include "query/plan/promql_plan.h"

bool promql_scope_clamp(struct promql_scope *s)
{
    int64_t max = (int64_t)PROMQL_TIME_MAX * 1000;
    if (s->to_ms < 0 || s->from_ms > max || s->from_ms > s->to_ms) return false;
    if (s->from_ms < 0) s->from_ms = 0;
    if (s->to_ms > max) s->to_ms = max;
    return true;
}

static bool ends_with(str s, str tail)
{
    return s.len > tail.len && memcmp(s.ptr + s.len - tail.len, tail.ptr, tail.len) == 0;
}

/* __name__="x": the series called x, and the histogram or summary that x is a part of. */
static void name_is(struct sql *q, str name)
{
    static const struct {
        str tail;
        const char *types;
    } parts[] = {{{"_bucket", 7}, "type = 3"},
                 {{"_count", 6}, "type IN (3, 5)"},
                 {{"_sum", 4}, "type IN (3, 5)"}};
    sql_add(q, S("(prometheus_name = "));
    sql_bind_str(q, name);
    sql_add(q, S(" AND type IN (1, 2, 4, 5)"));
    for (size_t i = 0; i < 3; i++) {
        if (!ends_with(name, parts[i].tail)) continue;
        sql_add(q, S(" OR prometheus_name = "));
        sql_bind_str(q, (str){name.ptr, name.len - parts[i].tail.len});
        sql_addf(q, " AND %s", parts[i].types);
    }
    sql_add(q, S(")"));
}

static void bind_regex(struct sql *q, str pattern)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_add(&b, S("^(?s:"));
    buf_add(&b, pattern);
    buf_add(&b, S(")$"));
    sql_bind_str(q, buf_str(&b));
    buf_done(&b);
}

/* expression <op> value, as a label matcher means it */
static void condition(struct sql *q, const struct label_matcher *m,
                      void (*left)(struct sql *q, const void *ctx), const void *ctx)
{
    bool regex = m->op >= MATCH_REGEX;
    if (m->op == MATCH_NOT_REGEX) sql_add(q, S("NOT "));
    if (regex) sql_add(q, S("match("));
    left(q, ctx);
    sql_add(q, regex ? S(", ") : m->op == MATCH_EQUAL ? S(" = ") : S(" != "));
    if (regex)
        bind_regex(q, m->value);
    else
        sql_bind_str(q, m->value);
    if (regex) sql_add(q, S(")"));
}

static void name_with(struct sql *q, const void *tail)
{
    if (*(const char *)tail)
        sql_addf(q, "concat(prometheus_name, '%s')", (const char *)tail);
    else
        sql_add(q, S("prometheus_name"));
}

/* Any other matcher of __name__: at least one of the names fits. */
static void name_fits(struct sql *q, const struct label_matcher *m)
{
    static const char *const tails[] = {"", "_bucket", "_count", "_sum"};
    static const char *const types[] = {"type IN (1, 2, 4, 5)", "type = 3", "type IN (3, 5)",
                                        "type IN (3, 5)"};
    sql_add(q, S("("));
    for (int i = 0; i < 4; i++) {
        if (i) sql_add(q, S(" OR "));
        sql_addf(q, "%s AND ", types[i]);
        condition(q, m, name_with, tails[i]);
    }
    sql_add(q, S(")"));
}

static void label_of(struct sql *q, const void *name)
{
    sql_add(q, S("prometheus_labels["));
    sql_bind_str(q, *(const str *)name);
    sql_add(q, S("]"));
}

static void matchers(struct sql *q, const struct promql_scope *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        const struct label_matcher *m = &s->matchers[i];
        if (str_eq(m->name, S("le")) || str_eq(m->name, S("quantile")))
            continue; /* made when read */
        sql_add(q, S("\n  AND "));
        if (!str_eq(m->name, LABEL_NAME))
            condition(q, m, label_of,
                      &m->name); /* an absent key reads as '', which is what an absent label is */
        else if (m->op == MATCH_EQUAL)
            name_is(q, m->value);
        else
            name_fits(q, m);
    }
}

void promql_plan_series(struct sql *q, const struct promql_scope *s, uint64_t limit)
{
    sql_add(q, S("SELECT series_id, prometheus_name, prometheus_labels, metric_name, type, "
                 "temporality, explicit_bounds\n"
                 "FROM otel_metric_series\nWHERE day >= toDate("));
    sql_bind_time_ms(q, s->from_ms);
    sql_add(q, S(") AND day <= toDate("));
    sql_bind_time_ms(q, s->to_ms);
    sql_add(q, S(")"));
    matchers(q, s);
    sql_add(q, S("\nORDER BY series_id\nLIMIT 1 BY series_id\nLIMIT "));
    sql_bind_u64(q, limit);
}

void promql_plan_samples(struct sql *q, const struct promql_scope *s, const str *metric_names,
                         uint32_t n_names, const uint64_t *ids, uint32_t n_ids,
                         struct promql_sample_columns c)
{
    sql_add(q, S("SELECT series_id, toUnixTimestamp64Milli(timestamp) AS t, flags, present"));
    if (c.value) sql_add(q, S(", value"));
    if (c.histogram || c.native || c.summary) sql_add(q, S(", count, sum"));
    if (c.histogram) sql_add(q, S(", bucket_counts"));
    if (c.native)
        sql_add(q, S(", scale, zero_count, zero_threshold, positive_offset, positive_counts, "
                     "negative_offset, negative_counts"));
    if (c.summary) sql_add(q, S(", quantiles, quantile_values"));
    /* Hours and names find the place by the table's key; ids and times decide. */
    sql_add(q,
            S("\nFROM otel_metrics\nWHERE indexHint(toStartOfHour(timestamp) >= toStartOfHour("));
    sql_bind_time_ms(q, s->from_ms);
    sql_add(q, S(") AND toStartOfHour(timestamp) <= toStartOfHour("));
    sql_bind_time_ms(q, s->to_ms);
    sql_add(q, S(") AND metric_name IN "));
    sql_bind_strs(q, metric_names, n_names);
    sql_add(q, S(")\n  AND timestamp >= "));
    sql_bind_time_ms(q, s->from_ms);
    sql_add(q, S(" AND timestamp <= "));
    sql_bind_time_ms(q, s->to_ms);
    sql_add(q, S("\n  AND series_id IN "));
    sql_bind_u64s(q, ids, n_ids);
    if (c.native) sql_add(q, S("\nORDER BY series_id, timestamp"));
}

void promql_plan_horizon(struct sql *q)
{
    sql_add(q, S("SELECT rollup, toUnixTimestamp(max(source_since)) AS since\nFROM weir_rollups\n"
                 "WHERE rollup IN ('metrics_5m', 'metrics_1h')\nGROUP BY `rollup`"));
}

void promql_plan_windows(struct sql *q, const struct promql_scope *s, bool coarse,
                         const str *metric_names, uint32_t n_names, const uint64_t *ids,
                         uint32_t n_ids, struct promql_sample_columns c)
{
    sql_add(q, S("SELECT series_id, toUnixTimestamp(time) * 1000 AS t, flags, present, samples,\n"
                 "  toUnixTimestamp64Milli(first_timestamp) AS first_t, "
                 "toUnixTimestamp64Milli(last_timestamp) AS last_t,\n"
                 "  min, max, sum, first, last, increase"));
    if (c.histogram || c.summary) sql_add(q, S(", first_count, last_count, count_increase"));
    if (c.histogram) sql_add(q, S(", first_le, last_le, le_increase"));
    if (c.native)
        sql_add(q, S(",\n  last_count AS count, last_exponential.scale AS scale, "
                     "last_exponential.zero_count AS zero_count,\n"
                     "  last_exponential.zero_threshold AS zero_threshold,\n"
                     "  last_exponential.positive_offset AS positive_offset, "
                     "last_exponential.positive_counts AS positive_counts,\n"
                     "  last_exponential.negative_offset AS negative_offset, "
                     "last_exponential.negative_counts AS negative_counts"));
    if (c.summary) sql_add(q, S(", quantiles, quantile_values"));
    sql_addf(q, "\nFROM otel_metrics_%s\nWHERE time > toDateTime(", coarse ? "1h" : "5m");
    sql_bind_time_ms(q, s->from_ms);
    sql_add(q, S(") AND time <= toDateTime("));
    sql_bind_time_ms(q, s->to_ms);
    sql_add(q, S(")\n  AND metric_name IN "));
    sql_bind_strs(q, metric_names, n_names);
    sql_add(q, S("\n  AND series_id IN "));
    sql_bind_u64s(q, ids, n_ids);
    sql_add(q, S("\nORDER BY series_id, time, version"));
}

void promql_plan_exemplars(struct sql *q, const struct promql_scope *s, const str *metric_names,
                           uint32_t n_names, const uint64_t *ids, uint32_t n_ids, uint64_t limit)
{
    sql_add(q, S("SELECT series_id, toUnixTimestamp64Milli(timestamp) AS t, value AS number, "
                 "trace_id, span_id, attributes\nFROM otel_metric_exemplars\nWHERE timestamp >= "));
    sql_bind_time_ms(q, s->from_ms);
    sql_add(q, S(" AND timestamp < "));
    sql_bind_time_ms(q, s->to_ms + 1);
    sql_add(q, S("\n  AND metric_name IN "));
    sql_bind_strs(q, metric_names, n_names);
    sql_add(q, S("\n  AND series_id IN "));
    sql_bind_u64s(q, ids, n_ids);
    sql_add(q, S("\nORDER BY series_id, timestamp\nLIMIT "));
    sql_bind_u64(q, limit);
}

void promql_plan_metadata(struct sql *q, str metric)
{
    sql_add(q, S("SELECT prometheus_name, type, max(monotonic) AS is_monotonic, max(description) "
                 "AS help, max(unit) AS "
                 "units\nFROM otel_metric_series"));
    if (metric.len) {
        sql_add(q, S("\nWHERE prometheus_name = "));
        sql_bind_str(q, metric);
    }
    sql_add(q, S("\nGROUP BY prometheus_name, type\nORDER BY prometheus_name, type"));
}
