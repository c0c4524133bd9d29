/* retention: how long rows are kept: days by table, and rules for rows of some resources.
 *
 * A table's TTL is the longest of what its rows may be kept, and drops whole parts. Rows whose rule
 * (or whose table, when others are kept longer) says less are deleted partition by partition, once
 * the whole partition is older than that: see docs/decisions/0014. */
#pragma once

#include "lifecycle/jobs.h"
#include "schema/settings.h"

struct retention_match {
    str attribute, value; /* of the resource; "service.name" is a column */
};

/* The first rule that matches a row says how long it is kept. */
struct retention_rule {
    const struct retention_match *match; /* all of them */
    size_t n_match;
    uint32_t days;              /* 0: for ever */
    bool traces, logs, metrics; /* raw rows of these */
};

struct retention {
    struct schema_settings settings; /* cluster must be empty when there are rules */
    const struct retention_rule *rules;
    size_t n_rules;
};

/* The days of settings with those of longer rules: what the tables' TTLs are. */
struct schema_settings retention_longest(const struct retention *r);

/* Deletes what rules say is too old at `run->now`, one partition after another, and waits for each.
 * `since`: partitions that were closed and looked through at that time (0: never) and have not
 * changed are left alone. Partitions rewritten in *ret_partitions. ST_CANCELLED by run->stop. */
[[nodiscard]] status retention_delete(const struct retention *r, const struct lifecycle_run *run,
                                      nanos since, uint32_t *ret_partitions, struct err *err);
