/* settings: what the texts of migrations are filled with, and the names of tables in a cluster. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum schema_retention {
#define RETENTION(ident) SCHEMA_KEEP_##ident,
#include "schema/retentions.def"
#undef RETENTION
    SCHEMA_RETENTIONS,
    SCHEMA_KEEP_series = SCHEMA_RETENTIONS /* ${retention_series_days}: the longest of metrics,
                                              metrics_5m and metrics_1h, which all need them */
};

struct schema_settings {
    uint32_t traces_partition_seconds;          /* 3600, 21600, 86400 */
    uint32_t retention_days[SCHEMA_RETENTIONS]; /* 0: kept for ever */
    str cluster;                                /* name of the server's cluster; empty: none */
    str database;                               /* of the tables; only a cluster needs it */
    str views; /* database of the views with the Collector exporter's names; empty: none */

    /* Raw rows of this age go to the volume `cold`: SCHEMA_KEEP_traces, _logs, _metrics. 0: they
     * stay where they are. */
    uint32_t hot_days[SCHEMA_KEEP_metrics + 1];
    str cold_policy; /* a server's storage policy for the raw tables; empty: theirs stays */
};

/* How long what has this retention is kept, SCHEMA_KEEP_series too. 0: for ever. */
uint32_t schema_kept_days(const struct schema_settings *set, enum schema_retention r);

/* The table that holds a table's rows on each node, and where a statement about it goes:
 * "otel_logs", or "otel_logs_local ON CLUSTER 'name'". */
void schema_add_table(struct buf *out, const struct schema_settings *set, str table);
void schema_add_local(struct buf *out, const struct schema_settings *set, str table);
void schema_add_on_cluster(struct buf *out, const struct schema_settings *set);
/* CREATE DATABASE on all nodes. */
void schema_add_database(struct buf *out, const struct schema_settings *set);

/* One statement's text with ${...} replaced: see README.md. A line with a retention of 0 days is
 * left out (a TTL of 0 days would delete everything); `out` gets nothing when the statement is for
 * clusters, or about views, and there are none. ST_INVALID: a name that is not known, or arguments
 * missing. */
[[nodiscard]] status schema_substitute(str sql, const struct schema_settings *set, struct buf *out,
                                       struct err *err);
