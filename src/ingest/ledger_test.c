#include "ingest/state.h"
#include "obs/metrics.h"
#include "testing/test.h"

static struct route routes[2] = {{.index = 0, .signal = SIGNAL_LOGS, .first = true},
                                 {.index = 1, .signal = SIGNAL_LOGS}};
static const struct pipeline two_routes = {.n_routes = 2, .routes = routes};

static uint64_t dropped_of(enum metric_id m, unsigned at)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < 8; i++) n += metric_get(m, at * 8 + i);
    return n;
}

static bool balances(enum signal_kind k)
{
    uint64_t rejected = dropped_of(M_REJECTED, k), dropped = dropped_of(M_DROPPED, k);
    bool all = metric_get(M_RECEIVED, k) ==
               metric_get(M_STORED, k) + rejected + dropped + metric_get(M_JOURNAL_ITEMS, k);
    for (unsigned r = 0; r < 2; r++)
        all &= metric_get(M_ROUTE_TAKEN, r) == metric_get(M_ROUTE_DELIVERED, r) +
                                                   dropped_of(M_ROUTE_DROPPED, r) +
                                                   metric_get(M_ROUTE_JOURNAL_ITEMS, r);
    return all;
}

TEST(the_ledger_balances_after_each_event)
{
    struct telemetry_batch b = {.signal = SIGNAL_LOGS, .received = 10};
    b.logs.n = 7;
    b.rejected[REJECT_TOO_OLD] = 2;
    b.rejected[REJECT_BAD_ID] = 1;
    const struct held h = {.batch = &b, .wire = {.len = 100}};
    ledger_accept(&two_routes, &h);
    CHECK(balances(SIGNAL_LOGS));
    CHECK_INT(metric_get(M_JOURNAL_ITEMS, SIGNAL_LOGS), 7);
    CHECK_INT(metric_get(M_REQUEST_BYTES, SIGNAL_LOGS), 100);
    const uint64_t none[DROP_POLICIES] = {0}, some[DROP_POLICIES] = {[DROP_SAMPLED] = 1};
    ledger_settle(&routes[0], 3, none);
    CHECK(balances(SIGNAL_LOGS));
    ledger_settle(&routes[1], 6, some);
    CHECK(balances(SIGNAL_LOGS));
    CHECK_INT(metric_get(M_STORED, SIGNAL_LOGS), 3); /* the second route is not the signal's */
    CHECK_INT(metric_get(M_ROUTE_DELIVERED, 1), 5);
    ledger_drop(&routes[0], DROP_DEAD, 1);
    CHECK(balances(SIGNAL_LOGS));
    ledger_replay(&routes[0], 5);
    CHECK(balances(SIGNAL_LOGS));
    CHECK_INT(ledger_journal_items(&routes[0]), 8);
    ledger_settle(&routes[0], 8, none);
    ledger_settle(&routes[1], 1, none);
    CHECK(balances(SIGNAL_LOGS));
    CHECK_INT(ledger_journal_items(&routes[0]), 0);
    CHECK_INT(ledger_journal_items(&routes[1]), 0);
}

TEST(a_request_with_nothing_kept_is_received_and_rejected)
{
    struct telemetry_batch b = {.signal = SIGNAL_TRACES, .received = 4};
    b.rejected[REJECT_BAD_ID] = 4;
    ledger_reject_all(&b, 50);
    CHECK(balances(SIGNAL_TRACES));
    CHECK_INT(metric_get(M_JOURNAL_ITEMS, SIGNAL_TRACES), 0);
}
