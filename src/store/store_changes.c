/* What is known of changes in the embedded engine, and asking it after what may still go on. */
#include "store/changes.h"
#include "store/driver.h"

/* Mutations, here or left over from the process before, and a backup that is being restored; then
 * what may write to the tables when others are written to or by itself: views and tables of kinds
 * that pass rows on. */
static const char going_on[] =
    "SELECT (SELECT count() FROM system.mutations WHERE NOT is_done AND table LIKE "
    "'otel_metric%') + (SELECT count() FROM system.backups WHERE status = 'RESTORING'), "
    "(SELECT count() FROM system.tables WHERE engine NOT LIKE '%MergeTree' AND engine != 'View' "
    "AND database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema') "
    "AND name != 'weir_rollup_touched_metrics' "
    "AND position(create_table_query, 'otel_metric') > 0)";

static bool ask_engine(struct store *s, uint64_t unsure)
{
    struct buf out;
    buf_init(&out, 4096);
    const struct store_query q = {.sql = S(going_on), .format = S("TabSeparatedRaw")};
    bool known = store_query_buf(s, &q, &out, NULL) == ST_OK;
    str text = buf_str(&out);
    bool over = known && text.len > 2 && text.ptr[0] == '0' && text.ptr[1] == '\t';
    if (over) changes_settle(s->changes, unsure, !str_eq(str_drop(text, 2), S("0\n")));
    buf_done(&out);
    return over;
}

enum store_known store_changes(struct store *s, struct arena *a, int64_t from_ms, int64_t to_ms,
                               struct store_changes *ret)
{
    uint64_t unsure;
    if (!s->changes) return STORE_UNKNOWN;
    enum changes_state state = changes_read(s->changes, a, from_ms, to_ms, ret, &unsure);
    if (state == CHANGES_UNSURE && ask_engine(s, unsure))
        state = changes_read(s->changes, a, from_ms, to_ms, ret, &unsure);
    if (state != CHANGES_SETTLED) return STORE_UNSETTLED;
    return changes_are_foreign(s->changes) ? STORE_UNKNOWN : STORE_KNOWN;
}
