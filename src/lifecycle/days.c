#include "lifecycle/days.h"

#include <inttypes.h>
#include <stdio.h>

#include "lifecycle/merge.h"
#include "lifecycle/rows.h"

/* At 50,000 points a second a day has 10.5 GB. Larger ones have few cut hours. */
#define BYTES_MAX (UINT64_C(16) << 30)

enum { LOOK_TIMEOUT_MS = 30'000, MERGE_TIMEOUT_MS = 4 * 3600'000, REST = 10, SQL_MAX = 1500 };

/* What is fresh is a few late rows, if anything: a day that is over may get some for weeks. Rows
 * outside of the largest part, and not parts, so that a day is written again when it has grown by a
 * twentieth, however its rows came. A merge needs room for what it writes, and the engine wants
 * as much again. */
static const char candidate[] =
    "SELECT partition_id FROM (SELECT partition_id, sum(rows) AS n, max(rows) AS largest,"
    " sumIf(rows, modification_time > now() - %" PRIu32 ") AS fresh, max(max_time) AS newest,"
    " countIf(disk_name != 'default') AS elsewhere, sum(bytes_on_disk) AS bytes"
    " FROM system.parts WHERE active AND database = currentDatabase() AND table = 'otel_metrics'"
    " GROUP BY partition_id) WHERE n > largest AND (n - largest) * 20 >= n AND fresh * 100 <= n"
    " AND newest <= now() - %" PRIu32 " AND elsewhere = 0 AND bytes <= %" PRIu64
    " AND (SELECT min(unreserved_space) FROM system.disks WHERE name = 'default')"
    " >= 2 * bytes + %" PRIu64 " AND (SELECT count() FROM system.merges WHERE"
    " database = currentDatabase() AND table = 'otel_metrics') = 0"
    " ORDER BY newest DESC LIMIT 1";

status merge_days(struct days *d, const struct lifecycle_run *run, uint32_t *ret_partitions,
                  struct err *err)
{
    *ret_partitions = 0;
    nanos began = clock_monotonic();
    if (store_driver_of(run->store) == STORE_SERVER || began < d->not_before) return ST_OK;
    char sql[SQL_MAX];
    int n = snprintf(sql, sizeof sql, candidate, d->quiet_seconds, d->quiet_seconds, BYTES_MAX,
                     d->reserve);
    struct rows rows;
    TRY(rows_read_until(run->store, (str){sql, (size_t)n}, LOOK_TIMEOUT_MS, run->stop, &rows, err));
    status s = ST_OK;
    str id;
    if (rows_next(&rows, &id, 1)) {
        s = merge_partition(run, "otel_metrics", id, MERGE_TIMEOUT_MS, err);
        nanos ended = clock_monotonic();
        d->not_before = ended + (s == ST_OK ? REST * (ended - began) : NANOS_HOUR);
        *ret_partitions = s == ST_OK;
    }
    rows_done(&rows);
    return s;
}
