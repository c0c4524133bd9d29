#include "lifecycle/rollup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "lifecycle/rollup_sql.h"
#include "lifecycle/rows.h"

enum {
    DEFAULT_MAX_ROWS = 8'000'000,
    BATCH_SECONDS = 30 * 86400, /* a statement makes at most so many partitions */
    BATCH_WINDOWS = 9000,
    MARGIN_SECONDS = 3600, /* what is about to expire is taken for gone */
    AGAIN_MS = 3'600'000,
    SQL_BYTES = 1 << 20,
};

static const struct rollup {
    const char *name;
    const char *source; /* in weir_rollup_touched; NULL: the windows of `below` */
    enum rollup_id below;
    uint32_t width; /* s */
} rollups[ROLLUPS] = {
    [ROLLUP_METRICS_5M] = {"metrics_5m", "metrics", ROLLUPS, 300},
    [ROLLUP_METRICS_1H] = {"metrics_1h", NULL, ROLLUP_METRICS_5M, 3600},
    [ROLLUP_LOGS_5M] = {"logs_5m", "logs", ROLLUPS, 300},
    [ROLLUP_LOGS_1H] = {"logs_1h", NULL, ROLLUP_LOGS_5M, 3600},
    [ROLLUP_TRACES_RED_1H] = {"traces_red_1h", "traces_red", ROLLUPS, 3600},
};

const char *rollup_name(enum rollup_id id) { return rollups[id].name; }

struct window {
    uint32_t end;
    uint64_t rows; /* of the source, at least */
};

struct run {
    struct store *store;
    enum rollup_id id;
    const struct rollup *r;
    const struct rollup_settings *set;
    atomic_bool *stop; /* may be NULL */
    int64_t since, closed;
    struct window *due;
    size_t n_due;
    struct rollup_progress progress;
};

static bool drop_piece(void *, str) { return true; }

/* One thread: ingest goes first. In a cluster: rows are there when it returns, and a series and its
 * rows are on one node. */
static status execute(struct store *s, str sql, const struct store_param *params, size_t n,
                      atomic_bool *stop, uint64_t *rows, struct err *err)
{
    static const struct store_setting settings[] = {
        {{"max_threads", 11}, {"1", 1}},
        {{"distributed_foreground_insert", 29}, {"1", 1}},
        {{"distributed_product_mode", 24}, {"local", 5}}};
    struct store_stats stats = {};
    struct store_query q = {.sql = sql,
                            .format = S("TabSeparated"),
                            .params = params,
                            .n_params = n,
                            .settings = settings,
                            .n_settings = sizeof settings / sizeof *settings,
                            .cancel = stop};
    TRY(store_query(s, &q, drop_piece, NULL, &stats, err));
    if (rows) *rows += stats.rows_written;
    return ST_OK;
}

/* One row of numbers. */
static status ask_numbers(struct store *s, const char *sql, uint64_t *ret, size_t n,
                          struct err *err)
{
    struct rows rows;
    str field[4] = {};
    TRY(rows_read(s, str_of(sql), NULL, 0, &rows, err));
    bool whole = rows_next(&rows, field, n);
    for (size_t i = 0; i < n; i++) whole = whole && num_parse_u64(field[i], &ret[i]);
    rows_done(&rows);
    return whole ? ST_OK : err_set(err, ST_INTERNAL, ERR_NOPOS, "cannot read the state of rollups");
}

static int64_t floor_to(int64_t t, int64_t width) { return t - t % width; }

/* Where the source begins to be whole: it never goes back, since what has expired does not return.
 */
static status read_since(struct run *run, nanos now, struct err *err)
{
    uint64_t known = 0;
    char sql[160];
    snprintf(sql, sizeof sql,
             "SELECT toUnixTimestamp(max(source_since)) FROM weir_rollups WHERE rollup = '%s'",
             run->r->name);
    TRY(ask_numbers(run->store, sql, &known, 1, err));
    int64_t days = run->set->source_days[run->id], since = (int64_t)known;
    int64_t kept = now / NANOS_S - days * 86400 + MARGIN_SECONDS;
    if (days && kept > since) since = floor_to(kept + 3599, 3600);
    run->since = since;
    run->closed = floor_to(now / NANOS_S - run->set->grace_s, run->r->width);
    return ST_OK;
}

static void add_due_sql(struct buf *sql, const struct run *run)
{
    const struct rollup *r = run->r;
    char end[96] = "time";
    if (r->width != 300)
        snprintf(end, sizeof end, "toDateTime(intDiv(toUnixTimestamp(time) + %u, %u) * %u, 'UTC')",
                 r->width - 1, r->width, r->width);
    buf_printf(sql, "SELECT toUnixTimestamp(t), n FROM (SELECT %s AS t, ", end);
    if (r->source)
        buf_printf(sql,
                   "toUnixTimestamp64Milli(max(touched)) + %u AS at, sum(rows) AS n"
                   " FROM weir_rollup_touched WHERE source = '%s'",
                   run->set->settle_ms, r->source);
    else
        buf_printf(sql,
                   "max(version) AS at, sum(rows) AS n FROM weir_rollup_done FINAL"
                   " WHERE rollup = '%s'",
                   rollups[r->below].name);
    buf_printf(sql,
               " AND time > toDateTime(%" PRId64 ", 'UTC') GROUP BY t) AS came"
               " LEFT JOIN (SELECT time AS t, max(version) AS v FROM weir_rollup_done"
               " WHERE rollup = '%s' AND time > toDateTime(%" PRId64 ", 'UTC') GROUP BY t) AS done"
               " USING t WHERE toUnixTimestamp(t) >= %" PRId64 " AND toUnixTimestamp(t) <= %" PRId64
               " AND (v = 0 OR (at > v AND (at + %u < toUnixTimestamp64Milli(now64(3))"
               " OR v + %d < toUnixTimestamp64Milli(now64(3)))))"
               " ORDER BY t SETTINGS join_use_nulls = 0",
               run->since, r->name, run->since, run->since + r->width, run->closed,
               run->set->quiet_ms, AGAIN_MS);
}

static status read_due(struct run *run, struct err *err)
{
    struct buf sql;
    struct rows rows;
    buf_init(&sql, SQL_BYTES);
    add_due_sql(&sql, run);
    status st = rows_read(run->store, buf_str(&sql), NULL, 0, &rows, err);
    buf_done(&sql);
    TRY(st);
    size_t cap = 0;
    for (str field[2]; st == ST_OK && rows_next(&rows, field, 2);) {
        uint64_t end = 0, n = 0;
        if (!num_parse_u64(field[0], &end) || !num_parse_u64(field[1], &n)) {
            st = err_set(err, ST_INTERNAL, ERR_NOPOS, "cannot read which windows are due");
            break;
        }
        if (run->n_due == cap) {
            cap = cap * 2 + 64;
            run->due = realloc(run->due, cap * sizeof *run->due);
            if (!run->due) abort();
        }
        run->due[run->n_due++] = (struct window){(uint32_t)end, n};
    }
    rows_done(&rows);
    return st;
}

/* How many of the due windows from `at` on go into one statement. */
static size_t batch_size(const struct run *run, size_t at, uint64_t max_rows, uint64_t *ret_rows)
{
    uint64_t rows = run->due[at].rows;
    size_t n = 1;
    for (; at + n < run->n_due && n < BATCH_WINDOWS; n++) {
        const struct window *w = &run->due[at + n];
        if (rows + w->rows > max_rows || w->end - run->due[at].end > BATCH_SECONDS) break;
        rows += w->rows;
    }
    *ret_rows = rows;
    return n;
}

struct batch {
    const struct window *windows;
    size_t n;
    uint64_t version, slices;
};

static status compute_slice(struct run *run, const struct batch *b, uint64_t slice, struct err *err)
{
    char from[32], to[32], version[32], slices[32], which[32];
    snprintf(from, sizeof from, "%" PRIu32, b->windows[0].end - run->r->width);
    snprintf(to, sizeof to, "%" PRIu32, b->windows[b->n - 1].end);
    snprintf(version, sizeof version, "%" PRIu64, b->version);
    snprintf(slices, sizeof slices, "%" PRIu64, b->slices);
    snprintf(which, sizeof which, "%" PRIu64, slice);
    struct buf ends, sql;
    buf_init(&ends, SQL_BYTES);
    buf_init(&sql, SQL_BYTES);
    for (size_t i = 0; i < b->n; i++)
        buf_printf(&ends, "%c%" PRIu32, i ? ',' : '[', b->windows[i].end);
    buf_char(&ends, ']');
    const struct store_param params[] = {
        {S("from"), str_of(from)},     {S("to"), str_of(to)},       {S("version"), str_of(version)},
        {S("slices"), str_of(slices)}, {S("slice"), str_of(which)}, {S("windows"), buf_str(&ends)},
    };
    status st = ST_OK;
    for (unsigned i = 0; st == ST_OK && rollup_sql_add(&sql, run->id, i); i++) {
        st = execute(run->store, buf_str(&sql), params, sizeof params / sizeof *params, run->stop,
                     &run->progress.rows, err);
        buf_clear(&sql);
    }
    buf_done(&ends);
    buf_done(&sql);
    return st;
}

/* Last: a window that is recorded is whole. */
static status record_windows(struct run *run, const struct batch *b, uint64_t rows, struct err *err)
{
    struct buf sql;
    buf_init(&sql, SQL_BYTES);
    buf_add(&sql, S("INSERT INTO weir_rollup_done (rollup, time, version, rows) VALUES "));
    for (size_t i = 0; i < b->n; i++)
        buf_printf(&sql, "%s('%s',%" PRIu32 ",%" PRIu64 ",%" PRIu64 ")", i ? "," : "", run->r->name,
                   b->windows[i].end, b->version, rows / b->n);
    status st = execute(run->store, buf_str(&sql), NULL, 0, NULL, NULL, err);
    buf_done(&sql);
    return st;
}

static status compute_batch(struct run *run, struct batch *b, bool *ret_whole, struct err *err)
{
    uint64_t before = run->progress.rows;
    TRY(ask_numbers(run->store, "SELECT toUnixTimestamp64Milli(now64(3))", &b->version, 1, err));
    for (uint64_t i = 0; i < b->slices; i++) {
        if (run->stop && atomic_load(run->stop)) return ST_OK;
        status st = compute_slice(run, b, i, err);
        if (st != ST_OK) return err_wrap(err, st, "rollup %s", run->r->name);
    }
    TRY(record_windows(run, b, run->progress.rows - before, err));
    run->progress.windows += (uint32_t)b->n;
    *ret_whole = true;
    return ST_OK;
}

static status compute_due(struct run *run, size_t *ret_done, struct err *err)
{
    uint64_t max_rows = run->set->max_rows ? run->set->max_rows : DEFAULT_MAX_ROWS, rows = 0;
    for (*ret_done = 0; *ret_done < run->n_due;) {
        size_t n = batch_size(run, *ret_done, max_rows, &rows);
        struct batch b = {.windows = run->due + *ret_done, .n = n, .slices = 1 + rows / max_rows};
        bool whole = false;
        TRY(compute_batch(run, &b, &whole, err));
        if (!whole) return ST_OK;
        *ret_done += n;
    }
    return ST_OK;
}

static status record_progress(struct run *run, size_t done, struct err *err)
{
    char sql[256];
    int64_t watermark =
        done < run->n_due ? (int64_t)run->due[done].end - run->r->width : run->closed;
    run->progress.watermark = watermark;
    run->progress.since = run->since;
    snprintf(sql, sizeof sql,
             "INSERT INTO weir_rollups (rollup, watermark, source_since, version) SELECT '%s', "
             "%" PRId64 ", %" PRId64 ", toUnixTimestamp64Milli(now64(3))",
             run->r->name, watermark, run->since);
    return execute(run->store, str_of(sql), NULL, 0, NULL, NULL, err);
}

status rollup_run(struct store *s, enum rollup_id id, const struct rollup_settings *set, nanos now,
                  atomic_bool *stop, struct rollup_progress *ret, struct err *err)
{
    struct run run = {.store = s, .id = id, .r = &rollups[id], .set = set, .stop = stop};
    size_t done = 0;
    TRY(read_since(&run, now, err));
    status st = read_due(&run, err);
    if (st == ST_OK) st = compute_due(&run, &done, err);
    if (st == ST_OK) st = record_progress(&run, done, err);
    free(run.due);
    *ret = run.progress;
    return st;
}
