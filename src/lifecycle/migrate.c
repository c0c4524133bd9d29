/* Migrations over a store. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/num.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/lock.h"
#include "lifecycle/rows.h"
#include "obs/log.h"
#include "store/store.h"

/* A statement ON CLUSTER may wait three minutes for a node. */
static const nanos lease = 240 * NANOS_S, longest_wait = 600 * NANOS_S;

struct run {
    struct store *store;
    struct migration_lock lock;
    struct buf *print; /* NULL: statements are run */
};

static status exec(void *ctx, str sql, struct err *err)
{
    struct run *r = ctx;
    if (r->print) {
        buf_printf(r->print, STR_FMT "\n;\n\n", STR_ARG(sql));
        return ST_OK;
    }
    if (r->lock.number) TRY(lock_hold(&r->lock, err));
    return store_exec(r->store, sql, err);
}

static status read_rows(struct rows *rows, struct applied_migration *out, size_t cap, size_t *ret_n,
                        struct err *err)
{
    size_t n = 0;
    for (str field[3]; rows_next(rows, field, 3); n++) {
        uint64_t version = 0;
        if (n == cap || !num_parse_u64(field[0], &version) || version > UINT32_MAX ||
            !num_parse_u64(field[1], &out[n].checksum) || field[2].len >= sizeof out[n].at)
            return err_set(err, ST_INTERNAL, ERR_NOPOS, "cannot read " SCHEMA_MIGRATIONS_TABLE);
        out[n].version = (uint32_t)version;
        memcpy(out[n].at, field[2].ptr, field[2].len);
        out[n].at[field[2].len] = 0;
    }
    *ret_n = n;
    return ST_OK;
}

status lifecycle_applied(struct store *s, struct applied_migration *out, size_t cap, size_t *ret_n,
                         struct err *err)
{
    struct rows rows;
    TRY(rows_read(s,
                  S("SELECT 1 FROM system.tables WHERE database = currentDatabase()"
                    " AND name = '" SCHEMA_MIGRATIONS_TABLE "'"),
                  NULL, 0, &rows, err));
    str one;
    bool is_there = rows_next(&rows, &one, 1);
    rows_done(&rows);
    *ret_n = 0;
    if (!is_there) return ST_OK;
    TRY(rows_read(s,
                  S("SELECT version, checksum, applied_at FROM " SCHEMA_MIGRATIONS_TABLE
                    " FINAL ORDER BY version"),
                  NULL, 0, &rows, err));
    status st = read_rows(&rows, out, cap, ret_n, err);
    rows_done(&rows);
    return st;
}

static status applied(void *ctx, struct applied_migration *out, size_t cap, size_t *ret_n,
                      struct err *err)
{
    return lifecycle_applied(((struct run *)ctx)->store, out, cap, ret_n, err);
}

static status count_pending(struct run *r, uint32_t to, uint32_t *ret, struct err *err)
{
    struct applied_migration *rows = calloc(SCHEMA_MIGRATIONS_MAX, sizeof *rows);
    bool *pending = calloc(n_migrations + 1, sizeof *pending);
    if (!rows || !pending) abort();
    size_t n = 0;
    status s = applied(r, rows, SCHEMA_MIGRATIONS_MAX, &n, err);
    if (s == ST_OK) s = schema_pending(rows, n, to, pending, ret, err);
    free(rows);
    free(pending);
    return s;
}

/* On all nodes: the lock is a table of it. */
static status make_database(struct store *s, const struct schema_settings *set, struct err *err)
{
    struct buf sql;
    buf_init(&sql, 4096);
    schema_add_database(&sql, set);
    status st = store_exec(s, buf_str(&sql), err);
    buf_done(&sql);
    return st;
}

status lifecycle_migrate_to(struct store *s, const struct schema_settings *set, uint32_t to,
                            struct buf *print, uint32_t *ret_applied, struct err *err)
{
    struct run r = {.store = s, .print = print};
    uint32_t pending = 0;
    TRY(count_pending(&r, to, &pending, err));
    if (ret_applied) *ret_applied = 0;
    if (!pending) return ST_OK;
    if (!print && store_driver_of(s) == STORE_SERVER) {
        if (set->cluster.len) TRY(make_database(s, set, err));
        TRY(lock_take(s, set, lease, clock_monotonic() + longest_wait, &r.lock, err));
    }
    status st = schema_migrate(set, exec, applied, &r, to, ret_applied, err);
    lock_release(&r.lock);
    return st;
}

status lifecycle_migrate(struct store *s, const struct schema_settings *set, uint32_t *ret_applied,
                         struct err *err)
{
    return lifecycle_migrate_to(s, set, 0, NULL, ret_applied, err);
}

status lifecycle_start(struct store *s, const struct schema_settings *set, struct err *err)
{
    uint32_t migrated = 0, changed = 0, indexes = 0, merges = 0, codecs = 0;
    TRY(lifecycle_migrate(s, set, &migrated, err));
    TRY(lifecycle_use_policy(s, set, err));
    TRY(lifecycle_retain(s, set, &changed, err));
    TRY(lifecycle_index(s, set, &indexes, err));
    TRY(lifecycle_merges(s, &merges, err));
    TRY(lifecycle_codecs(s, &codecs, err));
    if (migrated || changed || indexes || merges || codecs)
        log_info("lifecycle", "tables made ready", LOG_INT("migrations", migrated),
                 LOG_INT("retention_changes", changed), LOG_INT("index_changes", indexes),
                 LOG_INT("merge_changes", merges), LOG_INT("codec_changes", codecs));
    return ST_OK;
}
