#include "lifecycle/backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/num.h"
#include "lifecycle/backup_place.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/rows.h"
#include "schema/migrate.h"
#include "store/store.h"

enum { SQL_BYTES = 1 << 16, WAIT_MS = 100 };

/* "<verb and what> TO|FROM <place> [SETTINGS base_backup = <base>] ASYNC" -> id */
static status begin(struct store *s, const char *what, const struct backup_places *p,
                    char id[BACKUP_ID_MAX], struct err *err)
{
    struct buf sql;
    struct rows rows;
    buf_init(&sql, SQL_BYTES);
    buf_printf(&sql, "%s ", what);
    status st = backup_place_sql(p->place, p->region, &sql, err);
    if (st == ST_OK && p->base.len) {
        buf_add(&sql, S(" SETTINGS base_backup = "));
        st = backup_place_sql(p->base, p->region, &sql, err);
    }
    buf_add(&sql, S(" ASYNC"));
    if (st == ST_OK && sql.over) st = err_set(err, ST_LIMIT, ERR_NOPOS, "a place that is too long");
    if (st == ST_OK) st = rows_read(s, buf_str(&sql), NULL, 0, &rows, err);
    buf_done(&sql);
    if (st != ST_OK) return st;
    str field = {0};
    bool found = rows_next(&rows, &field, 1) && field.len < BACKUP_ID_MAX;
    if (found) snprintf(id, BACKUP_ID_MAX, STR_FMT, STR_ARG(field));
    rows_done(&rows);
    return found ? ST_OK : err_set(err, ST_INTERNAL, ERR_NOPOS, "the engine gave no id");
}

static void name_database(struct buf *out, const char *verb, const struct schema_settings *set)
{
    buf_printf(out, "%s DATABASE `" STR_FMT "`", verb, STR_ARG(set->database));
}

status backup_start(struct store *s, const struct schema_settings *set,
                    const struct backup_places *p, char id[BACKUP_ID_MAX], struct err *err)
{
    if (set->cluster.len)
        return err_set(err, ST_UNSUPPORTED, ERR_NOPOS,
                       "a cluster is backed up by its own BACKUP DATABASE ... ON CLUSTER");
    struct buf what;
    buf_init(&what, 1024);
    name_database(&what, "BACKUP", set);
    buf_add(&what, S(" TO"));
    buf_char(&what, 0);
    status st = begin(s, what.ptr, p, id, err);
    buf_done(&what);
    return st;
}

/* The engine's text without its stack; the code in it decides. */
static status ended(str status_word, str text, struct err *err)
{
    const char *stack = text.len ? memmem(text.ptr, text.len, ", Stack trace", 13) : NULL;
    if (stack) text.len = (size_t)(stack - text.ptr);
    if (str_eq(status_word, S("BACKUP_CREATED")) || str_eq(status_word, S("RESTORED")))
        return ST_OK;
    int code = store_error_code(text);
    bool network = code == 499 || code == 210 || code == 1000 || code == 243;
    return err_set(err, network ? ST_UNAVAILABLE : ST_INVALID, ERR_NOPOS, STR_FMT,
                   STR_ARG(text.len ? text : status_word));
}

static bool is_under_way(str word)
{
    return str_eq(word, S("CREATING_BACKUP")) || str_eq(word, S("RESTORING"));
}

status backup_ask(struct store *s, str id, struct backup_state *ret, struct err *err)
{
    struct rows rows;
    struct store_param param = {S("id"), id};
    TRY(rows_read(s,
                  S("SELECT status, num_files, total_size, num_entries, uncompressed_size,"
                    " replaceRegexpAll(error, '\\\\s+', ' ') FROM system.backups"
                    " WHERE id = {id:String}"),
                  &param, 1, &rows, err));
    str f[6];
    status st = ST_OK;
    if (!rows_next(&rows, f, 6)) {
        st = err_set(err, ST_NOT_FOUND, ERR_NOPOS, "no backup " STR_FMT, STR_ARG(id));
    } else {
        struct backup_state b = {.running = is_under_way(f[0])};
        if (!num_parse_u64(f[1], &b.files) || !num_parse_u64(f[2], &b.bytes) ||
            !num_parse_u64(f[3], &b.new_files) || !num_parse_u64(f[4], &b.new_bytes))
            st = err_set(err, ST_INTERNAL, ERR_NOPOS, "cannot read system.backups");
        if (st == ST_OK && !b.running) st = ended(f[0], f[5], err);
        if (st == ST_OK) *ret = b;
    }
    rows_done(&rows);
    return st;
}

/* ---- restore ---- */

static status run(struct store *s, const char *what, const struct backup_places *p, struct err *err)
{
    char id[BACKUP_ID_MAX];
    struct backup_state state = {.running = true};
    TRY(begin(s, what, p, id, err));
    for (;;) {
        TRY(backup_ask(s, str_of(id), &state, err));
        if (!state.running) return ST_OK;
        nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000L}, NULL);
    }
}

static status check_empty(struct store *s, const struct schema_settings *set, struct err *err)
{
    struct rows rows;
    TRY(rows_read(s, S("SELECT count() FROM system.tables WHERE database = currentDatabase()"),
                  NULL, 0, &rows, err));
    str n = {0};
    bool empty = rows_next(&rows, &n, 1) && str_eq(n, S("0"));
    rows_done(&rows);
    if (empty) return ST_OK;
    return err_set(err, ST_INVALID, ERR_NOPOS, "the database " STR_FMT " has tables already",
                   STR_ARG(set->database));
}

static status check_schema(struct store *s, struct err *err)
{
    struct applied_migration *applied = calloc(SCHEMA_MIGRATIONS_MAX, sizeof *applied);
    bool *pending = calloc(n_migrations + 1, sizeof *pending);
    if (!applied || !pending) abort();
    size_t n = 0;
    uint32_t missing = 0;
    status st = lifecycle_applied(s, applied, SCHEMA_MIGRATIONS_MAX, &n, err);
    if (st == ST_OK) st = schema_pending(applied, n, 0, pending, &missing, err);
    free(applied);
    free(pending);
    return st;
}

static status check_table(struct store *s, str table, struct err *err)
{
    char sql[512];
    struct rows rows;
    int n = snprintf(sql, sizeof sql,
                     "CHECK TABLE `" STR_FMT "` SETTINGS check_query_single_value_result = 0",
                     STR_ARG(table));
    TRY(rows_read(s, (str){sql, (size_t)n}, NULL, 0, &rows, err));
    status st = ST_OK;
    for (str f[3]; st == ST_OK && rows_next(&rows, f, 3);)
        if (!str_eq(f[1], S("1")))
            st = err_set(err, ST_INVALID, ERR_NOPOS,
                         "the backup is damaged: table " STR_FMT ", part " STR_FMT ": " STR_FMT,
                         STR_ARG(table), STR_ARG(f[0]), STR_ARG(f[2]));
    rows_done(&rows);
    return st;
}

/* Every part is read once: a flipped byte is told of now, and not when a query meets it. */
static status check_tables(struct store *s, struct restored *ret, struct err *err)
{
    struct rows rows;
    TRY(rows_read(
        s,
        S("SELECT t.name, sum(p.rows), sum(p.bytes_on_disk) FROM system.tables t LEFT JOIN"
          " (SELECT * FROM system.parts WHERE active AND database = currentDatabase()) p"
          " ON p.table = t.name WHERE t.database = currentDatabase()"
          " AND t.engine LIKE '%MergeTree' GROUP BY t.name ORDER BY t.name"),
        NULL, 0, &rows, err));
    status st = ST_OK;
    for (str f[3]; st == ST_OK && rows_next(&rows, f, 3); ret->tables++) {
        uint64_t n = 0, bytes = 0;
        (void)num_parse_u64(f[1], &n);
        (void)num_parse_u64(f[2], &bytes);
        ret->rows += n;
        ret->bytes += bytes;
        st = check_table(s, f[0], err);
    }
    rows_done(&rows);
    return st;
}

status backup_restore(struct store *s, const struct schema_settings *set,
                      const struct backup_places *p, struct restored *ret, struct err *err)
{
    struct buf what;
    struct restored all = {};
    TRY(check_empty(s, set, err));
    buf_init(&what, 2048);
    buf_printf(&what, "RESTORE TABLE `" STR_FMT "`." SCHEMA_MIGRATIONS_TABLE " FROM%c",
               STR_ARG(set->database), 0);
    status st = run(s, what.ptr, p, err);
    if (st == ST_OK) st = check_schema(s, err);
    if (st == ST_OK) {
        buf_clear(&what);
        name_database(&what, "RESTORE", set);
        buf_printf(&what, " EXCEPT TABLES `" STR_FMT "`." SCHEMA_MIGRATIONS_TABLE " FROM%c",
                   STR_ARG(set->database), 0);
        st = run(s, what.ptr, p, err);
    }
    buf_done(&what);
    if (st == ST_OK) st = check_tables(s, &all, err);
    if (st == ST_OK) *ret = all;
    return st;
}
