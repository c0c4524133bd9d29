#include "schema/migrate.h"

#include <stdio.h>

#include "testing/test.h"

static const struct schema_settings thirty = {
    .traces_partition_seconds = 3600,
    .retention_days = {30, 14, 7, 90, 90, 90, 365, 365, 365},
    .views = S("otel")};
static const struct schema_settings cluster = {
    .traces_partition_seconds = 3600,
    .retention_days = {30, 14, 7, 90, 90, 90, 365, 365, 365},
    .cluster = S("c"),
    .database = S("weir"),
    .views = S("otel")};

TEST(statements_end_with_a_line_that_is_a_semicolon)
{
    str rest = S("-- about\n\nCREATE a (\n  -- inside; not an end\n  b\n)\n;\n\n;\n-- "
                 "nothing\n;\nDROP x\n"),
        one;
    CHECK(schema_statement_next(&rest, &one));
    CHECK_STR(one, S("CREATE a (\n  -- inside; not an end\n  b\n)"));
    CHECK(schema_statement_next(&rest, &one));
    CHECK_STR(one, S("DROP x"));
    CHECK(!schema_statement_next(&rest, &one));
}

static str substituted(str sql, const struct schema_settings *set)
{
    static struct buf out;
    buf_done(&out);
    buf_init(&out, 1 << 16);
    struct err err = {};
    CHECK_INT(schema_substitute(sql, set, &out, &err), ST_OK);
    return buf_str(&out);
}

TEST(settings_are_put_into_statements)
{
    CHECK_STR(
        substituted(S("a ${retention_logs_days}${traces_partition_seconds} b\n$ {x} ${"), &thirty),
        S("a 143600 b\n$ {x} ${"));
}

TEST(a_retention_of_no_days_takes_its_line_away)
{
    struct schema_settings forever = {.retention_days = {[SCHEMA_KEEP_metrics] = 7}};
    CHECK_STR(
        substituted(S("ORDER BY a\nTTL a + INTERVAL ${retention_traces_days} DAY\nSETTINGS b"),
                    &forever),
        S("ORDER BY a\nSETTINGS b"));
    CHECK_STR(substituted(S("TTL a + INTERVAL ${retention_metrics_days} DAY"), &forever),
              S("TTL a + INTERVAL 7 DAY"));
}

TEST(a_name_that_is_no_setting_is_refused)
{
    struct buf out;
    buf_init(&out, 1 << 16);
    struct err err = {};
    static const str wrong[] = {S("x ${nope}"),        S("${table}"),
                                S("${engine}"),        S("${distributed}"),
                                S("${distributed a}"), S("${deduplication_window}")};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_INT(schema_substitute(wrong[i], &thirty, &out, &err), ST_INVALID);
    buf_done(&out);
}

TEST(a_table_of_a_cluster_is_a_local_and_a_distributed_one)
{
    CHECK_STR(substituted(S("CREATE ${table a} ENGINE = ${engine MergeTree}"), &thirty),
              S("CREATE a ENGINE = MergeTree"));
    CHECK_STR(substituted(S("CREATE ${table a} ENGINE = ${engine MergeTree}"), &cluster),
              S("CREATE a_local ON CLUSTER 'c' ENGINE = ReplicatedMergeTree("
                "'/clickhouse/tables/{database}/{table}/{shard}', '{replica}')"));
    CHECK_STR(substituted(S("${engine ReplacingMergeTree v, w}"), &thirty),
              S("ReplacingMergeTree(v, w)"));
    CHECK_STR(substituted(S("${engine ReplacingMergeTree v}"), &cluster),
              S("ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}/{shard}', "
                "'{replica}', v)"));
    CHECK_STR(substituted(S("CREATE v${on_cluster} TO ${local a}"), &thirty), S("CREATE v TO a"));
    CHECK_STR(substituted(S("CREATE v${on_cluster} TO ${local a}"), &cluster),
              S("CREATE v ON CLUSTER 'c' TO a_local"));
    CHECK_STR(substituted(S("${distributed a hash(b, c)}"), &cluster),
              S("CREATE TABLE IF NOT EXISTS a ON CLUSTER 'c' AS weir.a_local\n"
                "ENGINE = Distributed('c', 'weir', 'a_local', hash(b, c))"));
}

TEST(a_statement_for_clusters_is_nothing_elsewhere)
{
    CHECK_STR(substituted(S("${distributed a hash(b)}"), &thirty), S(""));
    CHECK_STR(substituted(S("${cluster_only}ALTER a\nDROP b"), &thirty), S(""));
    CHECK_STR(substituted(S("${cluster_only}ALTER a\nDROP b"), &cluster), S("ALTER a\nDROP b"));
}

TEST(embedded_migrations_are_in_order_and_whole)
{
    CHECK(n_migrations > 0);
    for (size_t i = 0; i < n_migrations; i++) {
        CHECK(i == 0 || migrations[i].version > migrations[i - 1].version);
        char path[256];
        snprintf(path, sizeof path, "%04u_", migrations[i].version);
        CHECK(strncmp(migrations[i].name, path, 5) == 0);
        str rest = {migrations[i].sql, strlen(migrations[i].sql)}, one;
        size_t n = 0;
        while (schema_statement_next(&rest, &one)) {
            str sql = substituted(one, &thirty);
            CHECK(!sql.len || memchr(sql.ptr, '$', sql.len) == NULL);
            n++;
        }
        CHECK(n > 0);
    }
}

/* What schema_migrate asks of a store, written down. */
struct script {
    unsigned statements, fail_at;
    struct applied_migration rows[100];
    size_t n;
    char last[128];
};

static status exec(void *ctx, str sql, struct err *err)
{
    struct script *s = ctx;
    if (++s->statements == s->fail_at) return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "gone");
    snprintf(s->last, sizeof s->last, STR_FMT, STR_ARG(sql));
    return ST_OK;
}

static status applied(void *ctx, struct applied_migration *out, size_t cap, size_t *ret_n,
                      struct err *)
{
    struct script *s = ctx;
    CHECK(cap >= s->n);
    memcpy(out, s->rows, s->n * sizeof *out);
    *ret_n = s->n;
    return ST_OK;
}

static status write_down(void *ctx, str sql, struct err *)
{
    buf_printf(ctx, STR_FMT "\n;\n\n", STR_ARG(sql));
    return ST_OK;
}

static status none_applied(void *, struct applied_migration *, size_t, size_t *ret_n, struct err *)
{
    *ret_n = 0;
    return ST_OK;
}

static void check_all(const struct schema_settings *set, const char *path)
{
    struct buf all;
    buf_init(&all, 4 << 20);
    struct err err = {};
    CHECK_INT(schema_migrate(set, write_down, none_applied, &all, 0, NULL, &err), ST_OK);
    test_golden(path, buf_str(&all));
    buf_done(&all);
}

TEST(what_one_engine_would_run) { check_all(&thirty, "src/schema/testdata/single.sql"); }
TEST(what_a_cluster_would_run) { check_all(&cluster, "src/schema/testdata/cluster.sql"); }

TEST(a_migration_is_recorded_after_its_last_statement)
{
    struct script s = {};
    struct err err = {};
    uint32_t n = 0;
    CHECK_INT(schema_migrate(&thirty, exec, applied, &s, 0, &n, &err), ST_OK);
    CHECK_INT(n, n_migrations);
    CHECK(strstr(s.last, "INSERT INTO weir_migrations") != NULL);
    unsigned all = s.statements;
    s = (struct script){.fail_at = all - 1};
    CHECK_INT(schema_migrate(&thirty, exec, applied, &s, 0, &n, &err), ST_UNAVAILABLE);
    CHECK_INT(s.statements, all - 1);
    CHECK(strstr(err.msg, migrations[n_migrations - 1].name) != NULL);
}

TEST(what_is_recorded_is_not_run_again)
{
    struct script s = {};
    for (size_t i = 0; i < n_migrations && i < 100; i++)
        s.rows[s.n++] = (struct applied_migration){migrations[i].version,
                                                   migration_checksum(&migrations[i]), ""};
    if (s.n < n_migrations) return;
    uint32_t n = 9;
    CHECK_INT(schema_migrate(&thirty, exec, applied, &s, 0, &n, NULL), ST_OK);
    CHECK_INT(n, 0);
    CHECK_INT(s.statements, 0);
}

TEST(another_text_or_a_newer_version_is_refused)
{
    struct err err = {};
    struct script s = {.rows = {{migrations[0].version, 1, ""}}, .n = 1};
    CHECK_INT(schema_migrate(&thirty, exec, applied, &s, 0, NULL, &err), ST_UNSUPPORTED);
    s = (struct script){.rows = {{9000, 1, ""}}, .n = 1};
    CHECK_INT(schema_migrate(&thirty, exec, applied, &s, 0, NULL, &err), ST_UNSUPPORTED);
    CHECK(strstr(err.msg, "9000") != NULL);
    CHECK_INT(s.statements, 0);
}

TEST(migrations_go_up_to_a_version_that_there_is)
{
    struct script s = {};
    struct err err = {};
    uint32_t n = 0;
    CHECK_INT(schema_migrate(&thirty, exec, applied, &s, 1, &n, &err), ST_OK);
    CHECK_INT(n, 1);
    CHECK_INT(schema_migrate(&thirty, exec, applied, &s, 9000, &n, &err), ST_INVALID);
}
