/* Migrations over a store. */
#include <inttypes.h>

#include "base/num.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/rows.h"
#include "obs/log.h"
#include "store/store.h"

static status exec(void *ctx, str sql, struct err *err) { return store_exec(ctx, sql, err); }

static status applied(void *ctx, struct applied_migration *out, size_t cap, size_t *ret_n,
                      struct err *err)
{
    struct rows rows;
    TRY(rows_read(ctx, S("SELECT version, checksum FROM " SCHEMA_MIGRATIONS_TABLE " FINAL"), NULL,
                  0, &rows, err));
    size_t n = 0;
    status s = ST_OK;
    for (str field[2]; s == ST_OK && rows_next(&rows, field, 2);) {
        uint64_t version = 0, checksum = 0;
        if (n == cap || !num_parse_u64(field[0], &version) || version > UINT32_MAX ||
            !num_parse_u64(field[1], &checksum))
            s = err_set(err, ST_INTERNAL, ERR_NOPOS, "cannot read " SCHEMA_MIGRATIONS_TABLE);
        else
            out[n++] = (struct applied_migration){(uint32_t)version, checksum};
    }
    rows_done(&rows);
    if (s == ST_OK) *ret_n = n;
    return s;
}

status lifecycle_migrate(struct store *s, const struct schema_settings *set, uint32_t *ret_applied,
                         struct err *err)
{
    return schema_migrate(set, exec, applied, s, ret_applied, err);
}

status lifecycle_start(struct store *s, const struct schema_settings *set, struct err *err)
{
    uint32_t migrated = 0, changed = 0;
    TRY(lifecycle_migrate(s, set, &migrated, err));
    TRY(lifecycle_retain(s, set, &changed, err));
    if (migrated || changed)
        log_info("lifecycle", "tables made ready", LOG_INT("migrations", migrated),
                 LOG_INT("retention_changes", changed));
    return ST_OK;
}
