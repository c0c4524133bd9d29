/* What a cluster would run, as far as one engine without Keeper can: the statements of cluster mode
 * without ON CLUSTER and without replication, on a cluster of one shard, which is this engine. So
 * the Distributed tables, their sharding keys and inserts through them are real; replication and
 * more than one shard are not. */
#include <stdio.h>
#include <sys/stat.h>

#include "engine/engine.h"
#include "lifecycle/lifecycle.h"

/* Kept for ever: rows of 1970 stay. */
static const struct schema_settings cluster = {
    .traces_partition_seconds = 3600, .cluster = S("one"), .database = S("weir")};

/* Before the engine starts: a cluster whose only shard is here. */
static void define_cluster(void)
{
    char path[200];
    snprintf(path, sizeof path, "%s/weir-engine.d", engine_dir());
    CHECK_INT(mkdir(path, 0755), 0);
    snprintf(path, sizeof path, "%s/weir-engine.d/cluster.xml", engine_dir());
    FILE *f = fopen(path, "w");
    CHECK(f != NULL);
    fputs("<clickhouse><tcp_port>9000</"
          "tcp_port><remote_servers><one><shard><internal_replication>true"
          "</internal_replication><replica><host>127.0.0.1</host><port>9000</port></replica>"
          "</shard></one></remote_servers></clickhouse>\n",
          f);
    CHECK_INT(fclose(f), 0);
}

/* `text` with `in` for what stands from `from` up to and with `to`, wherever it does. */
static str replace(str text, const char *from, const char *to, const char *in, struct buf *out)
{
    buf_clear(out);
    for (;;) {
        const char *at = memmem(text.ptr, text.len, from, strlen(from));
        if (!at) break;
        str rest = str_drop(text, (size_t)(at - text.ptr) + strlen(from));
        const char *end = memmem(rest.ptr, rest.len, to, strlen(to));
        CHECK(end != NULL);
        buf_add(out, (str){text.ptr, (size_t)(at - text.ptr)});
        buf_add(out, str_of(in));
        text = str_drop(rest, (size_t)(end - rest.ptr) + strlen(to));
    }
    buf_add(out, text);
    return buf_str(out);
}

/* ReplicatedXMergeTree('path', '{replica}'...) becomes XMergeTree(...). */
static status exec_alone(void *store, str sql, struct err *err)
{
    struct buf a, b, c;
    buf_init(&a, 1 << 20);
    buf_init(&b, 1 << 20);
    buf_init(&c, 1 << 20);
    sql = replace(sql, " ON CLUSTER '", "'", "", &a);
    sql = replace(sql, "'/clickhouse/tables/", "', '{", "'{", &b);
    sql = replace(sql, "'{", "}'", "", &c);
    sql = replace(sql, "MergeTree(, ", "", "MergeTree(", &a);
    sql = replace(sql, "Replicated", "", "", &b);
    sql = replace(sql, "replicated_deduplication_window =", "604800",
                  "non_replicated_deduplication_window = 10000", &c);
    status s = store_exec(store, sql, err);
    if (s != ST_OK) fprintf(stderr, STR_FMT "\n", STR_ARG(sql));
    buf_done(&a);
    buf_done(&b);
    buf_done(&c);
    return s;
}

static status none(void *, struct applied_migration *, size_t, size_t *ret_n, struct err *)
{
    *ret_n = 0;
    return ST_OK;
}

TEST(the_tables_of_a_cluster_take_and_give_rows_by_their_distributed_names)
{
    struct err err = {};
    define_cluster();
    struct store *s = engine_store();
    CHECK_STR(engine_ask(s, "SELECT is_local FROM system.clusters WHERE cluster = 'one'"), S("1"));
    WANT(schema_migrate(&cluster, exec_alone, none, s, 0, NULL, &err), ST_OK);
    WANT(lifecycle_check_columns(s, &err), ST_OK);
    CHECK_STR(engine_ask(s, "SELECT count() = countIf(engine = 'Distributed') FROM system.tables"
                            " WHERE database = 'weir' AND name LIKE 'otel%' AND NOT endsWith(name,"
                            " '_local') AND engine NOT IN ('View', 'MaterializedView')"),
              S("1"));
    struct store_options opt = {
        .driver = STORE_EMBEDDED, .data_dir = str_of(engine_dir()), .is_cluster = true};
    struct store *all;
    WANT(store_open(&opt, &all, &err), ST_OK);
    char sql[500];
    for (size_t i = 0; i < n_schema_columns; i++) {
        const char *table = schema_columns[i].table;
        if (i && strcmp(table, schema_columns[i - 1].table) == 0) continue;
        snprintf(sql, sizeof sql, "INSERT INTO %s (%s) SELECT defaultValueOfTypeName($$%s$$)",
                 table, schema_columns[i].column, schema_columns[i].type);
        engine_do(all, sql);
        snprintf(sql, sizeof sql,
                 "WITH (SELECT count() FROM %s_local) AS l, (SELECT count() FROM %s) AS d"
                 " SELECT l = d AND l >= 1", /* views add to some */
                 table, table);
        CHECK_STR(engine_ask(s, sql), S("1"));
    }
    CHECK_STR(engine_ask(all, "SELECT getSetting('distributed_foreground_insert'),"
                              " getSetting('distributed_product_mode')"),
              S("true\tglobal"));
    CHECK_STR(engine_ask(all, "SELECT count() FROM otel_logs WHERE stream_id IN (SELECT stream_id"
                              " FROM otel_log_streams)"),
              S("1"));
    for (int i = 0; i < 2; i++)
        engine_do(all,
                  "INSERT INTO otel_logs (timestamp, stream_id, body) SETTINGS async_insert = 0,"
                  " insert_deduplication_token = 'a'"
                  " SELECT now64(9), number, 'x' FROM numbers(100)");
    CHECK_STR(engine_ask(s, "SELECT count() FROM otel_logs WHERE body = 'x'"), S("100"));
    CHECK_STR(engine_ask(s, "SELECT count() FROM otel_logs_local WHERE body = 'x'"), S("100"));
}
