/* ${...} in the texts of migrations. */
#include "schema/settings.h"

#include <inttypes.h>
#include <string.h>

struct substitution {
    const struct schema_settings *set;
    struct buf *out;
    bool keep_line, keep_statement;
};

/* The part of `rest` before a space, which is stepped over. */
static str word(str *rest)
{
    const char *space = rest->len ? memchr(rest->ptr, ' ', rest->len) : NULL;
    str w = {rest->ptr, space ? (size_t)(space - rest->ptr) : rest->len};
    *rest = str_drop(*rest, w.len + 1);
    return w;
}

void schema_add_local(struct buf *out, const struct schema_settings *set, str table)
{
    buf_add(out, table);
    if (set->cluster.len) buf_add(out, S("_local"));
}

void schema_add_on_cluster(struct buf *out, const struct schema_settings *set)
{
    if (set->cluster.len) buf_printf(out, " ON CLUSTER '" STR_FMT "'", STR_ARG(set->cluster));
}

void schema_add_table(struct buf *out, const struct schema_settings *set, str table)
{
    schema_add_local(out, set, table);
    schema_add_on_cluster(out, set);
}

void schema_add_database(struct buf *out, const struct schema_settings *set)
{
    buf_printf(out, "CREATE DATABASE IF NOT EXISTS " STR_FMT, STR_ARG(set->database));
    schema_add_on_cluster(out, set);
}

/* The path has no {uuid}: a replica that is added later must find the same one. */
static void add_engine(struct buf *out, const struct schema_settings *set, str family, str args)
{
    if (!set->cluster.len) {
        buf_add(out, family);
        if (args.len) buf_printf(out, "(" STR_FMT ")", STR_ARG(args));
        return;
    }
    buf_printf(out,
               "Replicated" STR_FMT "('/clickhouse/tables/{database}/{table}/{shard}', '{replica}'",
               STR_ARG(family));
    if (args.len) buf_printf(out, ", " STR_FMT, STR_ARG(args));
    buf_char(out, ')');
}

/* A week, as the journal may be away from its store for as long. */
static void add_deduplication(struct buf *out, const struct schema_settings *set, str window)
{
    if (set->cluster.len)
        buf_printf(out,
                   "replicated_deduplication_window = " STR_FMT
                   ", replicated_deduplication_window_seconds = 604800",
                   STR_ARG(window));
    else
        buf_printf(out, "non_replicated_deduplication_window = " STR_FMT, STR_ARG(window));
}

static void add_distributed(struct substitution *s, str table, str key)
{
    const struct schema_settings *set = s->set;
    if (!set->cluster.len) {
        s->keep_statement = false;
        return;
    }
    buf_printf(s->out,
               "CREATE TABLE IF NOT EXISTS " STR_FMT " ON CLUSTER '" STR_FMT "' AS " STR_FMT
               "." STR_FMT "_local\nENGINE = Distributed('" STR_FMT "', '" STR_FMT "', '" STR_FMT
               "_local', " STR_FMT ")",
               STR_ARG(table), STR_ARG(set->cluster), STR_ARG(set->database), STR_ARG(table),
               STR_ARG(set->cluster), STR_ARG(set->database), STR_ARG(table), STR_ARG(key));
}

static const str retentions[] = {
#define RETENTION(ident) S("retention_" #ident "_days"),
#include "schema/retentions.def"
#undef RETENTION
    S("retention_series_days"),
};

uint32_t schema_kept_days(const struct schema_settings *set, enum schema_retention r)
{
    if (r != SCHEMA_KEEP_series) return set->retention_days[r];
    const uint32_t days[] = {set->retention_days[SCHEMA_KEEP_metrics],
                             set->retention_days[SCHEMA_KEEP_metrics_5m],
                             set->retention_days[SCHEMA_KEEP_metrics_1h]};
    uint32_t longest = days[0];
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        if (!days[i]) return 0;
        if (days[i] > longest) longest = days[i];
    }
    return longest;
}

static bool add_retention(struct substitution *s, str name)
{
    for (size_t i = 0; i < sizeof retentions / sizeof *retentions; i++) {
        if (!str_eq(name, retentions[i])) continue;
        uint32_t days = schema_kept_days(s->set, (enum schema_retention)i);
        buf_printf(s->out, "%" PRIu32, days);
        if (!days) s->keep_line = false;
        return true;
    }
    return false;
}

static status add(struct substitution *s, str inside, struct err *err)
{
    str args = inside, name = word(&args);
    if (str_eq(name, S("local")) && args.len)
        schema_add_local(s->out, s->set, args);
    else if (str_eq(name, S("table")) && args.len)
        schema_add_table(s->out, s->set, args);
    else if (str_eq(name, S("on_cluster")))
        schema_add_on_cluster(s->out, s->set);
    else if (str_eq(name, S("engine")) && args.len) {
        str family = word(&args);
        add_engine(s->out, s->set, family, args);
    } else if (str_eq(name, S("deduplication_window")) && args.len)
        add_deduplication(s->out, s->set, args);
    else if (str_eq(name, S("distributed")) && args.len) {
        str table = word(&args);
        if (!args.len)
            return err_set(err, ST_INVALID, ERR_NOPOS, "no sharding key of " STR_FMT,
                           STR_ARG(table));
        add_distributed(s, table, args);
    } else if (str_eq(name, S("cluster_only")))
        s->keep_statement &= s->set->cluster.len > 0;
    else if (str_eq(name, S("views"))) {
        s->keep_statement &= s->set->views.len > 0;
        buf_add(s->out, s->set->views);
    } else if (str_eq(name, S("traces_partition_seconds")))
        buf_printf(s->out, "%" PRIu32, s->set->traces_partition_seconds);
    else if (!add_retention(s, name))
        return err_set(err, ST_INVALID, ERR_NOPOS, "no setting ${" STR_FMT "}", STR_ARG(inside));
    return ST_OK;
}

static status substitute_line(str line, struct substitution *s, struct err *err)
{
    while (line.len) {
        const char *open = memmem(line.ptr, line.len, "${", 2);
        const char *close = open ? memchr(open, '}', (size_t)(line.ptr + line.len - open)) : NULL;
        if (!close) break;
        buf_add(s->out, (str){line.ptr, (size_t)(open - line.ptr)});
        TRY(add(s, (str){open + 2, (size_t)(close - open - 2)}, err));
        line = str_drop(line, (size_t)(close + 1 - line.ptr));
    }
    buf_add(s->out, line);
    return ST_OK;
}

status schema_substitute(str sql, const struct schema_settings *set, struct buf *out,
                         struct err *err)
{
    size_t start = out->len;
    struct substitution s = {.set = set, .out = out, .keep_statement = true};
    while (sql.len) {
        const char *end = memchr(sql.ptr, '\n', sql.len);
        str line = {sql.ptr, end ? (size_t)(end - sql.ptr) : sql.len};
        sql = str_drop(sql, line.len + 1);
        size_t before = out->len;
        s.keep_line = true;
        TRY(substitute_line(line, &s, err));
        if (sql.len) buf_char(out, '\n');
        if (!s.keep_line) out->len = before;
    }
    if (!s.keep_statement) out->len = start;
    return ST_OK;
}
