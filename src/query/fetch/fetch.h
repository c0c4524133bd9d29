/* fetch: rows from the store, for the stages that know only `struct fetcher` (ir/sql.h).
 *
 * A store_fetcher serves one job: it stops when the job should (deadline, client gone, memory) and
 * counts what all of the job's statements read against its limits. thread: query */
#pragma once

#include "query/ir/job.h"
#include "query/ir/sql.h"

struct store;
struct kept;

struct store_fetcher {
    struct fetcher fetcher; /* first; what the job's `fetcher` points to */
    struct store *store;
    struct query_job *job;
    struct kept *kept;  /* answers to give again; NULL, as after store_fetcher_init: none */
    uint64_t rows;      /* handed to the stages so far */
    uint64_t bytes;     /* of results so far */
    uint64_t rows_read; /* by the store, as far as it says */
};

/* Also sets job->fetcher. `f` lives as long as the job runs. */
void store_fetcher_init(struct store_fetcher *f, struct store *store, struct query_job *job);

/* For the fetchers of one store, which this process alone writes to (else nothing is kept): up to
 * `most_bytes` of answers to statements that may be given again (enum sql_keep). thread: any */
struct kept *kept_new(size_t most_bytes);
void kept_free(struct kept *k); /* accepts NULL */
