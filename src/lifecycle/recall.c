/* Which rows no filter knows of is asked before a search has to (docs/decisions/0026): the engine
 * remembers of each part that it has none, but only in memory. */
#include "lifecycle/lifecycle.h"
#include "store/store.h"

enum { TIMEOUT_MS = 600'000 };

static bool drop_piece(void *, str) { return true; }

/* The condition as query/plan/filter_plan.c has it, or it is not what is remembered. A value of a
 * granule is a few bytes between others of a part: more than a page is read for nothing. */
#define ASK(table)                                                                                \
    "SELECT count() FROM " table " PREWHERE no_filter = 1 WHERE timestamp >= now() - INTERVAL 2 " \
    "DAY SETTINGS max_threads = 1, max_read_buffer_size_local_fs = 4096"

status lifecycle_recall_filters(struct store *s, atomic_bool *stop, struct err *err)
{
    static const char *const asks[] = {ASK("otel_traces"), ASK("otel_logs")};
    for (size_t i = 0; i < sizeof asks / sizeof *asks && store_driver_of(s) != STORE_SERVER; i++) {
        struct store_query q = {.sql = str_of(asks[i]),
                                .format = S("TabSeparated"),
                                .timeout_ms = TIMEOUT_MS,
                                .cancel = stop};
        TRY(store_query(s, &q, drop_piece, NULL, NULL, err));
    }
    return ST_OK;
}
