#include "query/plan/jaeger_plan.h"

#include <stdlib.h>

#include "base/hex.h"

/* --- slices */

/* Five minutes first: parts that are not merged yet hold a few minutes each, and a search of what
 * is common ends there. Then twice as much each time. */
bool jaeger_next_slice(const struct trace_search *q, struct time_slice *s)
{
    int64_t width = 300 * NANOS_S;
    if (s->to == 0) {
        if (q->start > q->end) return false;
        s->to = q->end == INT64_MAX ? q->end : q->end + 1;
    } else {
        if (s->from <= q->start) return false;
        width = (s->to - s->from) * 2;
        s->to = s->from;
    }
    s->from = s->to > width ? s->to - width : 0;
    if (s->from < q->start) s->from = q->start;
    return true;
}

static int compare_i64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

size_t jaeger_hour_slices(int64_t *hours, size_t n, struct time_slice *out, size_t max)
{
    if (n == 0 || max == 0) return 0;
    qsort(hours, n, sizeof *hours, compare_i64);
    /* The widest gap that may be closed: doubled until few enough runs remain. */
    for (int64_t gap = 3600;; gap *= 2) {
        size_t runs = 1;
        for (size_t i = 1; i < n; i++) runs += hours[i] - hours[i - 1] > gap;
        if (runs > max) continue;
        size_t k = 0;
        for (size_t i = 0; i < n; i++) {
            if (i == 0 || hours[i] - hours[i - 1] > gap) out[k++].from = hours[i] * NANOS_S;
            out[k - 1].to = (hours[i] + 3600) * NANOS_S;
        }
        return k;
    }
}

static void between(struct sql *sql, const struct time_slice *s)
{
    sql_add(sql, S("timestamp >= "));
    sql_bind_time_ns(sql, s->from);
    sql_add(sql, S(" AND timestamp < "));
    sql_bind_time_ns(sql, s->to);
}

/* --- search */

/* A tag's key and value are bound where they are first named. */
struct tag_params {
    const struct trace_tag *tag;
    uint32_t key_1, value_1; /* number of the parameter + 1 */
};

static void put(struct sql *sql, str text, uint32_t *number_1)
{
    if (*number_1)
        sql_addf(sql, "{p%u:String}", *number_1 - 1);
    else
        sql_bind_str(sql, text);
    if (!*number_1) *number_1 = sql->n_params;
}

static void put_key(struct sql *sql, struct tag_params *t) { put(sql, t->tag->key, &t->key_1); }
static void put_value(struct sql *sql, struct tag_params *t)
{
    put(sql, t->tag->value, &t->value_1);
}

/* A key of a map equals a value; an empty value must not match a missing key. */
static void map_has(struct sql *sql, const char *map, struct tag_params *t)
{
    bool empty = t->tag->value.len == 0;
    if (empty) {
        sql_addf(sql, "(mapContains(%s, ", map);
        put_key(sql, t);
        sql_add(sql, S(") AND "));
    }
    sql_addf(sql, "%s[", map);
    put_key(sql, t);
    sql_add(sql, S("] = "));
    put_value(sql, t);
    if (empty) sql_add(sql, S(")"));
}

static void any_map_has(struct sql *sql, const char *maps, struct tag_params *t)
{
    sql_add(sql, S("\n    OR arrayExists(m -> "));
    map_has(sql, "m", t);
    sql_addf(sql, ", %s)", maps);
}

static void or_column_is(struct sql *sql, const char *column, struct tag_params *t)
{
    sql_addf(sql, "\n    OR %s = ", column);
    put_value(sql, t);
}

/* Tags that Jaeger derives from a span's own members; the render stage shows them under the same
 * names. */
static void derived_tag(struct sql *sql, struct tag_params *t)
{
    str key = t->tag->key, value = t->tag->value;
    uint8_t kind;
    if (value.len == 0) return; /* there is no such tag when its member is empty */
    if (str_eq(key, S("error"))) {
        if (str_eq(value, S("true"))) sql_addf(sql, "\n    OR status_code = %d", SPAN_STATUS_ERROR);
    } else if (str_eq(key, S("span.kind"))) {
        if (span_kind_parse(value, &kind)) sql_addf(sql, "\n    OR span_kind = %d", kind);
    } else if (str_eq(key, S("otel.status_code"))) {
        if (str_eq(value, S("OK"))) sql_addf(sql, "\n    OR status_code = %d", SPAN_STATUS_OK);
        if (str_eq(value, S("ERROR")))
            sql_addf(sql, "\n    OR status_code = %d", SPAN_STATUS_ERROR);
    } else if (str_eq(key, S("otel.scope.name")) || str_eq(key, S("otel.library.name"))) {
        or_column_is(sql, "scope_name", t);
    } else if (str_eq(key, S("otel.scope.version")) || str_eq(key, S("otel.library.version"))) {
        or_column_is(sql, "scope_version", t);
    } else if (str_eq(key, S("otel.status_description"))) {
        or_column_is(sql, "status_message", t);
    } else if (str_eq(key, S("w3c.tracestate"))) {
        or_column_is(sql, "trace_state", t);
    } else if (str_eq(key, S("event"))) {
        sql_add(sql, S("\n    OR has(`events.name`, "));
        put_value(sql, t);
        sql_add(sql, S(")"));
    }
}

static void tag(struct sql *sql, const struct trace_tag *one)
{
    struct tag_params t = {.tag = one};
    sql_add(sql, S("\n  AND ("));
    map_has(sql, "span_attributes", &t);
    sql_add(sql, S("\n    OR "));
    map_has(sql, "resource_attributes", &t);
    sql_add(sql, S("\n    OR "));
    map_has(sql, "scope_attributes", &t);
    any_map_has(sql, "`events.attributes`", &t);
    any_map_has(sql, "`links.attributes`", &t);
    derived_tag(sql, &t);
    sql_add(sql, S(")"));
}

/* Of a map whose every entry is read anyway, m[key] is found faster in it than as a column of its
 * own (decisions/0026). The projection by service would be read beside the runs and leave out
 * nothing. */
static void search_settings(struct sql *sql, bool tags, bool runs)
{
    if (tags) sql_add(sql, S("\nSETTINGS optimize_functions_to_subcolumns = 0"));
    if (runs) sql_addf(sql, "%s optimize_use_projections = 0", tags ? "," : "\nSETTINGS");
}

/* The runs come first, and the engine looks at them first: it reads attributes of granules that
 * have rows in one. */
void jaeger_plan_search(struct sql *sql, const struct trace_search *q,
                        const struct time_slice *slice, const struct filter_run *runs, size_t n)
{
    sql_add(sql, S("SELECT trace_id, max(timestamp) AS newest\nFROM otel_traces\nWHERE "));
    between(sql, slice);
    if (n) filter_add_runs(sql, runs, n, true);
    sql_add(sql, S("\n  AND service_name = "));
    sql_bind_str(sql, q->service);
    if (q->operation.ptr) {
        sql_add(sql, S("\n  AND span_name = "));
        sql_bind_str(sql, q->operation);
    }
    if (q->min_duration) {
        sql_add(sql, S("\n  AND duration_ns >= "));
        sql_bind_i64(sql, q->min_duration);
    }
    if (q->max_duration) {
        sql_add(sql, S("\n  AND duration_ns <= "));
        sql_bind_i64(sql, q->max_duration);
    }
    for (size_t i = 0; i < q->n_tags; i++) tag(sql, &q->tags[i]);
    sql_add(sql, S("\nGROUP BY trace_id\nORDER BY newest DESC, trace_id\nLIMIT "));
    sql_bind_u64(sql, q->limit);
    search_settings(sql, q->n_tags > 0, n > 0);
}

/* --- whole traces */

void jaeger_plan_hours(struct sql *sql, const struct trace_id *ids, size_t n)
{
    uint64_t *hashes = arena_array(sql->arena, uint64_t, n + 1);
    for (size_t i = 0; i < n; i++) hashes[i] = trace_id_hash(&ids[i]);
    sql_add(sql, S("SELECT DISTINCT hour\nFROM otel_trace_index\nWHERE trace_hash IN "));
    sql_bind_u64s(sql, hashes, n);
}

void jaeger_plan_spans(struct sql *sql, const struct trace_id *ids, size_t n,
                       const struct time_slice *in, size_t n_in)
{
    str *hex = arena_array(sql->arena, str, n + 1);
    for (size_t i = 0; i < n; i++) {
        char *text = arena_alloc(sql->arena, 32, 1);
        hex_encode(ids[i].bytes, 16, text);
        hex[i] = (str){text, 32};
    }
    sql_add(
        sql,
        S("SELECT trace_id, span_id, parent_span_id, timestamp, duration_ns, span_name, span_kind, "
          "status_code, status_message,\n  trace_state, flags, service_name, scope_name, "
          "scope_version, resource_attributes, resource_attribute_types,\n  span_attributes, "
          "span_attribute_types, `events.timestamp`, `events.name`, `events.attributes`,\n  "
          "`events.attribute_types`, `links.trace_id`, `links.span_id`, `links.attributes`, "
          "`links.attribute_types`\nFROM otel_traces\nWHERE trace_id IN (SELECT "
          "toFixedString(unhex(arrayJoin("));
    sql_bind_strs(sql, hex, n);
    sql_add(sql, S(")), 16))\n  AND ("));
    for (size_t i = 0; i < n_in; i++) {
        if (i) sql_add(sql, S(" OR "));
        between(sql, &in[i]);
    }
    if (n_in == 0) sql_add(sql, S("0"));
    sql_add(sql, S(")"));
}

/* --- catalogue and dependencies */

void jaeger_plan_services(struct sql *sql)
{
    sql_add(sql, S("SELECT DISTINCT service_name\nFROM otel_span_names\nORDER BY service_name"));
}

void jaeger_plan_operations(struct sql *sql, str service, int kind)
{
    sql_add(sql,
            S("SELECT DISTINCT span_name, span_kind\nFROM otel_span_names\nWHERE service_name = "));
    sql_bind_str(sql, service);
    if (kind >= 0) {
        sql_add(sql, S(" AND span_kind = "));
        sql_bind_u64(sql, (uint64_t)kind);
    }
    sql_add(sql, S("\nORDER BY span_name, span_kind"));
}

/* A call is a span whose parent belongs to another service; ids of both lie in the range. */
void jaeger_plan_dependencies(struct sql *sql, nanos from, nanos to)
{
    const struct time_slice range = {from, to};
    sql_add(
        sql,
        S("SELECT parent.service_name AS parent, child.service_name AS child, count() AS calls\n"
          "FROM (SELECT DISTINCT trace_id, span_id, parent_span_id, service_name FROM otel_traces "
          "WHERE "));
    between(sql, &range);
    sql_add(
        sql,
        S(" AND parent_span_id != toFixedString('', 8)) AS child\n"
          "INNER JOIN (SELECT DISTINCT trace_id, span_id, service_name FROM otel_traces WHERE "));
    between(sql, &range);
    sql_add(sql, S(") AS parent\n  ON child.trace_id = parent.trace_id AND child.parent_span_id = "
                   "parent.span_id\nWHERE parent.service_name != child.service_name\n"
                   "GROUP BY parent, child\nORDER BY parent, child"));
}

/* --- rate, errors, durations */

/* A row of five minutes counts for every point whose seconds hold it. */
static void red_points(struct sql *sql, const struct trace_red_query *q)
{
    sql_addf(sql,
             "arrayJoin(range(if(at < 0, 0, intDiv(at, %1$lld) + 1), least(%2$u, intDiv(at + "
             "%3$lld, %1$lld) + 1)))",
             (long long)q->step, q->n, (long long)q->rate_s);
}

void jaeger_plan_red(struct sql *sql, const struct trace_red_query *q)
{
    int64_t from = q->start - q->rate_s, to = q->start + (int64_t)(q->n - 1) * q->step;
    sql_addf(sql, "SELECT service_name, %s AS span_name, toInt64(point * %lld + ",
             q->by_operation ? "operation" : "''", (long long)q->step);
    sql_bind_i64(sql, q->start);
    sql_add(sql, S(") AS t,\n  sum(count) AS calls, sum(errors) AS failed"));
    if (q->what == TRACE_RED_LATENCIES) sql_add(sql, S(", sumMap(histogram) AS histogram"));
    sql_add(sql, S("\nFROM (SELECT service_name, span_name AS operation, count, errors, histogram,"
                   "\n    toInt64(toUnixTimestamp(time)) - "));
    sql_bind_i64(sql, q->start);
    sql_add(sql, S(" AS at, "));
    red_points(sql, q);
    sql_add(sql, S(" AS point\n  FROM otel_traces_red_5m\n  WHERE time >= "));
    sql_bind_time_ns(sql, from * NANOS_S);
    sql_add(sql, S(" AND time < "));
    sql_bind_time_ns(sql, to * NANOS_S);
    sql_add(sql, S("\n    AND service_name IN "));
    sql_bind_strs(sql, q->services, q->n_services);
    sql_add(sql, S("\n    AND span_kind IN "));
    sql_bind_u64s(sql, q->kinds, q->n_kinds);
    sql_add(sql, S(")\nGROUP BY service_name, span_name, t\nORDER BY service_name, span_name, t"));
}
