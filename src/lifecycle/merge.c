#include "lifecycle/merge.h"

#include <stdio.h>

#include "store/store.h"

enum { ID_MAX = 64 };

static bool drop_piece(void *, str) { return true; }

status merge_partition(const struct lifecycle_run *run, const char *table, str id,
                       uint32_t timeout_ms, struct err *err)
{
    char sql[ID_MAX + 128];
    if (id.len > ID_MAX)
        return err_set(err, ST_INTERNAL, ERR_NOPOS, "a partition's id of %zu bytes", id.len);
    int n = snprintf(sql, sizeof sql, "OPTIMIZE TABLE %s PARTITION ID '" STR_FMT "' FINAL", table,
                     STR_ARG(id));
    struct store_query q = {.sql = {sql, (size_t)n},
                            .format = S("TabSeparated"),
                            .timeout_ms = timeout_ms,
                            .cancel = run->stop};
    return store_query(run->store, &q, drop_piece, NULL, NULL, err);
}
