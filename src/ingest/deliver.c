/* One try of one block: its bounds made durable, then, for a store, order, encode and inserts with
 * their tokens; for any other exporter what of it has not been sent yet. */
#include <stdio.h>

#include "base/hash.h"
#include "base/hex.h"
#include "ingest/state.h"

enum { TOKEN_MAX = 400, SEEN_ENTRIES = 200000 };

/* On average two inserts a second and table, over all workers, of those that need a turn. */
enum { TURN_MS = 500, TURNS_AT_ONCE = 8 };

void lane_forget(struct lane *l)
{
    if (!l->route->outlet->spec.store && !l->shard->p->opt.discard) return;
    encode_seen_free(l->seen);
    l->seen = encode_seen_new(SEEN_ENTRIES);
}

static status encode(struct task *t, struct err *err)
{
    struct arena scratch;
    arena_init(&scratch, SIZE_MAX / 2);
    const struct telemetry_block *block = block_gather(&scratch, t->block);
    struct block_order order;
    block_order(&t->arena, block, &t->p->opt.partitioning, &order);
    struct encode_rows *groups = arena_array(&t->arena, struct encode_rows, order.n_groups + 1);
    for (size_t i = 0; i < order.n_groups; i++)
        groups[i] = (struct encode_rows){order.rows + order.groups[i].at, order.groups[i].n};
    struct encode_options o = {
        .groups = groups, .n_groups = order.n_groups, .seen = t->lane ? t->lane->seen : NULL};
    status s = encode_block(&t->arena, block, &o, &t->inserts, err);
    arena_done(&scratch);
    if (s != ST_OK) {
        arena_done(&t->arena);
        if (t->lane) lane_forget(t->lane);
        return s;
    }
    t->encoded = true;
    t->encoded_bytes = t->arena.used;
    pipeline_charge(t->p, t->aside, t->encoded_bytes);
    return ST_OK;
}

/* Main tables, exemplars and RED rows hold a function of the block alone. What the catalogues are
 * told depends also on what they were told before; after a crash a block tells more. Their tokens
 * carry a hash of the rows, so that the store drops only what it has; telling twice is harmless
 * there. So it is with filters, which must know of the rows as they are. */
static bool is_catalogue(str table)
{
    return str_eq(table, S("otel_trace_index")) || str_eq(table, S("otel_span_names")) ||
           str_eq(table, S("otel_log_streams")) || str_eq(table, S("otel_metric_series")) ||
           str_eq(table, S("otel_metric_resources")) || str_eq(table, S("otel_trace_filters")) ||
           str_eq(table, S("otel_log_filters"));
}

static str token(const struct task *t, const struct encoded_insert *in, char out[TOKEN_MAX])
{
    char id[33] = {0};
    hex_encode(t->journal_id, 16, id);
    int n = snprintf(out, TOKEN_MAX, "%s-%s-%llu-%llu-" STR_FMT "-%u", id, t->route->safe,
                     (unsigned long long)t->first_seq, (unsigned long long)t->last_seq,
                     STR_ARG(in->table), in->part);
    if (is_catalogue(in->table))
        n += snprintf(out + n, TOKEN_MAX - (size_t)n, "-%016llx",
                      (unsigned long long)hash_str(in->body));
    return (str){out, (size_t)n};
}

/* False: not before t->turn_at. */
static bool has_turn(struct task *t, const struct encoded_insert *in)
{
    struct pipeline *p = t->p;
    if (!t->lane || p->opt.discard || !needs_turn(&t->inserts, in)) return true;
    nanos now = clock_monotonic();
    if (t->turn_at == 0) {
        unsigned slot = metric_table_slot(in->table);
        if (slot == METRIC_SLOT_MAX) return true;
        nanos every = (TURN_MS * NANOS_MS) << atomic_load(&p->crowded);
        t->turn_at = now + turn_take(&t->route->outlet->turns[slot], now, every, TURNS_AT_ONCE);
    }
    return now >= t->turn_at;
}

/* ST_CANCELLED with t->turn_at set: it is not this insert's turn yet. */
static status insert(struct task *t, struct err *err)
{
    for (; t->next_insert < t->inserts.n; t->next_insert++) {
        const struct encoded_insert *in = &t->inserts.inserts[t->next_insert];
        if (!has_turn(t, in)) return ST_CANCELLED;
        t->turn_at = 0;
        char text[TOKEN_MAX];
        nanos from = clock_monotonic();
        status s = ST_OK;
        if (!t->p->opt.discard)
            s = store_insert_unless(t->route->outlet->spec.store, in->table, token(t, in, text),
                                    &in->body, 1, &t->cancel, err);
        if (s != ST_OK) {
            ledger_insert_retry(in->table);
            return err_wrap(err, s, STR_FMT, STR_ARG(in->table));
        }
        ledger_insert(in->table, in->rows, clock_monotonic() - from);
        if (is_main_table(in->table)) t->stored_rows += in->rows;
    }
    return ST_OK;
}

/* The store can be overloaded, out of memory or disk, or away: that passes. Only what it says of
 * the content counts as a try. */
static enum deliver_outcome to_store(struct task *t, struct err *err)
{
    status s = t->encoded ? ST_OK : encode(t, err);
    if (s == ST_OK) s = insert(t, err);
    if (s == ST_OK) return DELIVER_DONE;
    if (t->turn_at != 0) return DELIVER_IN_TURN;
    return s == ST_INVALID || s == ST_LIMIT ? DELIVER_TRIED : DELIVER_LATER;
}

static enum deliver_outcome to_exporter(struct task *t, uint32_t *retry_after_ms, struct err *err)
{
    if (t->block->rows == 0) return DELIVER_DONE;
    switch (exporter_send(t->route->outlet->spec.exporter, t->block, &t->progress, &t->cancel,
                          retry_after_ms, err)) {
    case ST_OK: return DELIVER_DONE;
    case ST_UNAVAILABLE:
    case ST_TIMEOUT:
    case ST_CANCELLED: return DELIVER_LATER;
    case ST_OVERLOADED: return DELIVER_TRIED;
    default: return DELIVER_REFUSED;
    }
}

enum deliver_outcome deliver(struct task *t, uint32_t *ret_retry_after_ms, struct err *err)
{
    *ret_retry_after_ms = 0;
    if (!t->begun && journal_block_begin(t->lane->shard->journal, t->route->index, t->first_seq,
                                         t->last_seq, err) != ST_OK)
        return DELIVER_LATER;
    t->begun = true;
    if (t->route->outlet->spec.exporter) return to_exporter(t, ret_retry_after_ms, err);
    return to_store(t, err);
}

void task_count(const struct task *t, uint64_t delivered, enum drop_policy rest)
{
    uint64_t items = t->block->rows, dropped[DROP_POLICIES] = {0};
    for (size_t i = 0; i < t->block->n; i++)
        for (unsigned d = 0; d < DROP_POLICIES; d++) {
            dropped[d] += t->block->batches[i]->dropped[d];
            items += t->block->batches[i]->dropped[d];
        }
    dropped[DROP_REFUSED] += t->progress.rejected;
    dropped[rest] += t->block->rows - t->progress.rejected - delivered;
    ledger_settle(t->route, items, dropped);
}

uint64_t delivered_rows(const struct task *t)
{
    return t->route->outlet->spec.exporter ? t->progress.items : t->stored_rows;
}
