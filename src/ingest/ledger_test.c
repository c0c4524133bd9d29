#include "ingest/state.h"
#include "obs/metrics.h"
#include "testing/test.h"

static bool balances(enum signal_kind k)
{
    uint64_t rejected = 0, dropped = 0;
    for (unsigned i = 0; i < 8; i++) {
        rejected += metric_get(M_REJECTED, metric_signal_reason(k, i));
        dropped += metric_get(M_DROPPED, metric_signal_reason(k, i));
    }
    return metric_get(M_RECEIVED, k) ==
           metric_get(M_STORED, k) + rejected + dropped + metric_get(M_JOURNAL_ITEMS, k);
}

TEST(the_ledger_balances_after_each_event)
{
    struct telemetry_batch b = {.signal = SIGNAL_LOGS, .received = 10};
    b.logs.n = 7;
    b.rejected[REJECT_TOO_OLD] = 2;
    b.rejected[REJECT_BAD_ID] = 1;
    ledger_accept(&b, 100);
    CHECK(balances(SIGNAL_LOGS));
    CHECK_INT(metric_get(M_JOURNAL_ITEMS, SIGNAL_LOGS), 7);
    CHECK_INT(metric_get(M_REQUEST_BYTES, SIGNAL_LOGS), 100);
    ledger_store(SIGNAL_LOGS, 3);
    CHECK(balances(SIGNAL_LOGS));
    ledger_dead(SIGNAL_LOGS, 1);
    CHECK(balances(SIGNAL_LOGS));
    ledger_replay(SIGNAL_LOGS, 5);
    CHECK(balances(SIGNAL_LOGS));
    CHECK_INT(ledger_journal_items(), 8);
    ledger_store(SIGNAL_LOGS, 8);
    CHECK(balances(SIGNAL_LOGS));
    CHECK_INT(ledger_journal_items(), 0);
}

TEST(a_request_with_nothing_kept_is_received_and_rejected)
{
    struct telemetry_batch b = {.signal = SIGNAL_TRACES, .received = 4};
    b.rejected[REJECT_BAD_ID] = 4;
    ledger_reject_all(&b, 50);
    CHECK(balances(SIGNAL_TRACES));
    CHECK_INT(metric_get(M_JOURNAL_ITEMS, SIGNAL_TRACES), 0);
}
