/* side: the rows of a side table. Each stands for rows of the block and names one of them, from
 * which its columns are taken. Private to ingest/encode. */
#pragma once

#include "ingest/encode/insert.h"
#include "model/red.h"

struct filter_run; /* filter_runs.h */
struct filter_runs;

enum { SIDE_MAX_PARTITIONS = 4 }; /* of one insert */

/* Sorted by partition, then by the table's key in the order a, b, u, v. */
struct side_row {
    uint64_t partition;
    str a, b;
    uint64_t u, v;
    struct row_ref ref;
    const struct red_row *red;       /* side_red only: it stands for this, not for a row */
    const struct filter_run *filter; /* side_*_filters only: the same */
};

struct side_rows {
    struct arena *arena;
    const struct red_rows *red;  /* of the block; NULL: not of spans */
    struct filter_runs *filters; /* of the main table's rows, all of which are written */
    struct side_row *list;
    size_t n, cap;
};

void side_add(struct side_rows *rows, struct side_row r);
void side_sort(struct side_rows *rows);

/* How many of the sorted rows from `from` on go into one insert. */
size_t side_take(const struct side_rows *rows, size_t from);

/* Months since year 0 of a day since 1970: the partition of tables by toStartOfMonth(day). */
uint64_t side_month(uint64_t day);

static inline uint64_t side_day(uint64_t ns) { return ns / (uint64_t)NANOS_DAY; }

/* What a side table is: how its rows are found among `rows` of the block, and its columns. */
struct side_table {
    str table;
    void (*find)(const struct telemetry_block *b, const struct encode_rows *rows,
                 struct encode_seen *seen, struct side_rows *ret);
    void (*put)(struct insert *w);
};

extern const struct side_table side_trace_index, side_span_names;          /* side_traces.c */
extern const struct side_table side_trace_filters, side_log_filters;       /* side_filters.c */
extern const struct side_table side_red;                                   /* side_red.c */
extern const struct side_table side_log_streams;                           /* side_logs.c */
extern const struct side_table side_metric_series;                         /* side_metrics.c */
extern const struct side_table side_exemplars;                             /* side_exemplars.c */
extern const struct side_table side_metric_resources, side_metric_targets; /* side_targets.c */
