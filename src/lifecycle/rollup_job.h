/* rollup_job: the jobs that keep the rollups up to date: one a signal, its five minutes before its
 * hours. */
#pragma once

#include "base/json_out.h"
#include "lifecycle/jobs.h"
#include "schema/settings.h"

struct rollup_jobs;

/* thread: main */
struct rollup_jobs *rollup_jobs_new(const struct schema_settings *set);
/* How long the rows are kept that windows are computed from, from the next run on. thread: any */
void rollup_jobs_retention(struct rollup_jobs *r, const struct schema_settings *set);
void rollup_jobs_free(struct rollup_jobs *r); /* accepts NULL */

enum { ROLLUP_JOBS = 3 };
/* What to give to lifecycle_jobs_start; `r` outlives them. */
void rollup_jobs_list(struct rollup_jobs *r, struct lifecycle_job out[ROLLUP_JOBS]);

/* "rollups": [{name, watermark, lag_seconds, windows, rows}], into an open object; those that have
 * run. Times in s since 1970. thread: any */
void rollup_jobs_status(const struct rollup_jobs *r, nanos now, struct json_out *out);
