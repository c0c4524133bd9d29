#include "query/plan/loki_plan.h"

#include "base/hex.h"
#include "query/ir/loki_labels.h"
#include "schema/indexes.h"

void loki_plan_streams(struct sql *q, const struct logql_matchers *m, nanos start, nanos end,
                       uint64_t limit)
{
    sql_add(q, S("SELECT stream_id, service_name, resource_attributes\n"
                 "FROM otel_log_streams\n"
                 "WHERE day >= toDate("));
    sql_bind_time_ns(q, start);
    sql_add(q, S(") AND day <= toDate("));
    sql_bind_time_ns(q, end);
    sql_add(q, S(")"));
    for (uint32_t i = 0; i < m->n; i++) {
        if (m->v[i].op != LOGQL_EQ || !m->v[i].value.len ||
            !str_eq(m->v[i].name, S("service_name")))
            continue;
        /* Without service.name the label comes from another attribute. */
        str either[] = {m->v[i].value, S("")};
        sql_add(q, S("\n  AND service_name IN "));
        sql_bind_strs(q, either, 2);
    }
    sql_add(q, S("\nORDER BY stream_id LIMIT 1 BY stream_id\nLIMIT "));
    sql_bind_u64(q, limit + 1);
}

/* otel_logs lies in the order of buckets of five minutes. The engine does not find these by a
 * condition on the time, which is a column of the key itself, behind severity and service; as a
 * hint they leave out granules and are not looked at for each row. */
static void hint_buckets(struct sql *q, const struct loki_stretches *in)
{
    const int64_t bucket = 300;
    for (uint32_t i = 0; i < in->n; i++) /* a bucket's time has 32 bits */
        if (in->v[i].after < 0 || in->v[i].to > UINT32_MAX) return;
    for (uint32_t i = 0; i < in->n; i++)
        sql_addf(q,
                 "%stoStartOfFiveMinutes(timestamp) >= toDateTime(%lld, 'UTC') AND "
                 "toStartOfFiveMinutes(timestamp) <= toDateTime(%lld, 'UTC')",
                 i ? "\n    OR " : "\n  AND indexHint(",
                 (long long)(in->v[i].after / bucket * bucket),
                 (long long)(in->v[i].to / bucket * bucket));
    if (in->n) sql_add(q, S(")"));
}

static void hint_between(struct sql *q, nanos first, nanos last)
{
    struct loki_stretch one = {first < 0 ? -1 : first / NANOS_S, last / NANOS_S};
    hint_buckets(q, &(struct loki_stretches){&one, 1});
}

static void hint_runs(struct sql *q, const struct filter_run *runs, size_t n)
{
    struct loki_stretches in = {arena_array(q->arena, struct loki_stretch, n), (uint32_t)n};
    for (size_t i = 0; i < n; i++)
        in.v[i] = (struct loki_stretch){runs[i].first / NANOS_S, runs[i].last / NANOS_S};
    hint_buckets(q, &in);
}

/* position() and match() (RE2, unanchored) see what LogQL's filters see; "." must not match a
 * newline. */
static void add_line_filter(struct sql *q, const struct logql_line_filter *f)
{
    bool negative = f->op == LOGQL_NEQ || f->op == LOGQL_NRE, regex = f->op >= LOGQL_RE;
    for (uint32_t i = 0; i < f->n && !regex && !negative; i++)
        if (!f->values[i].len) return; /* every line has "" in it */
    sql_add(q, negative ? S("\n  AND NOT (") : S("\n  AND ("));
    for (uint32_t i = 0; i < f->n; i++) {
        if (i) sql_add(q, S(" OR "));
        if (regex) {
            size_t n = f->values[i].len;
            char *pattern = arena_alloc(q->arena, n + 5, 1);
            memcpy(pattern, "(?-s)", 5);
            if (n) memcpy(pattern + 5, f->values[i].ptr, n);
            sql_add(q, S("match(body, "));
            sql_bind_str(q, (str){pattern, n + 5});
            sql_add(q, S(")"));
        } else {
            sql_add(q, S("position(body, "));
            sql_bind_str(q, f->values[i]);
            sql_add(q, S(") > 0"));
        }
    }
    sql_add(q, S(")"));
}

/* A label with this value comes from an attribute of any name, a map among the attributes, or its
 * own column. */
static void add_must(struct sql *q, const struct loki_label *l)
{
    static const char *const maps[] = {"log", "scope", "resource"};
    static const struct {
        str label;
        const char *value;
    } columns[] = {
        {S("trace_id"), "lower(hex(trace_id))"},
        {S("span_id"), "lower(hex(span_id))"},
        {S("severity_text"), "severity_text"},
        {S("severity_number"), "toString(severity_number)"},
        {S("event_name"), "event_name"},
        {S("flags"), "toString(flags)"},
        {S("dropped_attributes_count"), "toString(dropped_attributes)"},
        {S("observed_timestamp"), "toString(toUnixTimestamp64Nano(observed_timestamp))"},
        {S("scope_name"), "scope_name"},
        {S("scope_version"), "scope_version"},
        {S("scope_dropped_attributes_count"), "toString(scope_dropped_attributes)"},
    };
    char raw[16];
    sql_add(q, S("\n  AND ("));
    bool is_id = str_eq(l->name, S("trace_id")) || str_eq(l->name, S("span_id"));
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        if (!str_eq(columns[i].label, l->name)) continue;
        size_t n = i == 0 ? 16 : 8;
        if (is_id && hex_decode(l->value, raw, n)) /* the column as it is: no hex of every row */
            sql_addf(q, "%s = unhex(", i == 0 ? "trace_id" : "span_id");
        else
            sql_addf(q, "%s = (", columns[i].value);
        sql_bind_str(q, l->value);
        sql_add(q, S(") OR "));
    }
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        sql_addf(q, "%shas(mapValues(%s_attributes), ", i ? " OR " : "", maps[i]);
        sql_bind_str(q, l->value);
        sql_addf(q, ") OR position(%s_attribute_types, 'k') > 0", maps[i]);
    }
    sql_add(q, S(")"));
}

static void add_where(struct sql *q, const struct loki_streams *s, const struct logql_log *log)
{
    sql_add(q, S("\n  AND indexHint(service_name IN ")); /* the streams decide */
    sql_bind_strs(q, s->services, s->n_services);
    sql_add(q, S(")\n  AND stream_id IN "));
    sql_bind_u64s(q, s->ids, s->n);
    for (uint32_t i = 0; log && i < log->n_stages; i++)
        if (log->stages[i].kind == LOGQL_STAGE_LINE) add_line_filter(q, &log->stages[i].line);
    for (uint32_t i = 0; i < s->n_must; i++) add_must(q, &s->must[i]);
}

void loki_plan_records(struct sql *q, const struct loki_streams *s, const struct logql_log *log,
                       const struct loki_slice *slice)
{
    sql_add(
        q, S("SELECT toUnixTimestamp64Nano(timestamp) AS time, stream_id, body,\n"
             "  toUnixTimestamp64Nano(observed_timestamp) AS observed, timestamp_origin, "
             "severity_number,\n"
             "  severity_text, event_name, dropped_attributes, flags, trace_id, span_id,\n"
             "  log_attributes, log_attribute_types, scope_name, scope_version, scope_attributes,\n"
             "  scope_attribute_types, scope_dropped_attributes,\n"
             "  resource_attributes, resource_attribute_types\n"
             "FROM otel_logs\n"
             "WHERE timestamp >= "));
    sql_bind_time_ns(q, slice->start);
    sql_add(q, S(" AND timestamp < "));
    sql_bind_time_ns(q, slice->end);
    if (slice->n_runs) {
        filter_add_runs(q, slice->runs, slice->n_runs, false);
        hint_runs(q, slice->runs, slice->n_runs);
    } else {
        hint_between(q, slice->start, slice->end);
    }
    add_where(q, s, log);
    sql_add(q, slice->forward ? S("\nORDER BY timestamp") : S("\nORDER BY timestamp DESC"));
    if (slice->limit) {
        sql_add(q, S("\nLIMIT "));
        sql_bind_u64(q, slice->limit);
    }
}

static bool asked(const struct loki_fields *f, str name)
{
    if (f->all) return true;
    for (uint32_t i = 0; i < f->n; i++)
        if (str_eq(f->names[i], name)) return true;
    return false;
}

/* A label's name as an attribute's may look: letters and digits in lower case. `key_1x` comes from
 * `1x`. */
static str bare_name(struct arena *a, str name)
{
    if (name.len > 4 && memcmp(name.ptr, "key_", 4) == 0 && name.ptr[4] >= '0' &&
        name.ptr[4] <= '9')
        name = str_drop(name, 4);
    char *out = arena_alloc(a, name.len + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] != '_') out[n++] = name.ptr[i];
    return (str){out, n};
}

/* Attributes keep their places (the types go by them) but only those that may become a label asked
 * for keep their values: fewer groups. A key that begins a name counts, its value may be a map. */
static void add_attributes(struct sql *q, const char *column, const char *types, const str *names,
                           uint32_t n)
{
    sql_addf(q, ",\n  mapApply((k, v) -> (k, if(arrayExists(n -> startsWith(n, replaceRegexpAll(k, "
                "'[^a-zA-Z0-9]', '')), ");
    sql_bind_strs(q, names, n);
    sql_addf(q, "), v, '')), %s) AS %s_asked, %s", column, column, types);
}

static void add_fields(struct sql *q, const struct loki_fields *f)
{
    bool level = asked(f, S("detected_level"));
    static const struct {
        str label;
        const char *column;
    } plain[] = {
        {S("event_name"), "event_name"},
        {S("dropped_attributes_count"), "dropped_attributes"},
        {S("flags"), "flags"},
        {S("trace_id"), "trace_id"},
        {S("span_id"), "span_id"},
        {S("scope_name"), "scope_name"},
        {S("scope_version"), "scope_version"},
        {S("scope_dropped_attributes_count"), "scope_dropped_attributes"},
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (asked(f, plain[i].label)) sql_addf(q, ", %s", plain[i].column);
    if (level || asked(f, S("severity_number"))) sql_add(q, S(", severity_number"));
    if ((level && f->level_rows != LOKI_LEVEL_PLAIN) || asked(f, S("severity_text")))
        sql_add(q, S(", severity_text"));
    if (asked(f, S("observed_timestamp")))
        sql_add(q,
                S(",\n  toUnixTimestamp64Nano(observed_timestamp) AS observed, timestamp_origin"));
    if (f->level_rows == LOKI_LEVEL_PLAIN) return;
    /* The line tells a level only where no number does. */
    if (level) sql_add(q, S(",\n  if(severity_number = 0, otel_logs.body, '') AS line"));
    if (f->all) {
        sql_add(
            q,
            S(",\n  log_attributes, log_attribute_types, scope_attributes, scope_attribute_types,\n"
              "  resource_attributes, resource_attribute_types"));
        return;
    }
    uint32_t n_levels = 0;
    while (loki_level_names[n_levels].len) n_levels++;
    str *names = arena_array(q->arena, str, f->n + n_levels + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->n; i++) names[n++] = bare_name(q->arena, f->names[i]);
    for (uint32_t i = 0; level && i < n_levels; i++)
        names[n++] = bare_name(q->arena, loki_level_names[i]);
    if (!n) return;
    add_attributes(q, "log_attributes", "log_attribute_types", names, n);
    add_attributes(q, "scope_attributes", "scope_attribute_types", names, n);
}

static void add_slot(struct sql *q, nanos shift, const struct loki_grid *g)
{
    sql_add(q, S("intDiv(toUnixTimestamp64Nano(timestamp) - "));
    sql_bind_i64(q, g->start);
    sql_add(q, S(" + "));
    sql_bind_i64(q, shift - 1);
    sql_add(q, S(", "));
    sql_bind_i64(q, g->step);
    sql_add(q, S(")"));
}

static void add_windows(struct sql *q, const struct loki_grid *g, const char *ticks)
{
    if (loki_grid_has_slots(g)) {
        sql_addf(q, "toInt32(intDiv(%s - ", ticks);
        sql_bind_i64(q, g->start - g->range + 1);
        sql_add(q, S(", "));
        sql_bind_i64(q, g->step);
        sql_add(q, S(")) AS slot"));
        return;
    }
    sql_add(q, S("greatest(0, "));
    add_slot(q, g->step, g);
    sql_add(q, S(") AS first,\n  least("));
    sql_bind_i64(q, (int64_t)g->n - 1);
    sql_add(q, S(", "));
    add_slot(q, g->range, g);
    sql_add(q, S(") AS last"));
}

static void add_stretches(struct sql *q, const char *column, const struct loki_stretches *in)
{
    sql_add(q, S("("));
    for (uint32_t i = 0; i < in->n; i++) {
        sql_addf(q, "%s%s > ", i ? " OR " : "", column);
        sql_bind_time_ns(q, in->v[i].after * NANOS_S);
        sql_addf(q, " AND %s <= ", column);
        sql_bind_time_ns(q, in->v[i].to * NANOS_S);
    }
    sql_add(q, S(")"));
}

void loki_plan_windows(struct sql *q, const struct loki_streams *s, const struct logql_log *log,
                       const struct loki_grid *g, const struct loki_fields *fields,
                       const struct loki_stretches *in)
{
    bool grouped = !fields->all;
    sql_add(q, S("SELECT stream_id,\n  "));
    add_windows(q, g, "toUnixTimestamp64Nano(timestamp)");
    sql_add(q, grouped ? S(",\n  count() AS lines, ") : S(",\n  1 AS lines, "));
    sql_add(q, !fields->bytes ? S("0 AS bytes")
               : grouped      ? S("sum(length(body)) AS bytes")
                              : S("length(body) AS bytes"));
    add_fields(q, fields);
    sql_add(q, S("\nFROM otel_logs\nWHERE timestamp > "));
    sql_bind_time_ns(q, g->start - g->range);
    sql_add(q, S(" AND timestamp <= "));
    sql_bind_time_ns(q, g->start + ((int64_t)g->n - 1) * g->step);
    if (in) {
        sql_add(q, S("\n  AND "));
        add_stretches(q, "timestamp", in);
        hint_buckets(q, in);
    } else {
        hint_between(q, g->start - g->range, g->start + ((int64_t)g->n - 1) * g->step);
    }
    if (fields->level_rows == LOKI_LEVEL_ODD)
        sql_add(q, S("\n  AND " SCHEMA_LEVEL_ELSEWHERE " > 0"));
    add_where(q, s, log);
    if (grouped) sql_add(q, S("\nGROUP BY ALL"));
}

/* Rows that came within a minute before a window was computed may be missing in it: the rollup job
 * computes it again (lifecycle/rollup.h, settle_ms). A window's rows are inserted, and expire,
 * together. */
void loki_plan_fresh(struct sql *q, const struct loki_stretch *in)
{
    struct loki_stretch one = *in;
    struct loki_stretches whole = {&one, 1};
    sql_add(q, S("SELECT toUnixTimestamp(time) AS t\nFROM (SELECT time, version AS done, "
                 "toInt64(0) AS came, 0 AS kept FROM weir_rollup_done\n    WHERE rollup = "
                 "'logs_5m' AND "));
    add_stretches(q, "time", &whole);
    sql_add(q, S("\n  UNION ALL SELECT time, 0, toUnixTimestamp64Milli(touched), 0 FROM "
                 "weir_rollup_touched\n    WHERE source = 'logs' AND "));
    add_stretches(q, "time", &whole);
    sql_add(q, S("\n  UNION ALL SELECT DISTINCT time, 0, 0, 1 FROM otel_logs_5m\n    WHERE "));
    add_stretches(q, "time", &whole);
    sql_add(q, S(")\nGROUP BY time\nHAVING max(done) > max(came) + 60000 AND max(kept) > 0\n"
                 "ORDER BY t"));
}

void loki_plan_rolled(struct sql *q, const struct loki_rolled *r, const struct loki_grid *g,
                      const struct loki_fields *fields)
{
    sql_add(q, S("SELECT arrayElement("));
    sql_bind_u64s(q, r->streams, r->n);
    sql_add(q, S(", indexOf("));
    sql_bind_strs(q, r->services, r->n);
    sql_add(q, S(", service_name)) AS stream_id,\n  "));
    add_windows(q, g, "toInt64(toUnixTimestamp(time)) * 1000000000");
    sql_add(q, S(",\n  sum(otel_logs_5m.lines) AS lines, "));
    sql_add(q, fields->bytes ? S("sum(otel_logs_5m.bytes) AS bytes") : S("0 AS bytes"));
    if (asked(fields, S("detected_level")) || asked(fields, S("severity_number")))
        sql_add(q, S(", severity_number"));
    sql_add(q, S("\nFROM otel_logs_5m FINAL\nWHERE "));
    add_stretches(q, "time", &r->in);
    sql_add(q, S("\n  AND service_name IN "));
    sql_bind_strs(q, r->services, r->n);
    sql_add(q, S("\nGROUP BY ALL"));
}

void loki_plan_stats(struct sql *q, const struct loki_streams *s, nanos start, nanos end)
{
    sql_add(
        q,
        S("SELECT uniqExact(stream_id) AS streams, count() AS lines, sum(length(body)) AS bytes\n"
          "FROM otel_logs\nWHERE timestamp >= "));
    sql_bind_time_ns(q, start);
    sql_add(q, S(" AND timestamp < "));
    sql_bind_time_ns(q, end);
    hint_between(q, start, end);
    add_where(q, s, NULL);
}
