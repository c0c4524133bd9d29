/* filter_runs: for each run of rows as they are stored, between which times (and trace ids) they
 * lie, and a filter of the spans' attributes or the lines' pieces. What goes into a filter is noted
 * while the columns it comes from are written, as these have its bytes at hand. A function of the
 * block. Private to ingest/encode. */
#pragma once

#include "ingest/encode/filter_bits.h"
#include "ingest/encode/insert.h"

struct filter_run {
    uint64_t first_time, last_time;
    size_t rows;
    const uint8_t *first_id, *last_id; /* of spans */
    struct filter_pairs *pairs;        /* of spans: what the filter is made of */
    str filter;                        /* of lines */
};

/* The runs of all inserts of the main table. Begin with it zeroed but for the arena, which outlives
 * the inserts. */
struct filter_runs {
    struct arena *arena;
    struct filter_run *list;
    size_t n, cap;
};

/* Finds the runs of the rows of an insert of spans: w->pairs. */
void row_filters_of_spans(struct insert *w);

/* Adds the runs of an insert of log records, with their filters. `bodies`: the column, a varuint
 * length and the text for each row. */
void row_filters_of_lines(struct insert *w, const char *bodies);
