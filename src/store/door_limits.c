#include "store/door_limits.h"

#include <stdio.h>

#include "base/num.h"
#include "store/door_sql.h"

enum { MEMORY, TIME, ROWS, RESULT_ROWS, LIMITS, TEXT_BYTES = 32 };

static const char *const names[LIMITS] = {
    [MEMORY] = "max_memory_usage",
    [TIME] = "max_execution_time",
    [ROWS] = "max_rows_to_read",
    [RESULT_ROWS] = "max_result_rows",
};

static status beyond(size_t which, double most, int *ret_code, struct err *err)
{
    *ret_code = 452;
    return err_set(err, ST_INVALID, ERR_NOPOS, "Setting %s shouldn't be greater than %.15g",
                   names[which], most);
}

status door_limits_apply(struct arena *a, const struct door_user *u, str sql,
                         const struct store_setting *settings, size_t n,
                         const struct store_setting **ret, size_t *ret_n, int *ret_code,
                         struct err *err)
{
    const double most[LIMITS] = {[MEMORY] = (double)u->memory,
                                 [TIME] = (double)u->time / 1e9,
                                 [ROWS] = (double)u->rows,
                                 [RESULT_ROWS] = (double)u->result_rows};
    struct store_setting *all = arena_array(a, struct store_setting, n + LIMITS);
    if (n) memcpy(all, settings, n * sizeof *all);
    size_t count = n;
    for (size_t i = 0; i < LIMITS; i++) {
        if (most[i] == 0) continue;
        size_t which;
        bool given = false;
        if (door_sql_sets(sql, &names[i], 1, &which)) return beyond(i, most[i], ret_code, err);
        for (size_t k = 0; k < n; k++) {
            double v = 0;
            if (!str_eq(settings[k].name, str_of(names[i]))) continue;
            given = true;
            if (!num_parse_f64(settings[k].value, &v) || !(v > 0 && v <= most[i]))
                return beyond(i, most[i], ret_code, err);
        }
        if (given) continue;
        char *text = arena_alloc(a, TEXT_BYTES, 1);
        int len = snprintf(text, TEXT_BYTES, i == TIME ? "%.3f" : "%.0f", most[i]);
        all[count++] = (struct store_setting){str_of(names[i]), {text, (size_t)len}};
    }
    *ret = all;
    *ret_n = count;
    return ST_OK;
}
