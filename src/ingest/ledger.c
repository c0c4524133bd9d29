/* The only place where items are counted. A batch's items are received when its request is durable;
 * from then on the rows it kept are in the journal until their block is stored or dead. Replayed
 * rows are received again: the counters are those of this process, and so balance in it. */
#include "ingest/state.h"
#include "obs/metrics.h"

enum { POLICY_DEAD = 2 };

static void count_request(const struct telemetry_batch *b, size_t wire_bytes)
{
    metric_add(M_REQUEST_BYTES, b->signal, wire_bytes);
    metric_add(M_RECEIVED, b->signal, b->received);
    for (unsigned r = 0; r < REJECT_REASONS; r++)
        if (b->rejected[r] > 0)
            metric_add(M_REJECTED, metric_signal_reason(b->signal, r), b->rejected[r]);
}

void ledger_accept(const struct telemetry_batch *b, size_t wire_bytes)
{
    count_request(b, wire_bytes);
    metric_move(M_JOURNAL_ITEMS, b->signal, telemetry_batch_rows(b));
}

void ledger_reject_all(const struct telemetry_batch *b, size_t wire_bytes)
{
    count_request(b, wire_bytes);
}

void ledger_replay(enum signal_kind signal, uint64_t items)
{
    metric_add(M_RECEIVED, signal, items);
    metric_move(M_JOURNAL_ITEMS, signal, (int64_t)items);
}

void ledger_store(enum signal_kind signal, uint64_t items)
{
    metric_add(M_STORED, signal, items);
    metric_move(M_JOURNAL_ITEMS, signal, -(int64_t)items);
}

void ledger_dead(enum signal_kind signal, uint64_t items)
{
    metric_add(M_DROPPED, metric_signal_reason(signal, POLICY_DEAD), items);
    metric_move(M_JOURNAL_ITEMS, signal, -(int64_t)items);
}

uint64_t ledger_journal_items(void)
{
    uint64_t n = 0;
    for (unsigned k = 0; k < SIGNAL_COUNT; k++) n += metric_get(M_JOURNAL_ITEMS, k);
    return n;
}

/* The order of the metrics' table label. */
static unsigned table_slot(str table)
{
    static const char *const names[] = {
        "otel_traces",       "otel_logs",        "otel_metrics",       "otel_trace_index",
        "otel_span_names",   "otel_log_streams", "otel_metric_series", "otel_metric_exemplars",
        "otel_traces_red_5m"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(table, (str){names[i], strlen(names[i])})) return i;
    return METRIC_SLOT_MAX; /* a table without a label is not counted */
}

void ledger_insert(str table, uint64_t rows, nanos took)
{
    unsigned slot = table_slot(table);
    if (slot == METRIC_SLOT_MAX) return;
    metric_add(M_INSERTS, slot, 1);
    metric_add(M_BLOCK_ROWS, slot, rows);
    metric_observe(M_INSERT_SECONDS, slot, (double)took / 1e9);
}

void ledger_insert_retry(str table)
{
    unsigned slot = table_slot(table);
    if (slot < METRIC_SLOT_MAX) metric_add(M_INSERT_RETRIES, slot, 1);
}
