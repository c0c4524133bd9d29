#include "lifecycle/compact.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/num.h"
#include "lifecycle/merge.h"
#include "lifecycle/rows.h"

/* Of an hour that stays compact: 20 million spans a day are 833,333 an hour. */
#define FEW_ROWS 1048576
#define FEW_BYTES 268435456

/* As migration 1 has it, and for few rows. */
#define WIDE_FROM "min_rows_for_wide_part = "
#define MANY WIDE_FROM "131072"
#define FEW WIDE_FROM "1048577"

enum { LOOK_TIMEOUT_MS = 30'000, MERGE_TIMEOUT_MS = 600'000, REST = 20, SQL_MAX = 1500 };

static const nanos at_a_time = 2 * NANOS_S;

/* Of the partition before the newest and of the newest, as the clock says. */
static const char newest[] =
    "SELECT sumIf(rows, toUnixTimestamp(min_time) < %" PRIu64 "),"
    " sumIf(rows, toUnixTimestamp(min_time) >= %" PRIu64 ") FROM system.parts WHERE active AND"
    " database = currentDatabase() AND table = 'otel_traces' AND toUnixTimestamp(max_time) >="
    " %" PRIu64;

/* What lies elsewhere than new rows do, on the volume `cold`, stays as it is. */
static const char candidates[] =
    "SELECT partition_id FROM (SELECT partition_id, sum(rows) AS n, count() AS parts,"
    " countIf(part_type != 'Compact') AS wide, max(modification_time) AS written,"
    " max(max_time) AS newest, uniqExact(disk_name) AS disks, any(disk_name) AS disk,"
    " sum(bytes_on_disk) AS bytes FROM system.parts WHERE active AND"
    " database = currentDatabase() AND table = 'otel_traces' GROUP BY partition_id)"
    " WHERE parts > 1 AND wide = 0 AND n <= %d AND bytes <= %d"
    " AND written <= now() - %" PRIu32 " AND newest <= now() - %" PRIu32
    " AND disks = 1 AND disk = 'default' AND (SELECT count() FROM system.merges WHERE"
    " database = currentDatabase() AND table = 'otel_traces') = 0"
    " ORDER BY parts / (n + 10000) DESC LIMIT 64";

/* Are few rows written? An hour that has just begun is taken for one with as many all along. */
static status is_little(const struct compact *c, const struct lifecycle_run *run, bool *ret,
                        struct err *err)
{
    uint64_t width = c->partition_seconds, now = (uint64_t)(run->now / NANOS_S);
    uint64_t begun = now / width * width, gone = now - begun, rows[2] = {0};
    char sql[SQL_MAX];
    int n = snprintf(sql, sizeof sql, newest, begun, begun, begun - width);
    struct rows r;
    str f[2];
    TRY(rows_read_until(run->store, (str){sql, (size_t)n}, LOOK_TIMEOUT_MS, run->stop, &r, err));
    bool ok = rows_next(&r, f, 2) && num_parse_u64(f[0], &rows[0]) && num_parse_u64(f[1], &rows[1]);
    rows_done(&r);
    if (!ok) return err_set(err, ST_INTERNAL, ERR_NOPOS, "cannot tell how many spans there are");
    if (gone < width / 60) gone = width / 60;
    *ret = rows[0] <= FEW_ROWS && rows[1] <= FEW_ROWS && rows[1] * width / gone <= FEW_ROWS;
    return ST_OK;
}

static status say(struct store *s, bool few, struct err *err)
{
    struct rows rows;
    str field;
    TRY(rows_read(s,
                  S("SELECT position(engine_full, '" FEW "') > 0 FROM system.tables WHERE"
                    " database = currentDatabase() AND name = 'otel_traces'"),
                  NULL, 0, &rows, err));
    bool is_few = rows_next(&rows, &field, 1) && str_eq(field, S("1"));
    rows_done(&rows);
    if (is_few == few) return ST_OK;
    return store_exec(s,
                      few ? S("ALTER TABLE otel_traces MODIFY SETTING " FEW)
                          : S("ALTER TABLE otel_traces MODIFY SETTING " MANY),
                      err);
}

static status merge_some(const struct compact *c, const struct lifecycle_run *run, nanos until,
                         uint32_t *ret_merged, struct err *err)
{
    char sql[SQL_MAX];
    int n = snprintf(sql, sizeof sql, candidates, FEW_ROWS, FEW_BYTES, c->quiet_seconds,
                     c->quiet_seconds);
    struct rows rows;
    TRY(rows_read_until(run->store, (str){sql, (size_t)n}, LOOK_TIMEOUT_MS, run->stop, &rows, err));
    status s = ST_OK;
    for (str id; s == ST_OK && rows_next(&rows, &id, 1);) {
        s = merge_partition(run, "otel_traces", id, MERGE_TIMEOUT_MS, err);
        ++*ret_merged;
        if (clock_monotonic() >= until || atomic_load(run->stop)) break;
    }
    rows_done(&rows);
    return s;
}

status compact_hours(struct compact *c, const struct lifecycle_run *run, uint32_t *ret_partitions,
                     struct err *err)
{
    *ret_partitions = 0;
    if (store_driver_of(run->store) == STORE_SERVER) return ST_OK;
    bool few;
    TRY(is_little(c, run, &few, err));
    nanos began = clock_monotonic();
    if (!few || c->few_since == 0) c->few_since = few ? began : 0;
    if (few && began - c->few_since < c->patience) return ST_OK;
    TRY(say(run->store, few, err));
    if (!few || began < c->not_before) return ST_OK;
    status s = merge_some(c, run, began + at_a_time, ret_partitions, err);
    nanos ended = clock_monotonic();
    c->not_before = ended + REST * (ended - began);
    return s;
}
