#include "cmd/owner.h"

#include <stdlib.h>

#include "cmd/cold.h"
#include "lifecycle/jobs.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/rollup_job.h"

struct owner {
    struct schema_settings settings;
    struct rollup_jobs *rollups;
    struct owner_listener listener;
    struct lifecycle_jobs *jobs;
};

static uint32_t whole_days(nanos t) { return (uint32_t)((t + NANOS_DAY - 1) / NANOS_DAY); }

struct schema_settings owner_settings(const struct config *c)
{
    static const uint32_t seconds[] = {3600, 21600, 86400}; /* options.def: 1h|6h|1d */
    struct schema_settings set = {
        .traces_partition_seconds = seconds[c->traces_partition],
        .retention_days =
            {
#define RETENTION(ident) [SCHEMA_KEEP_##ident] = whole_days(c->retention_##ident),
#include "schema/retentions.def"
#undef RETENTION
            },
        .without_index = {[SCHEMA_INDEX_ATTRIBUTES] = !c->index_attributes,
                          [SCHEMA_INDEX_BODY] = !c->index_body},
        .cluster = c->store_cluster,
        .database = c->store_database,
        .views = c->store_views,
    };
    cold_settings(c, &set);
    return set;
}

/* Somebody else may have altered a table. */
static status retention(void *ctx, const struct lifecycle_run *r, struct err *err)
{
    struct owner *o = ctx;
    return lifecycle_retain(r->store, &o->settings, NULL, err);
}

static status parts(void *ctx, const struct lifecycle_run *r, struct err *err)
{
    struct owner *o = ctx;
    uint64_t most;
    TRY(lifecycle_count_parts(r->store, &o->settings, &most, err));
    o->listener.parts(o->listener.ctx, most);
    return ST_OK;
}

static status start_jobs(struct owner *o, struct store *store, struct err *err)
{
    struct lifecycle_job jobs[2 + ROLLUP_JOBS] = {
        {"retention", NANOS_HOUR, retention, o},
        {"parts", 10 * NANOS_S, parts, o},
    };
    rollup_jobs_list(o->rollups, jobs + 2);
    return lifecycle_jobs_start(store, jobs, sizeof jobs / sizeof *jobs, &o->jobs, err);
}

status owner_open(const struct config *c, struct store *store, const struct owner_listener *l,
                  struct owner **ret, struct err *err)
{
    struct owner *o = calloc(1, sizeof *o);
    if (!o) abort();
    o->settings = owner_settings(c);
    o->rollups = rollup_jobs_new(&o->settings);
    o->listener = *l;
    status s = lifecycle_start(store, &o->settings, err);
    if (s == ST_OK) s = start_jobs(o, store, err);
    if (s == ST_OK)
        *ret = o;
    else
        owner_close(o);
    return s;
}

void owner_status(struct owner *o, struct json_out *j)
{
    lifecycle_jobs_status(o->jobs, j);
    rollup_jobs_status(o->rollups, clock_now(), j);
}

void owner_close(struct owner *o)
{
    if (!o) return;
    lifecycle_jobs_stop(o->jobs);
    rollup_jobs_free(o->rollups);
    free(o);
}
