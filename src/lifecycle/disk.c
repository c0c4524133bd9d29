#include "lifecycle/disk.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/num.h"
#include "lifecycle/rows.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "store/store.h"

enum { NAME_MAX_BYTES = 256, DROPS_MAX = 1000 };

#define RAW "('otel_traces', 'otel_logs', 'otel_metrics', 'otel_metric_exemplars')"

struct disk {
    char name[NAME_MAX_BYTES];
    uint64_t free;
};

/* The fullest of them. Parts that are no longer active are removed soon. */
static status look(struct store *s, struct disk *ret, struct err *err)
{
    struct rows rows;
    TRY(rows_read(
        s,
        S("SELECT d.name, d.unreserved_space + p.leaving AS free FROM system.disks AS d LEFT JOIN"
          " (SELECT disk_name, sum(bytes_on_disk) AS leaving FROM system.parts WHERE NOT active AND"
          " database = currentDatabase() GROUP BY disk_name) AS p ON p.disk_name = d.name"
          " WHERE d.name IN (SELECT arrayJoin(disks)"
          " FROM system.storage_policies WHERE volume_priority = 1 AND policy_name IN (SELECT"
          " storage_policy FROM system.tables WHERE database = currentDatabase() AND name IN " RAW
          ")) AND lower(d.type) = 'local' ORDER BY free LIMIT 1"),
        NULL, 0, &rows, err));
    str field[2];
    status st = ST_OK;
    if (!rows_next(&rows, field, 2) || !num_parse_u64(field[1], &ret->free) ||
        field[0].len >= sizeof ret->name)
        st = err_set(err, ST_INTERNAL, ERR_NOPOS, "cannot tell how full the store's disk is");
    else
        snprintf(ret->name, sizeof ret->name, STR_FMT, STR_ARG(field[0]));
    rows_done(&rows);
    return st;
}

struct victim {
    char table[NAME_MAX_BYTES], partition[NAME_MAX_BYTES], newest[NAME_MAX_BYTES];
    uint64_t bytes;
};

/* The partition of raw rows on that disk whose newest row is oldest. */
static status pick(struct store *s, const char *disk, struct victim *ret, bool *ret_found,
                   struct err *err)
{
    struct rows rows;
    struct store_param param = {S("disk"), str_of(disk)};
    TRY(rows_read(s,
                  S("SELECT table, partition_id, bytes, newest FROM (SELECT *, max(newest) OVER"
                    " (PARTITION BY table) AS last FROM (SELECT table, partition_id,"
                    " sum(bytes_on_disk) AS bytes, max(max_time) AS newest, countIf(disk_name ="
                    " {disk:String}) AS here FROM system.parts WHERE active AND rows > 0 AND"
                    " database = currentDatabase() AND table IN " RAW
                    " GROUP BY table, partition_id)) WHERE newest < last AND here > 0"
                    " ORDER BY newest LIMIT 1"),
                  &param, 1, &rows, err));
    str f[4];
    *ret_found = rows_next(&rows, f, 4);
    if (*ret_found) {
        snprintf(ret->table, sizeof ret->table, STR_FMT, STR_ARG(f[0]));
        snprintf(ret->partition, sizeof ret->partition, STR_FMT, STR_ARG(f[1]));
        snprintf(ret->newest, sizeof ret->newest, STR_FMT, STR_ARG(f[3]));
        if (!num_parse_u64(f[2], &ret->bytes)) ret->bytes = 0;
    }
    rows_done(&rows);
    return ST_OK;
}

static status drop(struct store *s, const struct victim *v, const struct disk *d,
                   const struct disk_policy *p, struct err *err)
{
    char sql[2 * NAME_MAX_BYTES + 64];
    int n =
        snprintf(sql, sizeof sql, "ALTER TABLE %s DROP PARTITION ID '%s'", v->table, v->partition);
    TRY(store_exec(s, (str){sql, (size_t)n}, err));
    metric_add(M_DISK_DROPPED, 0, 1);
    metric_add(M_DISK_DROPPED_BYTES, 0, v->bytes);
    log_error("lifecycle", "the disk is nearly full: the oldest rows are dropped",
              LOG_CSTR("table", v->table), LOG_CSTR("partition", v->partition),
              LOG_CSTR("newest_row", v->newest), LOG_INT("bytes", v->bytes),
              LOG_CSTR("disk", d->name), LOG_INT("free", d->free), LOG_INT("reserve", p->reserve));
    return ST_OK;
}

status disk_keep_reserve(const struct disk_policy *p, const struct lifecycle_run *run,
                         struct disk_found *ret, struct err *err)
{
    *ret = (struct disk_found){0};
    for (;;) {
        struct disk d;
        struct victim v;
        bool found = false;
        TRY(look(run->store, &d, err));
        ret->free = d.free;
        ret->is_short = d.free < p->reserve;
        metric_set(M_DISK_FREE, 0, (int64_t)d.free);
        metric_set(M_DISK_SHORT, 0, ret->is_short);
        if (!ret->is_short || !p->drops_oldest || ret->dropped == DROPS_MAX ||
            atomic_load(run->stop))
            return ST_OK;
        TRY(pick(run->store, d.name, &v, &found, err));
        if (!found) return ST_OK;
        TRY(drop(run->store, &v, &d, p, err));
        ret->dropped++;
    }
}
