/* The DDL check: what the store has against tables.def. */
#include "lifecycle/lifecycle.h"
#include "lifecycle/rows.h"

static status check_table(struct store *s, size_t first, size_t end, struct err *err)
{
    const char *table = schema_columns[first].table;
    struct rows rows;
    struct store_param param = {S("table"), str_of(table)};
    TRY(rows_read(s,
                  S("SELECT name, type FROM system.columns WHERE database = currentDatabase()"
                    " AND table = {table:String} ORDER BY position"),
                  &param, 1, &rows, err));
    status st = ST_OK;
    size_t i = first;
    for (str field[2]; st == ST_OK && rows_next(&rows, field, 2); i++) {
        if (i >= end)
            st = err_set(err, ST_INTERNAL, ERR_NOPOS, "%s." STR_FMT " is not in tables.def", table,
                         STR_ARG(field[0]));
        else if (!str_eq(field[0], str_of(schema_columns[i].column)) ||
                 !str_eq(field[1], str_of(schema_columns[i].type)))
            st = err_set(err, ST_INTERNAL, ERR_NOPOS,
                         "%s: tables.def has %s %s, the store " STR_FMT " " STR_FMT, table,
                         schema_columns[i].column, schema_columns[i].type, STR_ARG(field[0]),
                         STR_ARG(field[1]));
    }
    rows_done(&rows);
    if (st == ST_OK && i < end)
        st = err_set(err, ST_INTERNAL, ERR_NOPOS, "the store has no %s.%s", table,
                     schema_columns[i].column);
    return st;
}

status lifecycle_check_columns(struct store *s, struct err *err)
{
    for (size_t first = 0, end; first < n_schema_columns; first = end) {
        for (end = first + 1; end < n_schema_columns; end++)
            if (strcmp(schema_columns[end].table, schema_columns[first].table) != 0) break;
        TRY(check_table(s, first, end, err));
    }
    return ST_OK;
}
