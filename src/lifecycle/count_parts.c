/* How many parts the tables have: what the engine slows inserts down for. */
#include <string.h>

#include "base/num.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/rows.h"
#include "obs/metrics.h"

enum { TIMEOUT_MS = 30'000 };

static int slot_of(const struct schema_settings *set, str name)
{
    for (int i = 0; i < METRIC_TABLES; i++) {
        struct buf local;
        buf_init(&local, 256);
        schema_add_local(&local, set, str_of(metric_tables[i]));
        bool same = str_eq(buf_str(&local), name);
        buf_done(&local);
        if (same) return i;
    }
    return -1;
}

status lifecycle_count_parts(struct store *s, const struct schema_settings *set, atomic_bool *stop,
                             uint64_t *ret_most, struct err *err)
{
    static const char sql[] =
        "SELECT table, sum(n), max(n) FROM (SELECT table, partition_id, count() AS n"
        " FROM system.parts WHERE active AND database = currentDatabase()"
        " GROUP BY table, partition_id) GROUP BY table";
    struct rows rows;
    uint64_t all[METRIC_TABLES] = {0}, most[METRIC_TABLES] = {0}, highest = 0;
    TRY(rows_read_until(s, str_of(sql), TIMEOUT_MS, stop, &rows, err));
    for (str f[3]; rows_next(&rows, f, 3);) {
        int i = slot_of(set, f[0]);
        if (i < 0 || !num_parse_u64(f[1], &all[i]) || !num_parse_u64(f[2], &most[i])) continue;
        if (most[i] > highest) highest = most[i];
    }
    rows_done(&rows);
    for (unsigned i = 0; i < METRIC_TABLES; i++) {
        metric_set(M_STORE_PARTS, i, (int64_t)all[i]);
        metric_set(M_STORE_PARTS_MAX, i, (int64_t)most[i]);
    }
    *ret_most = highest;
    return ST_OK;
}
