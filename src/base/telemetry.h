/* The three signals. The order is the order of metrics labels and journal records: append only. */
#pragma once

enum signal_kind { SIGNAL_TRACES, SIGNAL_LOGS, SIGNAL_METRICS, SIGNAL_COUNT };

static inline const char *signal_name(enum signal_kind s)
{
    static const char *const names[] = {"traces", "logs", "metrics"};
    return names[s];
}
