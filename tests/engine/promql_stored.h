/* promql_stored: series of PromQL's scripts in the real engine. What a script loads is written as
 * remote write 2.0, decoded, encoded and inserted as the pipeline does, and read back by the
 * store's own source. Each load is stored under times and a label of its own, which the source
 * takes away again. thread: the test's */
#pragma once

#include "engine/engine.h"
#include "query/fetch/fetch.h"
#include "query/promql_runner_test.h"
#include "query/promql_store.h"

/* Time 0 of a script, in ms: earlier ones can be stored. A full hour, as it is in scripts. */
#define STORED_EPOCH 999'997'200'000

struct stored_case {             /* of an evaluation, in its arena */
    struct series_source source; /* first */
    struct query_job job;
    struct store_fetcher fetcher;
    struct promql_store store;
    str number;
};

struct stored_counts {
    unsigned sets, slices, needed; /* so far, of all evaluations */
};
extern struct stored_counts stored_counts;

struct store *stored_tables(void); /* with all tables */
/* The series of `s`, as of the case `number`. */
void stored_add(struct script *s, str number);
/* A source of the series of that case, some `batch_samples` at a time (0: as the store does); in
 * `a`. */
struct stored_case *stored_case_new(struct arena *a, unsigned number, uint64_t batch_samples);
