#include "cmd/owner.h"

#include <pthread.h>
#include <stdlib.h>

#include "cmd/retention_of.h"
#include "lifecycle/compact.h"
#include "lifecycle/days.h"
#include "lifecycle/disk.h"
#include "lifecycle/jobs.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/retention.h"
#include "lifecycle/rollup_job.h"
#include "obs/log.h"
#include "store/store.h"

static const nanos disk_interval = 5 * NANOS_S;
static const nanos after_a_start = 600 * NANOS_S; /* what is asked first waits for the disk */

/* One configuration's settings. A job may be at work by those of before: all live until the end. */
struct kept {
    struct arena arena;
    struct retention retention;
    struct disk_policy disk;
    nanos looked; /* when the retention job has looked through all partitions by it; its own */
    struct kept *before;
};

struct owner {
    struct owner_options opt;
    struct rollup_jobs *rollups;
    struct lifecycle_jobs *jobs;
    pthread_mutex_t altering; /* tables' TTLs: none goes back to settings of before */
    pthread_mutex_t lock;
    struct kept *now;       /* lock */
    bool is_short;          /* the disk; the job's own */
    struct compact compact; /* the job's own */
    struct days days;       /* the job's own */
};

static struct kept *current(struct owner *o)
{
    pthread_mutex_lock(&o->lock);
    struct kept *k = o->now;
    pthread_mutex_unlock(&o->lock);
    return k;
}

static void kept_free(struct kept *k)
{
    while (k) {
        struct kept *before = k->before;
        arena_done(&k->arena);
        free(k);
        k = before;
    }
}

static status kept_new(const struct config *c, struct kept **ret, struct err *err)
{
    struct kept *k = calloc(1, sizeof *k);
    if (!k) abort();
    arena_init(&k->arena, 1u << 20);
    k->disk = (struct disk_policy){.reserve = c->disk_reserve,
                                   .drops_oldest = c->disk_policy == 0}; /* drop_oldest|refuse */
    status s = retention_of(c, &k->arena, &k->retention, err);
    if (s == ST_OK)
        *ret = k;
    else
        kept_free(k);
    return s;
}

/* ---- jobs ---- */

/* The TTLs too: somebody else may have altered a table. */
static status retention(void *ctx, const struct lifecycle_run *r, struct err *err)
{
    struct owner *o = ctx;
    pthread_mutex_lock(&o->altering);
    struct kept *k = current(o);
    const struct schema_settings longest = retention_longest(&k->retention);
    status s = lifecycle_retain(r->store, &longest, NULL, err);
    pthread_mutex_unlock(&o->altering);
    if (s != ST_OK) return s;
    uint32_t partitions = 0;
    TRY(retention_delete(&k->retention, r, k->looked, &partitions, err));
    k->looked = r->now;
    return ST_OK;
}

static status disk(void *ctx, const struct lifecycle_run *r, struct err *err)
{
    struct owner *o = ctx;
    const struct kept *k = current(o);
    struct disk_found found = {0};
    if (k->disk.reserve && !k->retention.settings.cluster.len)
        TRY(disk_keep_reserve(&k->disk, r, &found, err));
    if (found.is_short && !o->is_short)
        log_error("lifecycle", "the disk is nearly full: requests are refused",
                  LOG_INT("free", found.free), LOG_INT("reserve", k->disk.reserve));
    if (!found.is_short && o->is_short)
        log_info("lifecycle", "the disk has room again", LOG_INT("free", found.free));
    o->is_short = found.is_short;
    if (o->opt.refuse)
        o->opt.refuse(o->opt.ctx, found.is_short ? "the store's disk is nearly full: less than "
                                                   "store.disk.reserve is free"
                                                 : NULL);
    return ST_OK;
}

static status parts(void *ctx, const struct lifecycle_run *r, struct err *err)
{
    struct owner *o = ctx;
    uint64_t most;
    TRY(lifecycle_count_parts(r->store, &current(o)->retention.settings, r->stop, &most, err));
    o->opt.parts(o->opt.ctx, most);
    return ST_OK;
}

static status compact(void *ctx, const struct lifecycle_run *r, struct err *err)
{
    struct owner *o = ctx;
    uint32_t partitions;
    o->compact.partition_seconds = current(o)->retention.settings.traces_partition_seconds;
    return compact_hours(&o->compact, r, &partitions, err);
}

static status days(void *ctx, const struct lifecycle_run *r, struct err *err)
{
    struct owner *o = ctx;
    uint32_t partitions;
    o->days.reserve = current(o)->disk.reserve;
    return merge_days(&o->days, r, &partitions, err);
}

static status filters(void *, const struct lifecycle_run *r, struct err *err)
{
    return lifecycle_recall_filters(r->store, r->stop, err);
}

static status start_jobs(struct owner *o, struct err *err)
{
    struct lifecycle_job jobs[6 + ROLLUP_JOBS] = {
        {"retention", NANOS_HOUR, retention, o}, {"disk", disk_interval, disk, o},
        {"parts", 10 * NANOS_S, parts, o},       {"compact", 60 * NANOS_S, compact, o},
        {"filters", NANOS_HOUR, filters, o},     {"days", 60 * NANOS_S, days, o},
    };
    rollup_jobs_list(o->rollups, jobs + 6);
    return lifecycle_jobs_start(o->opt.store, jobs, sizeof jobs / sizeof *jobs, &o->jobs, err);
}

/* ---- life ---- */

static void owner_free(struct owner *o)
{
    rollup_jobs_free(o->rollups);
    kept_free(o->now);
    pthread_mutex_destroy(&o->lock);
    pthread_mutex_destroy(&o->altering);
    free(o);
}

status owner_open(const struct owner_options *opt, struct owner **ret, struct err *err)
{
    struct kept *k;
    TRY(kept_new(opt->config, &k, err));
    struct owner *o = calloc(1, sizeof *o);
    if (!o) abort();
    *o = (struct owner){
        .opt = *opt,
        .now = k,
        .compact = {.quiet_seconds = 3600, .patience = 600 * NANOS_S},
        .days = {.quiet_seconds = 3600, .not_before = clock_monotonic() + after_a_start}};
    pthread_mutex_init(&o->lock, NULL);
    pthread_mutex_init(&o->altering, NULL);
    const struct schema_settings longest = retention_longest(&k->retention);
    o->rollups = rollup_jobs_new(&k->retention.settings);
    status s = lifecycle_start(opt->store, &longest, err);
    if (s == ST_OK) s = start_jobs(o, err);
    if (s == ST_OK)
        *ret = o;
    else
        owner_free(o);
    return s;
}

status owner_reload(struct owner *o, const struct config *c, struct err *err)
{
    struct kept *k;
    TRY(kept_new(c, &k, err));
    const struct schema_settings longest = retention_longest(&k->retention);
    pthread_mutex_lock(&o->altering);
    status s = lifecycle_retain(o->opt.store, &longest, NULL, err);
    if (s == ST_OK) {
        pthread_mutex_lock(&o->lock);
        k->before = o->now;
        o->now = k;
        pthread_mutex_unlock(&o->lock);
    }
    pthread_mutex_unlock(&o->altering);
    if (s != ST_OK) {
        kept_free(k);
        return s;
    }
    rollup_jobs_retention(o->rollups, &k->retention.settings);
    lifecycle_jobs_wake(o->jobs, "retention");
    lifecycle_jobs_wake(o->jobs, "disk");
    return ST_OK;
}

void owner_status(struct owner *o, struct json_out *j)
{
    lifecycle_jobs_status(o->jobs, j);
    rollup_jobs_status(o->rollups, clock_now(), j);
}

/* A statement that merges does not end when it is cancelled, and may take minutes. */
static void cut_merges(struct store *s)
{
    struct err err;
    if (store_driver_of(s) == STORE_SERVER) return;
    if (store_exec(s, S("SYSTEM STOP MERGES"), &err) != ST_OK)
        log_warn("lifecycle", "merges cannot be stopped", LOG_CSTR("why", err.msg));
}

void owner_close(struct owner *o)
{
    if (!o) return;
    lifecycle_jobs_ask_stop(o->jobs);
    cut_merges(o->opt.store);
    lifecycle_jobs_stop(o->jobs);
    owner_free(o);
}
