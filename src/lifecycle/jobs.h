/* jobs: what the owner of the tables does again and again: each job on a thread of its own, so that
 * one that catches up for minutes holds up no other. */
#pragma once

#include <stdatomic.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json_out.h"

struct store;

struct lifecycle_run {
    struct store *store;
    nanos now;         /* wall clock, when the run began */
    atomic_bool *stop; /* set at shutdown, and never unset: a long run looks at it between its
                          steps, and gives it to store_query as `cancel` */
};

struct lifecycle_job {
    const char *name; /* "retention": label of the metrics; constant */
    nanos interval;   /* from the end of a run to the next. The first run is at once */
    /* ST_CANCELLED: cut off by `stop`. Any other failure is counted, logged once until it succeeds
     * again, and the job runs again after its interval. thread: the job's */
    status (*run)(void *ctx, const struct lifecycle_run *r, struct err *err);
    void *ctx; /* outlives the jobs */
};

enum { LIFECYCLE_JOBS_MAX = 16 };

struct lifecycle_jobs;

/* Starts a thread for each job; `jobs` is copied. `store` outlives them, and its tables are there.
 * ST_UNAVAILABLE: no thread. thread: main */
[[nodiscard]] status lifecycle_jobs_start(struct store *store, const struct lifecycle_job *jobs,
                                          size_t n, struct lifecycle_jobs **ret, struct err *err);

/* The job runs now, or again when it is running. thread: any */
void lifecycle_jobs_wake(struct lifecycle_jobs *j, const char *name);

/* "jobs": [{name, runs, failures, running, last_start, last_seconds, error}], into an open object.
 * thread: any */
void lifecycle_jobs_status(struct lifecycle_jobs *j, struct json_out *out);

/* Sets `stop` and returns: what runs wait for may be cut off then. thread: main */
void lifecycle_jobs_ask_stop(struct lifecycle_jobs *j);

/* Sets `stop`, waits for the runs to end, frees. Accepts NULL. thread: main */
void lifecycle_jobs_stop(struct lifecycle_jobs *j);
