#include "schema/migrate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

enum { STATEMENT_BYTES = 1 << 20 };

uint64_t migration_checksum(const struct migration *m)
{
    return hash_str((str){m->sql, strlen(m->sql)});
}

/* The next line without its newline; false at the end. */
static bool next_line(str *rest, str *ret)
{
    if (!rest->len) return false;
    const char *end = memchr(rest->ptr, '\n', rest->len);
    size_t n = end ? (size_t)(end - rest->ptr) : rest->len;
    *ret = (str){rest->ptr, n};
    *rest = str_drop(*rest, n + 1);
    return true;
}

static bool says_something(str line)
{
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] == ' ' || line.ptr[i] == '\t') continue;
        return !(line.ptr[i] == '-' && i + 1 < line.len && line.ptr[i + 1] == '-');
    }
    return false;
}

bool schema_statement_next(str *rest, str *ret)
{
    str line;
    const char *start = NULL, *end = NULL;
    while (next_line(rest, &line)) {
        if (str_eq(line, S(";"))) {
            if (start) break;
            continue;
        }
        if (!start && !says_something(line)) continue;
        if (!start) start = line.ptr;
        end = line.ptr + line.len;
    }
    if (!start) return false;
    *ret = (str){start, (size_t)(end - start)};
    return true;
}

static status check_known(const struct applied_migration *row, bool *pending, struct err *err)
{
    uint32_t newest = n_migrations ? migrations[n_migrations - 1].version : 0;
    if (row->version > newest)
        return err_set(err, ST_UNSUPPORTED, ERR_NOPOS,
                       "the store's schema has version %" PRIu32 ", this weir knows %" PRIu32
                       ": run a newer weir",
                       row->version, newest);
    for (size_t k = 0; k < n_migrations; k++) {
        if (migrations[k].version != row->version) continue;
        if (migration_checksum(&migrations[k]) != row->checksum)
            return err_set(err, ST_UNSUPPORTED, ERR_NOPOS,
                           "migration %s was applied from another text than this weir's",
                           migrations[k].name);
        pending[k] = false;
    }
    return ST_OK;
}

status schema_pending(const struct applied_migration *applied, size_t n, uint32_t to, bool *pending,
                      uint32_t *ret_n, struct err *err)
{
    bool known = to == 0;
    for (size_t k = 0; k < n_migrations; k++) {
        pending[k] = to == 0 || migrations[k].version <= to;
        known = known || migrations[k].version == to;
    }
    if (!known) return err_set(err, ST_INVALID, ERR_NOPOS, "there is no migration %" PRIu32, to);
    for (size_t i = 0; i < n; i++) TRY(check_known(&applied[i], pending, err));
    uint32_t count = 0;
    for (size_t k = 0; k < n_migrations; k++) count += pending[k];
    *ret_n = count;
    return ST_OK;
}

static status apply(const struct migration *m, const struct schema_settings *set, migrate_exec exec,
                    void *ctx, struct err *err)
{
    str rest = {m->sql, strlen(m->sql)}, statement;
    struct buf sql;
    buf_init(&sql, STATEMENT_BYTES);
    status s = ST_OK;
    for (unsigned i = 1; s == ST_OK && schema_statement_next(&rest, &statement); i++) {
        buf_clear(&sql);
        s = schema_substitute(statement, set, &sql, err);
        if (s == ST_OK && sql.over)
            s = err_set(err, ST_LIMIT, ERR_NOPOS, "more than %d bytes", STATEMENT_BYTES);
        if (s == ST_OK && sql.len) s = exec(ctx, buf_str(&sql), err);
        if (s != ST_OK) s = err_wrap(err, s, "migration %s, statement %u", m->name, i);
    }
    if (s == ST_OK) { /* last: a migration that is recorded is whole */
        buf_clear(&sql);
        buf_printf(&sql,
                   "INSERT INTO " SCHEMA_MIGRATIONS_TABLE
                   " (version, name, checksum) VALUES (%" PRIu32 ", '%s', %" PRIu64 ")",
                   m->version, m->name, migration_checksum(m));
        s = exec(ctx, buf_str(&sql), err);
        if (s != ST_OK) s = err_wrap(err, s, "recording migration %s", m->name);
    }
    buf_done(&sql);
    return s;
}

/* In a cluster the record is one table, replicated to all nodes of all shards. */
static status prepare(const struct schema_settings *set, migrate_exec exec, void *ctx,
                      struct err *err)
{
    struct buf sql;
    buf_init(&sql, STATEMENT_BYTES);
    status s = ST_OK;
    if (set->cluster.len) {
        schema_add_database(&sql, set);
        s = exec(ctx, buf_str(&sql), err);
    }
    buf_clear(&sql);
    buf_add(&sql, S("CREATE TABLE IF NOT EXISTS " SCHEMA_MIGRATIONS_TABLE));
    schema_add_on_cluster(&sql, set);
    buf_add(&sql, S(" (version UInt32, name String, checksum UInt64,"
                    " applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = "));
    buf_add(&sql, set->cluster.len ? S("ReplicatedReplacingMergeTree('/clickhouse/tables/{database}"
                                       "/{table}', '{shard}_{replica}')")
                                   : S("ReplacingMergeTree"));
    buf_add(&sql, S(" ORDER BY version"));
    if (s == ST_OK) s = exec(ctx, buf_str(&sql), err);
    buf_done(&sql);
    return s;
}

status schema_migrate(const struct schema_settings *set, migrate_exec exec, migrate_applied applied,
                      void *ctx, uint32_t to, uint32_t *ret_applied, struct err *err)
{
    struct applied_migration *rows = calloc(SCHEMA_MIGRATIONS_MAX, sizeof *rows);
    bool *pending = calloc(n_migrations + 1, sizeof *pending);
    if (!rows || !pending) abort();
    size_t n = 0;
    uint32_t count = 0;
    status s = applied(ctx, rows, SCHEMA_MIGRATIONS_MAX, &n, err);
    if (s == ST_OK) s = schema_pending(rows, n, to, pending, &count, err);
    if (s == ST_OK && count) s = prepare(set, exec, ctx, err);
    for (size_t i = 0; s == ST_OK && i < n_migrations; i++)
        if (pending[i]) s = apply(&migrations[i], set, exec, ctx, err);
    free(rows);
    free(pending);
    if (s == ST_OK && ret_applied) *ret_applied = count;
    return s;
}
