#include "query/plan/promql_plan.h"

#include "model/prometheus_name.h"

bool promql_scope_clamp(struct promql_scope *s)
{
    int64_t max = (int64_t)PROMQL_TIME_MAX * 1000;
    if (s->to_ms < 0 || s->from_ms > max || s->from_ms > s->to_ms) return false;
    if (s->from_ms < 0) s->from_ms = 0;
    if (s->to_ms > max) s->to_ms = max;
    return true;
}

static const struct prometheus_naming *naming_of(const struct promql_scope *s)
{
    static const struct prometheus_naming standard = {};
    return s->naming ? s->naming : &standard;
}

bool promql_names_differ(const struct promql_scope *s)
{
    return naming_of(s)->strategy != PROMETHEUS_UNDERSCORES_WITH_SUFFIXES;
}

/* What is put behind the name of a stored series, and of which types. */
struct tail {
    str text;
    const char *types;
};
enum { TAILS = 4 };

static const struct tail *tails_of(const struct promql_scope *s)
{
    static const struct tail classic[TAILS] = {{{"", 0}, "type IN (1, 2, 4, 5)"},
                                               {{"_bucket", 7}, "type = 3"},
                                               {{"_count", 6}, "type IN (3, 5)"},
                                               {{"_sum", 4}, "type IN (3, 5)"}};
    static const struct tail custom[TAILS] = {{{"", 0}, "type IN (1, 2, 3, 4, 5)"},
                                              {{"_bucket", 7}, NULL},
                                              {{"_count", 6}, "type = 5"},
                                              {{"_sum", 4}, "type = 5"}};
    return naming_of(s)->custom_buckets ? custom : classic;
}

static bool ends_with(str s, str tail)
{
    return s.len > tail.len && memcmp(s.ptr + s.len - tail.len, tail.ptr, tail.len) == 0;
}

/* Whether the stored name may be of this tail, when it is asked for `name`. */
static bool may_have(const struct tail *t, str name)
{
    return t->types && (!t->text.len || ends_with(name, t->text));
}

/* __name__="x": the series called x, and the histogram or summary that x is a part of. */
static void name_is(struct sql *q, const struct promql_scope *s, str name)
{
    const struct tail *tails = tails_of(s);
    for (size_t i = 0; i < TAILS; i++) {
        if (!may_have(&tails[i], name)) continue;
        sql_add(q, i ? S(" OR prometheus_name = ") : S("(prometheus_name = "));
        sql_bind_str(q, (str){name.ptr, name.len - tails[i].text.len});
        sql_addf(q, " AND %s", tails[i].types);
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
static void name_fits(struct sql *q, const struct promql_scope *s, const struct label_matcher *m)
{
    const struct tail *tails = tails_of(s);
    sql_add(q, S("("));
    for (int i = 0; i < TAILS; i++) {
        if (!tails[i].types) continue;
        if (i) sql_add(q, S(" OR "));
        sql_addf(q, "%s AND ", tails[i].types);
        condition(q, m, name_with, tails[i].text.ptr);
    }
    sql_add(q, S(")"));
}

/* --- labels */

/* map['name'] */
struct entry {
    const char *map;
    str name;
};

static void entry_of(struct sql *q, const void *ctx)
{
    const struct entry *e = ctx;
    sql_addf(q, "%s[", e->map);
    sql_bind_str(q, e->name);
    sql_add(q, S("]"));
}

static void column_of(struct sql *q, const void *ctx) { sql_addf(q, "%s", (const char *)ctx); }

static void or_entry(struct sql *q, const struct label_matcher *m, const char *map, str name)
{
    sql_add(q, S(" OR "));
    condition(q, m, entry_of, &(struct entry){map, name});
}

/* Any value of the resource's attributes. */
static void or_any_of_resource(struct sql *q, const struct label_matcher *m)
{
    sql_add(q, S(" OR arrayExists(x -> "));
    condition(q, m, column_of, "x");
    sql_add(q, S(", mapValues(resource_attributes))"));
}

static void or_promoted(struct sql *q, const struct prometheus_naming *n,
                        const struct label_matcher *m)
{
    if (n->promote_all && prometheus_is_utf8(n->strategy)) {
        if (prometheus_promotes(n, m->name)) or_entry(q, m, "resource_attributes", m->name);
        return;
    }
    if (n->promote_all) or_any_of_resource(q, m);
    for (uint32_t i = 0; i < n->n_attributes && !n->promote_all; i++) {
        str name = n->attributes[i];
        if (!prometheus_is_utf8(n->strategy) &&
            prometheus_label_name(q->arena, name, PROMETHEUS_LABELS_DEFAULT, &name, NULL) != ST_OK)
            continue;
        if (str_eq(name, m->name)) or_entry(q, m, "resource_attributes", n->attributes[i]);
    }
}

static bool is_of_scope(str name)
{
    static const char front[] = "otel_scope_";
    return name.len >= sizeof front - 1 && memcmp(name.ptr, front, sizeof front - 1) == 0;
}

/* A label that may have come from several places: one of them has it. The labels made of the row
 * decide. */
static void label_fits(struct sql *q, const struct prometheus_naming *n,
                       const struct label_matcher *m)
{
    static const char *const of_scope[] = {"scope_name", "scope_version", "scope_schema_url"};
    sql_add(q, S("("));
    condition(q, m, entry_of, &(struct entry){"prometheus_labels", m->name});
    if (prometheus_is_utf8(n->strategy)) or_entry(q, m, "attributes", m->name);
    or_promoted(q, n, m);
    for (int i = 0; i < 3 && n->scope && is_of_scope(m->name); i++) {
        sql_add(q, S(" OR "));
        condition(q, m, column_of, of_scope[i]);
    }
    sql_add(q, S(")"));
}

static bool is_for_sql(const struct prometheus_naming *n, const struct label_matcher *m)
{
    static const str named[] = {S("otel_scope_name"), S("otel_scope_version"),
                                S("otel_scope_schema_url")};
    if (prometheus_labels_are_plain(n)) return true;
    if (matcher_accepts(m, (str){0})) return false;
    bool known = !n->scope || !is_of_scope(m->name);
    for (int i = 0; i < 3; i++) known |= str_eq(m->name, named[i]);
    return known;
}

static void name_matcher(struct sql *q, const struct promql_scope *s, const struct label_matcher *m)
{
    sql_add(q, S("\n  AND "));
    if (m->op == MATCH_EQUAL)
        name_is(q, s, m->value);
    else
        name_fits(q, s, m);
}

static void matchers(struct sql *q, const struct promql_scope *s)
{
    const struct prometheus_naming *n = naming_of(s);
    if (s->names) {
        sql_add(q, S("\n  AND prometheus_name IN "));
        sql_bind_strs(q, s->names, s->n_names);
    }
    for (uint32_t i = 0; i < s->n; i++) {
        const struct label_matcher *m = &s->matchers[i];
        if (str_eq(m->name, S("le")) || str_eq(m->name, S("quantile")))
            continue; /* made when read */
        if (str_eq(m->name, LABEL_NAME)) {
            if (!promql_names_differ(s)) name_matcher(q, s, m);
            continue;
        }
        if (!is_for_sql(n, m)) continue;
        sql_add(q, S("\n  AND "));
        if (prometheus_labels_are_plain(n))
            condition(q, m, entry_of, /* an absent key reads as '', as an absent label does */
                      &(struct entry){"prometheus_labels", m->name});
        else
            label_fits(q, n, m);
    }
}

/* Whole days: what is asked again a minute later is the same statement. As numbers: each function
 * of a constant takes the engine a while. */
static void days(struct sql *q, const char *table, const struct promql_scope *s)
{
    const int64_t day_ms = 86'400'000;
    sql_addf(q, "\nFROM %s", table);
    sql_addf(q, "\nWHERE day >= toDate(%lld) AND day <= toDate(%lld)",
             (long long)(s->from_ms / day_ms), (long long)(s->to_ms / day_ms));
}

/* --- names that are not the stored ones */

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ':';
}

static bool moves(str word) { return str_eq(word, S("total")) || str_eq(word, S("ratio")); }

/* What the stored names begin with of all metrics that are called `name`: its first words. Suffixes
 * are not among them: the words before "total" and "ratio", which are moved to the end, and where
 * units are put behind the name, those before the first "_". */
static str stored_prefix(struct arena *a, const struct prometheus_naming *n, str name)
{
    char *out = arena_alloc(a, name.len + 1, 1);
    size_t len = 0;
    if (n->strategy == PROMETHEUS_UTF8_WITH_SUFFIXES) {
        const char *end = name.len ? memchr(name.ptr, '_', name.len) : NULL;
        if (end) name.len = (size_t)(end - name.ptr);
    }
    for (size_t i = 0; i < name.len;) {
        size_t from = i;
        while (i < name.len && is_word(name.ptr[i])) i++;
        str word = {name.ptr + from, i - from};
        if (moves(word)) break;
        if (word.len && (len || (*word.ptr >= '0' && *word.ptr <= '9'))) out[len++] = '_';
        memcpy(out + len, word.ptr, word.len);
        len += word.len;
        if (i < name.len) i++;
    }
    return (str){out, len};
}

static void prefix_of(struct sql *q, const struct promql_scope *s, str name)
{
    const struct tail *tails = tails_of(s);
    sql_add(q, S("\n  AND (prometheus_name = ")); /* what came from Prometheus is called so */
    sql_bind_str(q, name);
    for (size_t i = 0; i < TAILS; i++) {
        if (!may_have(&tails[i], name)) continue;
        str base = {name.ptr, name.len - tails[i].text.len};
        sql_add(q, S(" OR startsWith(prometheus_name, "));
        sql_bind_str(q, stored_prefix(q->arena, naming_of(s), base));
        sql_add(q, S(")"));
        if (!i) continue;
        sql_add(q, S(" OR prometheus_name = "));
        sql_bind_str(q, base);
    }
    sql_add(q, S(")"));
}

void promql_plan_names(struct sql *q, const struct promql_scope *s)
{
    sql_add(q, S("SELECT DISTINCT prometheus_name, metric_name, unit, type, monotonic AS "
                 "is_monotonic, mapContains(metadata, 'prometheus.type') AS is_verbatim"));
    days(q, "otel_metric_series", s);
    for (uint32_t i = 0; i < s->n; i++)
        if (str_eq(s->matchers[i].name, LABEL_NAME) && s->matchers[i].op == MATCH_EQUAL)
            prefix_of(q, s, s->matchers[i].value);
}

void promql_plan_series(struct sql *q, const struct promql_scope *s, uint64_t limit)
{
    q->keep = SQL_OF_SERIES;
    sql_add(q, S("SELECT series_id, prometheus_name, prometheus_labels, metric_name, type, "
                 "temporality, explicit_bounds"));
    if (promql_names_differ(s) || !prometheus_labels_are_plain(naming_of(s)))
        sql_add(q, S(", unit, monotonic AS is_monotonic,\n"
                     "  mapContains(metadata, 'prometheus.type') AS is_verbatim, attributes, "
                     "resource_attributes,\n"
                     "  scope_name, scope_version, scope_schema_url, scope_attributes"));
    days(q, "otel_metric_series", s);
    matchers(q, s);
    sql_add(q, S("\nLIMIT 1 BY series_id\nLIMIT "));
    sql_bind_u64(q, limit);
    /* All labels are read anyway: to plan columns of their parts takes longer than it saves. */
    sql_add(q, S("\nSETTINGS optimize_functions_to_subcolumns = 0"));
}

void promql_plan_resources(struct sql *q, const struct promql_scope *s, uint64_t limit)
{
    sql_add(q, S("SELECT resource_id, resource_attributes"));
    days(q, "otel_metric_resources", s);
    sql_add(q, S("\nORDER BY resource_id\nLIMIT 1 BY resource_id\nLIMIT "));
    sql_bind_u64(q, limit);
}

void promql_plan_targets(struct sql *q, const struct promql_scope *s, const uint64_t *ids,
                         uint32_t n_ids)
{
    sql_add(q, S("SELECT resource_id, toUnixTimestamp64Milli(timestamp) AS t\n"
                 "FROM otel_metric_targets\n"
                 "WHERE indexHint(toStartOfHour(timestamp) >= toStartOfHour("));
    sql_bind_time_ms(q, s->from_ms);
    sql_add(q, S(") AND toStartOfHour(timestamp) <= toStartOfHour("));
    sql_bind_time_ms(q, s->to_ms);
    sql_add(q, S("))\n  AND timestamp >= "));
    sql_bind_time_ms(q, s->from_ms);
    sql_add(q, S(" AND timestamp <= "));
    sql_bind_time_ms(q, s->to_ms);
    sql_add(q, S("\n  AND resource_id IN "));
    sql_bind_u64s(q, ids, n_ids);
}

static const int64_t hour_ms = 3600 * 1000;

/* A few series over more hours lie in many small places of many files: threads that wait for one
 * each, without handing it to another thread, are sooner done when they come from the disk. A place
 * is worth a thread however few its rows are: of a day that is one part they are less than the
 * engine would have a second thread for. */
enum { MANY_HOURS = 4 };

/* Rows of the hours at both ends that nobody asked for are little to those that are. */
static bool nearly_fills_hours(const struct promql_scope *s)
{
    int64_t more = s->from_ms % hour_ms + (hour_ms - 1 - s->to_ms % hour_ms);
    return s->to_ms - s->from_ms >= 2 * more;
}

static void between(struct sql *q, const uint64_t *ids, uint32_t n_ids)
{
    sql_add(q, S("\n  AND series_id >= "));
    sql_bind_u64(q, ids[0]);
    sql_add(q, S(" AND series_id <= "));
    sql_bind_u64(q, ids[n_ids - 1]);
}

/* As a list the hours rule out the rows between two of them, whose key begins with either; as a
 * range, where there are too many, they do not. */
enum { HOURS_LISTED = 64 };

static void in_hours(struct sql *q, const struct promql_scope *s)
{
    const int64_t from = s->from_ms / hour_ms, to = s->to_ms / hour_ms;
    if (to - from >= HOURS_LISTED) {
        sql_add(q, S("toStartOfHour(timestamp) >= toStartOfHour("));
        sql_bind_time_ms(q, s->from_ms);
        sql_add(q, S(") AND toStartOfHour(timestamp) <= toStartOfHour("));
        sql_bind_time_ms(q, s->to_ms);
        sql_add(q, S(")"));
        return;
    }
    sql_add(q, S("toStartOfHour(timestamp) IN ("));
    for (int64_t h = from; h <= to; h++)
        sql_addf(q, "%s%lld", h > from ? ", " : "", (long long)(h * 3600));
    sql_add(q, S(")"));
}

/* Hours and names find the place by the table's key, and the first and last of `ids`, if any; ids
 * and times decide. */
static void from_metrics(struct sql *q, const struct promql_scope *s, const str *metric_names,
                         uint32_t n_names, const uint64_t *ids, uint32_t n_ids)
{
    sql_add(q, S("\nFROM otel_metrics\nWHERE indexHint("));
    in_hours(q, s);
    sql_add(q, S(" AND metric_name IN "));
    sql_bind_strs(q, metric_names, n_names);
    if (ids) between(q, ids, n_ids);
    sql_add(q, S(")"));
}

static void in_times(struct sql *q, const struct promql_scope *s)
{
    sql_add(q, S("\n  AND timestamp >= "));
    sql_bind_time_ms(q, s->from_ms);
    sql_add(q, S(" AND timestamp <= "));
    sql_bind_time_ms(q, s->to_ms);
}

static void of_series(struct sql *q, const uint64_t *ids, uint32_t n_ids)
{
    sql_add(q, S("\n  AND series_id IN "));
    sql_bind_u64s(q, ids, n_ids);
}

/* What is read of the last minutes is the hour they lie in, of many series or few: queries that
 * follow find it where the engine keeps blocks without compression (docs/decisions/0040). In large
 * pieces: each is a task of its own to the engine. */
static void keep_blocks(struct sql *q)
{
    sql_addf(q,
             "\nSETTINGS use_uncompressed_cache = 1, merge_tree_max_rows_to_use_cache = %d,\n"
             "  max_block_size = 262144, preferred_block_size_bytes = 16777216",
             PROMQL_KEPT_ROWS);
}

static void read_as(struct sql *q, const struct promql_scope *s, struct promql_sample_columns c)
{
    int64_t range = s->to_ms - s->from_ms;
    const char *before = range <= hour_ms ? ", " : "\nSETTINGS ";
    if (range <= hour_ms) keep_blocks(q);
    if (c.alone) sql_addf(q, "%smax_threads = 1", before);
    if (!c.alone && !c.whole && range > MANY_HOURS * hour_ms)
        sql_addf(q,
                 "%smax_threads = 4, local_filesystem_read_method = 'pread',\n"
                 "  merge_tree_min_rows_for_concurrent_read = 1, "
                 "merge_tree_min_bytes_for_concurrent_read = 1",
                 before);
}

void promql_plan_newest(struct sql *q, int64_t hour)
{
    sql_addf(q,
             "SELECT max(series_id), max(timestamp), max(flags), max(present), max(value), "
             "max(int_value),\n  max(count), max(sum), max(bucket_counts)\nFROM otel_metrics\n"
             "WHERE toStartOfHour(timestamp) IN (%lld)",
             (long long)hour);
    keep_blocks(q);
}

void promql_plan_samples(struct sql *q, const struct promql_scope *s, const str *metric_names,
                         uint32_t n_names, const uint64_t *ids, uint32_t n_ids,
                         struct promql_sample_columns c)
{
    sql_add(q, S("SELECT series_id, timestamp AS t, flags, present"));
    if (c.start) sql_add(q, S(", start_timestamp AS start"));
    if (c.value) sql_add(q, S(", value, int_value"));
    if (c.histogram || c.native || c.summary) sql_add(q, S(", count, sum"));
    if (c.histogram) sql_add(q, S(", bucket_counts"));
    if (c.native)
        sql_add(q, S(", scale, zero_count, zero_threshold, positive_offset, positive_counts, "
                     "negative_offset, negative_counts"));
    if (c.summary || c.native) sql_add(q, S(", quantiles, quantile_values"));
    from_metrics(q, s, metric_names, n_names, c.whole ? ids : NULL, n_ids);
    if (!c.whole || !nearly_fills_hours(s)) in_times(q, s);
    if (!c.whole) of_series(q, ids, n_ids);
    if (c.in_order) sql_add(q, S("\nORDER BY series_id, timestamp"));
    read_as(q, s, c);
}

/* Of equal ones the first: zeros have signs. */
static void extreme(struct sql *q, const char *which)
{
    sql_addf(q,
             "ifNull(%sOrNullIf(number, NOT isNaN(number)), nan) AS best,\n"
             "  if(best = 0, argMinIf(number, timestamp, number = 0), best) AS v",
             which);
}

void promql_plan_needed(struct sql *q, const struct promql_scope *s, enum series_needs needs,
                        const str *metric_names, uint32_t n_names, const uint64_t *ids,
                        uint32_t n_ids, bool whole)
{
    sql_add(q, S("SELECT series_id, t, toUInt32(0) AS flags, toUInt8(0) AS present, v AS value, "
                 "toInt64(0) AS int_value\nFROM (\n"));
    if (needs != NEEDS_ONE)
        sql_add(q, S("WITH if(int_value != 0, toFloat64(int_value), value) AS number\n"));
    sql_add(q, S("SELECT series_id, max(timestamp) AS t, "));
    if (needs == NEEDS_ONE)
        sql_add(q, S("toFloat64(0) AS v"));
    else
        extreme(q, needs == NEEDS_LEAST ? "min" : "max");
    from_metrics(q, s, metric_names, n_names, whole ? ids : NULL, n_ids);
    in_times(q, s);
    if (!whole) of_series(q, ids, n_ids);
    sql_addf(q,
             "\n  AND bitAnd(flags, 1) = 0 AND bitAnd(present, 16) = 0"
             "\n  AND reinterpretAsUInt64(value) != %llu\nGROUP BY series_id)",
             (unsigned long long)STALE_NAN_BITS);
}

void promql_plan_horizon(struct sql *q)
{
    q->keep = SQL_OF_A_MINUTE;
    sql_add(q, S("SELECT rollup, toUnixTimestamp(max(source_since)) AS since\nFROM weir_rollups\n"
                 "WHERE rollup IN ('metrics_5m', 'metrics_1h')\nGROUP BY `rollup`"));
}

void promql_plan_windows(struct sql *q, const struct promql_scope *s, bool coarse,
                         const str *metric_names, uint32_t n_names, const uint64_t *ids,
                         uint32_t n_ids, struct promql_sample_columns c)
{
    sql_add(q, S("SELECT series_id, toUnixTimestamp(time) * 1000 AS t, version, samples,\n"
                 "  toUnixTimestamp64Milli(first_timestamp) AS first_t, "
                 "toUnixTimestamp64Milli(last_timestamp) AS last_t,\n  first, last, increase"));
    if (!c.ends_only) sql_add(q, S(", min, max, sum, flags, present"));
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
    if (c.whole)
        between(q, ids, n_ids);
    else
        of_series(q, ids, n_ids);
    sql_add(q, S("\nORDER BY metric_name, series_id, time"));
}

static void ends_in(struct sql *q, int64_t after_ms, int64_t to_ms)
{
    sql_add(q, S("time > toDateTime("));
    sql_bind_time_ms(q, after_ms);
    sql_add(q, S(") AND time <= toDateTime("));
    sql_bind_time_ms(q, to_ms);
    sql_add(q, S(")"));
}

/* As the job that computes them sees what is due (docs/decisions/0015). */
void promql_plan_fresh(struct sql *q, int64_t after, int64_t to_ms, bool hours)
{
    sql_add(q, S("SELECT toUnixTimestamp(hour) AS t, toUnixTimestamp(if(countIf(late) = 0, hour, "
                 "minIf(time, late) - 300)) AS upto\nFROM (SELECT toDateTime("
                 "intDiv(toUnixTimestamp(time) + 3599, 3600) * 3600, 'UTC') AS hour, time,\n"
                 "    max(fine) AS done, max(coarse) AS hourly, max(came) AS touched,\n"
                 "    touched > 0 AND done <= touched + 60000 AS late\n"
                 "  FROM (SELECT time, version AS fine, toUInt64(0) AS coarse, toInt64(0) AS came "
                 "FROM weir_rollup_done\n    WHERE rollup = 'metrics_5m' AND "));
    ends_in(q, after, to_ms);
    if (hours) {
        sql_add(q, S("\n  UNION ALL SELECT time, 0, version, 0 FROM weir_rollup_done\n    WHERE "
                     "rollup = 'metrics_1h' AND "));
        ends_in(q, after, to_ms);
    }
    sql_add(q, S("\n  UNION ALL SELECT time, 0, 0, toUnixTimestamp64Milli(touched) FROM "
                 "weir_rollup_touched\n    WHERE source = 'metrics' AND "));
    ends_in(q, after, to_ms);
    sql_add(q, S(")\n  GROUP BY time)\nGROUP BY hour\nHAVING max(done) > 0"));
    if (hours) sql_add(q, S(" AND countIf(late) = 0 AND max(hourly) > max(done)"));
    sql_add(q, S("\nORDER BY t"));
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

/* A row for each label of each series. */
static void labels_of_days(struct sql *q, const struct promql_scope *s)
{
    sql_add(q, S("\nFROM (SELECT DISTINCT series_id, arrayJoin(arrayPushBack(arrayZip(\n"
                 "  CAST(mapKeys(prometheus_labels), 'Array(String)'), "
                 "CAST(mapValues(prometheus_labels), 'Array(String)')),\n"
                 "  ('__name__', CAST(prometheus_name, 'String')))) AS pair"));
    days(q, "otel_metric_series", s);
    sql_add(q, S(")"));
}

void promql_plan_count(struct sql *q, enum promql_count what, int64_t from, int64_t to,
                       uint64_t limit)
{
    static const struct {
        const char *name, *number;
        bool of_labels;
    } all[] = {[COUNT_SERIES] = {"''", "uniqExact(series_id)", false},
               [COUNT_DAYS] = {"''", "uniqExact(series_id, day)", false},
               [COUNT_PAIRS] = {"''", "uniqExact(pair)", true},
               [COUNT_BY_NAME] = {"toString(prometheus_name)", "uniqExact(series_id)", false},
               [COUNT_VALUES] = {"pair.1", "uniqExact(pair.2)", true},
               [COUNT_BYTES] = {"pair.1", "arraySum(x -> length(x), groupUniqArray(pair.2))", true},
               [COUNT_BY_PAIR] = {"concat(pair.1, '=', pair.2)", "count()", true}};
    struct promql_scope s = {.from_ms = from, .to_ms = to};
    sql_addf(q, "SELECT %s AS name, toUInt64(%s) AS number", all[what].name, all[what].number);
    if (all[what].of_labels)
        labels_of_days(q, &s);
    else
        days(q, "otel_metric_series", &s);
    sql_add(q, S("\nGROUP BY name\nORDER BY number DESC, name\nLIMIT "));
    sql_bind_u64(q, limit);
}

void promql_plan_metadata(struct sql *q, const struct prometheus_naming *n, str metric)
{
    sql_add(q, S("SELECT prometheus_name, metric_name, unit, type, monotonic AS is_monotonic,\n"
                 "  mapContains(metadata, 'prometheus.type') AS is_verbatim, max(description) AS "
                 "help\nFROM otel_metric_series"));
    if (metric.len && n->strategy == PROMETHEUS_UNDERSCORES_WITH_SUFFIXES) {
        sql_add(q, S("\nWHERE prometheus_name = "));
        sql_bind_str(q, metric);
    }
    sql_add(q, S("\nGROUP BY prometheus_name, metric_name, unit, type, monotonic, is_verbatim"));
}
