/* The only place where items are counted. A batch's items are received, and taken by every route of
 * its signal, when its request is durable; from then on the rows it kept are in the journal, for
 * each route until its block is delivered or given up. What an earlier process left is received
 * again when a route reads it back: the counters are those of this process, and so balance in it.
 */
#include "ingest/state.h"
#include "obs/metrics.h"

static void count_request(const struct telemetry_batch *b, size_t wire_bytes)
{
    metric_add(M_REQUEST_BYTES, b->signal, wire_bytes);
    metric_add(M_RECEIVED, b->signal, b->received);
    for (unsigned r = 0; r < REJECT_REASONS; r++)
        if (b->rejected[r] > 0)
            metric_add(M_REJECTED, metric_signal_reason(b->signal, r), b->rejected[r]);
}

static void take(const struct route *r, uint64_t items)
{
    metric_add(M_ROUTE_TAKEN, r->index, items);
    metric_move(M_ROUTE_JOURNAL_ITEMS, r->index, (int64_t)items);
}

void ledger_accept(const struct pipeline *p, const struct held *h)
{
    const struct telemetry_batch *b = h->batch;
    uint32_t items = telemetry_batch_rows(b);
    count_request(b, h->wire.len);
    metric_move(M_JOURNAL_ITEMS, b->signal, (int64_t)items);
    for (unsigned i = 0; i < p->n_routes; i++)
        if (p->routes[i].signal == b->signal)
            take(&p->routes[i], late_share(&p->routes[i], items, h->late));
}

/* The signal's own counters are those of its first route, and of that one's late rows. */
static bool speaks_for_signal(const struct route *r)
{
    return r->first || (r->late_of && r->late_of->first);
}

void ledger_reject_all(const struct telemetry_batch *b, size_t wire_bytes)
{
    count_request(b, wire_bytes);
}

void ledger_replay(const struct route *r, uint64_t items)
{
    take(r, items);
    if (!speaks_for_signal(r)) return;
    metric_add(M_RECEIVED, r->signal, items);
    metric_move(M_JOURNAL_ITEMS, r->signal, (int64_t)items);
}

void ledger_settle(const struct route *r, uint64_t items, const uint64_t dropped[DROP_POLICIES])
{
    uint64_t delivered = items;
    for (unsigned d = 0; d < DROP_POLICIES; d++) {
        if (dropped[d] == 0) continue;
        delivered -= dropped[d];
        metric_add(M_ROUTE_DROPPED, metric_route_policy(r->index, d), dropped[d]);
        if (speaks_for_signal(r))
            metric_add(M_DROPPED, metric_signal_reason(r->signal, d), dropped[d]);
    }
    metric_add(M_ROUTE_DELIVERED, r->index, delivered);
    metric_move(M_ROUTE_JOURNAL_ITEMS, r->index, -(int64_t)items);
    if (!speaks_for_signal(r)) return;
    metric_add(M_STORED, r->signal, delivered);
    metric_move(M_JOURNAL_ITEMS, r->signal, -(int64_t)items);
}

void ledger_drop(const struct route *r, enum drop_policy policy, uint64_t items)
{
    uint64_t dropped[DROP_POLICIES] = {[0] = 0};
    dropped[policy] = items;
    ledger_settle(r, items, dropped);
}

void ledger_processed(const struct route *r, const struct process_count *counts)
{
    for (unsigned i = 0; i < r->n_processors; i++) {
        unsigned slot = r->processor_slot + i;
        metric_add(M_PROCESSOR_ITEMS, slot, counts[i].seen);
        if (counts[i].changed) metric_add(M_PROCESSOR_CHANGED, slot, counts[i].changed);
        if (counts[i].dropped) metric_add(M_PROCESSOR_DROPPED, slot, counts[i].dropped);
    }
}

uint64_t ledger_journal_items(const struct route *r)
{
    return metric_get(M_ROUTE_JOURNAL_ITEMS, r->index);
}

void ledger_insert(str table, uint64_t rows, nanos took)
{
    unsigned slot = metric_table_slot(table);
    if (slot == METRIC_SLOT_MAX) return;
    metric_add(M_INSERTS, slot, 1);
    metric_add(M_BLOCK_ROWS, slot, rows);
    metric_observe(M_INSERT_SECONDS, slot, (double)took / 1e9);
}

void ledger_insert_retry(str table)
{
    unsigned slot = metric_table_slot(table);
    if (slot < METRIC_SLOT_MAX) metric_add(M_INSERT_RETRIES, slot, 1);
}
