#include "query/plan/filter_plan.h"

#include "base/hex.h"
#include "model/filter.h"

enum { GRAMS_MAX = 12 }; /* of one text: a dozen of them leave out what a hundred would */

/* --- conditions */

/* Filters have whole bytes: the bit in the byte is the hash's own. */
static void add_bit(struct sql *q, uint32_t hash)
{
    sql_addf(q,
             "bitTest(reinterpretAsUInt8(substring(filter, intDiv(%u %% (length(filter) * 8), 8) + "
             "1, 1)), %u)",
             hash, hash % 8);
}

static void add_pair(struct sql *q, const struct trace_tag *t)
{
    uint32_t pair = filter_pair(t->key, t->value);
    for (unsigned i = 0; i < FILTER_PAIR_HASHES; i++) {
        sql_add(q, S("\n  AND "));
        add_bit(q, filter_pair_hash(pair, i));
    }
}

/* Pieces from all over the text. */
static void add_text(struct sql *q, str text)
{
    size_t n = text.len - FILTER_GRAM + 1, step = (n + GRAMS_MAX - 1) / GRAMS_MAX;
    for (size_t i = 0; i < n; i += step) {
        if (i) sql_add(q, S("\n    AND "));
        add_bit(q, filter_gram_hash(text.ptr + i));
    }
}

static bool knows_lines(const struct logql_line_filter *f)
{
    if (f->op != LOGQL_EQ) return false;
    for (uint32_t i = 0; i < f->n; i++)
        if (f->values[i].len < FILTER_GRAM) return false;
    return f->n > 0;
}

static void add_lines(struct sql *q, const struct logql_line_filter *f)
{
    sql_add(q, S("\n  AND ("));
    for (uint32_t i = 0; i < f->n; i++) {
        if (i) sql_add(q, S("\n    OR "));
        add_text(q, f->values[i]);
    }
    sql_add(q, S(")"));
}

bool filter_knows_tag(const struct trace_tag *t)
{
    static const str keys[] = {S("error"), S("span.kind"), S("w3c.tracestate"), S("event")};
    if (!t->value.len) return false; /* nor does a tag of a member have none */
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (str_eq(t->key, keys[i])) return false;
    return t->key.len <= 5 || memcmp(t->key.ptr, "otel.", 5) != 0;
}

/* --- statements */

/* A run lies in one day. */
static void add_between(struct sql *q, nanos from, nanos to)
{
    sql_add(q, S("\nWHERE first_time >= "));
    sql_bind_time_ns(q, from - from % NANOS_DAY);
    sql_add(q, S(" AND first_time < "));
    sql_bind_time_ns(q, to);
    sql_add(q, S(" AND last_time >= "));
    sql_bind_time_ns(q, from);
}

/* By itself, and in every statement the same, what no_filter says is remembered by the engine for
 * each part (its query condition cache). Beside the times it would read those of all rows. */
static void add_unknown(struct sql *q, const char *table, const char *interval, nanos from,
                        nanos to)
{
    sql_addf(q, "\nFROM %s\nPREWHERE no_filter = 1\nWHERE timestamp >= ", table);
    sql_bind_time_ns(q, from);
    sql_add(q, S(" AND timestamp < "));
    sql_bind_time_ns(q, to);
    sql_addf(q, "\nGROUP BY %s(timestamp)", interval);
}

bool filter_plan_spans(struct sql *q, const struct trace_search *s, nanos from, nanos to)
{
    size_t known = 0;
    for (size_t i = 0; i < s->n_tags; i++) known += filter_knows_tag(&s->tags[i]);
    if (!known) return false;
    sql_add(q, S("SELECT toUnixTimestamp64Nano(first_time) AS first, "
                 "toUnixTimestamp64Nano(last_time) AS last,\n  first_id, last_id\n"
                 "FROM otel_trace_filters"));
    add_between(q, from, to);
    for (size_t i = 0; i < s->n_tags; i++)
        if (filter_knows_tag(&s->tags[i])) add_pair(q, &s->tags[i]);
    sql_add(q, S("\nUNION ALL\nSELECT toUnixTimestamp64Nano(min(timestamp)), "
                 "toUnixTimestamp64Nano(max(timestamp)),\n  min(trace_id), max(trace_id)"));
    add_unknown(q, "otel_traces", "toStartOfHour", from, to);
    return true;
}

bool filter_plan_lines(struct sql *q, const struct logql_log *log, nanos from, nanos to)
{
    uint32_t known = 0;
    for (uint32_t i = 0; i < log->n_stages; i++)
        known += log->stages[i].kind == LOGQL_STAGE_LINE && knows_lines(&log->stages[i].line);
    if (!known) return false;
    sql_add(q, S("SELECT toUnixTimestamp64Nano(first_time) AS first, "
                 "toUnixTimestamp64Nano(last_time) AS last\nFROM otel_log_filters"));
    add_between(q, from, to);
    for (uint32_t i = 0; i < log->n_stages; i++)
        if (log->stages[i].kind == LOGQL_STAGE_LINE && knows_lines(&log->stages[i].line))
            add_lines(q, &log->stages[i].line);
    sql_add(q, S("\nUNION ALL\nSELECT toUnixTimestamp64Nano(min(timestamp)), "
                 "toUnixTimestamp64Nano(max(timestamp))"));
    add_unknown(q, "otel_logs", "toStartOfFiveMinutes", from, to);
    return true;
}

/* --- runs */

static void add_id(struct sql *q, const struct trace_id *id)
{
    char hex[33] = {0};
    hex_encode(id->bytes, 16, hex);
    sql_addf(q, "toFixedString(unhex('%s'), 16)", hex);
}

void filter_add_runs(struct sql *q, const struct filter_run *runs, size_t n, bool by_id)
{
    sql_add(q, S("\n  AND ("));
    for (size_t i = 0; i < n; i++) {
        sql_addf(q,
                 "%stimestamp >= fromUnixTimestamp64Nano(toInt64(%lld), 'UTC') AND "
                 "timestamp <= fromUnixTimestamp64Nano(toInt64(%lld), 'UTC')",
                 i ? "\n    OR " : "", (long long)runs[i].first, (long long)runs[i].last);
        if (!by_id) continue;
        sql_add(q, S(" AND trace_id >= "));
        add_id(q, &runs[i].first_id);
        sql_add(q, S(" AND trace_id <= "));
        add_id(q, &runs[i].last_id);
    }
    sql_add(q, n ? S(")") : S("0)"));
}
