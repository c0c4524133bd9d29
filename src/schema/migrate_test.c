#include "schema/migrate.h"

#include <stdio.h>

#include "testing/test.h"

static const struct schema_settings thirty = {30, 14, 7, 3600, 90};

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
    struct schema_settings forever = {0, 0, 7, 3600, 0};
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
    CHECK_INT(schema_substitute(S("x ${nope}"), &thirty, &out, &err), ST_INVALID);
    buf_done(&out);
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
            CHECK(memchr(sql.ptr, '$', sql.len) == NULL);
            n++;
        }
        CHECK(n > 0);
    }
}

/* What schema_migrate asks of a store, written down. */
struct script {
    unsigned statements, fail_at;
    struct applied_migration rows[4];
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

TEST(a_migration_is_recorded_after_its_last_statement)
{
    struct script s = {};
    struct err err = {};
    uint32_t n = 0;
    CHECK_INT(schema_migrate(&thirty, exec, applied, &s, &n, &err), ST_OK);
    CHECK_INT(n, n_migrations);
    CHECK(strstr(s.last, "INSERT INTO weir_migrations") != NULL);
    unsigned all = s.statements;
    s = (struct script){.fail_at = all - 1};
    CHECK_INT(schema_migrate(&thirty, exec, applied, &s, &n, &err), ST_UNAVAILABLE);
    CHECK_INT(s.statements, all - 1);
    CHECK(strstr(err.msg, migrations[n_migrations - 1].name) != NULL);
}

TEST(what_is_recorded_is_not_run_again)
{
    struct script s = {};
    for (size_t i = 0; i < n_migrations && i < 4; i++)
        s.rows[s.n++] =
            (struct applied_migration){migrations[i].version, migration_checksum(&migrations[i])};
    if (s.n < n_migrations) return;
    uint32_t n = 9;
    CHECK_INT(schema_migrate(&thirty, exec, applied, &s, &n, NULL), ST_OK);
    CHECK_INT(n, 0);
    CHECK_INT(s.statements, 1);
}

TEST(another_text_or_a_newer_version_is_refused)
{
    struct err err = {};
    struct script s = {.rows = {{migrations[0].version, 1}}, .n = 1};
    CHECK_INT(schema_migrate(&thirty, exec, applied, &s, NULL, &err), ST_UNSUPPORTED);
    s = (struct script){.rows = {{9000, 1}}, .n = 1};
    CHECK_INT(schema_migrate(&thirty, exec, applied, &s, NULL, &err), ST_UNSUPPORTED);
    CHECK(strstr(err.msg, "9000") != NULL);
    CHECK_INT(s.statements, 1);
}
