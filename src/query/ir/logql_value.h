/* logql_value: what LogQL queries answer: series over a grid of times, and streams of entries. Data
 * only; lies in the job's arena. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "query/ir/loki_labels.h"

/* Times start, start + step, ...: n of them; one for an instant. */
struct logql_grid {
    nanos start, step;
    uint32_t n;
};

struct logql_series {
    struct loki_labels labels; /* sorted */
    double *values;            /* one for each time */
    bool *present;
};

struct logql_matrix {
    bool scalar; /* the same number at each time, and no series */
    double number;
    struct logql_series *v;
    uint32_t n;
};

struct loki_entry {
    nanos time;
    str line;
    struct loki_labels metadata; /* for categorized labels */
};

struct loki_stream {
    struct loki_labels labels; /* sorted */
    struct loki_entry *v;      /* in the direction asked for */
    uint32_t n;
};

struct loki_stats {
    double seconds;
    uint64_t lines, bytes, entries;
};
