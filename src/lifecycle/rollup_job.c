#include "lifecycle/rollup_job.h"

#include <stdlib.h>

#include "lifecycle/rollup.h"
#include "obs/log.h"
#include "obs/metrics.h"

/* One rollup as its job last left it. */
struct progress {
    atomic_bool has_run;
    _Atomic int64_t watermark;
    _Atomic uint64_t windows, rows;
};

struct signal_rollups {
    struct rollup_jobs *all;
    enum rollup_id first, last;
};

struct rollup_jobs {
    struct rollup_settings settings; /* but for source_days */
    atomic_uint source_days[ROLLUPS];
    struct progress progress[ROLLUPS];
    struct signal_rollups signals[ROLLUP_JOBS];
};

void rollup_jobs_retention(struct rollup_jobs *r, const struct schema_settings *set)
{
    atomic_uint *days = r->source_days;
    atomic_store(&days[ROLLUP_METRICS_5M], set->retention_days[SCHEMA_KEEP_metrics]);
    atomic_store(&days[ROLLUP_METRICS_1H], set->retention_days[SCHEMA_KEEP_metrics_5m]);
    atomic_store(&days[ROLLUP_LOGS_5M], set->retention_days[SCHEMA_KEEP_logs]);
    atomic_store(&days[ROLLUP_LOGS_1H], set->retention_days[SCHEMA_KEEP_logs_5m]);
    atomic_store(&days[ROLLUP_TRACES_RED_1H], set->retention_days[SCHEMA_KEEP_traces_5m]);
}

struct rollup_jobs *rollup_jobs_new(const struct schema_settings *set)
{
    struct rollup_jobs *r = calloc(1, sizeof *r);
    if (!r) abort();
    r->settings = (struct rollup_settings)ROLLUP_DEFAULTS;
    rollup_jobs_retention(r, set);
    r->signals[0] = (struct signal_rollups){r, ROLLUP_METRICS_5M, ROLLUP_METRICS_1H};
    r->signals[1] = (struct signal_rollups){r, ROLLUP_LOGS_5M, ROLLUP_LOGS_1H};
    r->signals[2] = (struct signal_rollups){r, ROLLUP_TRACES_RED_1H, ROLLUP_TRACES_RED_1H};
    return r;
}

void rollup_jobs_free(struct rollup_jobs *r) { free(r); }

static int64_t lag(int64_t watermark, nanos now) { return now / NANOS_S - watermark; }

static void note(struct rollup_jobs *r, enum rollup_id id, const struct rollup_progress *p,
                 nanos now, nanos took)
{
    struct progress *to = &r->progress[id];
    atomic_store(&to->watermark, p->watermark);
    atomic_fetch_add(&to->windows, p->windows);
    atomic_fetch_add(&to->rows, p->rows);
    atomic_store(&to->has_run, true);
    metric_set(M_ROLLUP_LAG, id, lag(p->watermark, now));
    metric_add(M_ROLLUP_WINDOWS, id, p->windows);
    metric_add(M_ROLLUP_ROWS, id, p->rows);
    metric_observe(M_ROLLUP_SECONDS, id, (double)took / NANOS_S);
    if (p->windows)
        log_debug("rollup", "windows computed", LOG_CSTR("rollup", rollup_name(id)),
                  LOG_INT("windows", p->windows), LOG_INT("rows", p->rows),
                  LOG_INT("ms", took / NANOS_MS));
}

static status run(void *ctx, const struct lifecycle_run *given, struct err *err)
{
    struct signal_rollups *s = ctx;
    for (enum rollup_id id = s->first; id <= s->last && !atomic_load(given->stop); id++) {
        struct rollup_progress p = {};
        struct rollup_settings settings = s->all->settings;
        settings.source_days[id] = atomic_load(&s->all->source_days[id]);
        nanos began = clock_monotonic();
        TRY(rollup_run(given->store, id, &settings, given->now, given->stop, &p, err));
        note(s->all, id, &p, given->now, clock_monotonic() - began);
    }
    return ST_OK;
}

void rollup_jobs_list(struct rollup_jobs *r, struct lifecycle_job out[ROLLUP_JOBS])
{
    static const char *const names[ROLLUP_JOBS] = {"rollup-metrics", "rollup-logs",
                                                   "rollup-traces"};
    for (int i = 0; i < ROLLUP_JOBS; i++)
        out[i] = (struct lifecycle_job){names[i], 60 * NANOS_S, run, &r->signals[i]};
}

void rollup_jobs_status(const struct rollup_jobs *r, nanos now, struct json_out *out)
{
    json_key(out, S("rollups"));
    json_array(out);
    for (enum rollup_id id = 0; id < ROLLUPS; id++) {
        const struct progress *p = &r->progress[id];
        if (!atomic_load(&p->has_run)) continue;
        json_object(out);
        json_key(out, S("name"));
        json_str(out, str_of(rollup_name(id)));
        json_key(out, S("watermark"));
        json_i64(out, atomic_load(&p->watermark));
        json_key(out, S("lag_seconds"));
        json_i64(out, lag(atomic_load(&p->watermark), now));
        json_key(out, S("windows"));
        json_u64(out, atomic_load(&p->windows));
        json_key(out, S("rows"));
        json_u64(out, atomic_load(&p->rows));
        json_end(out);
    }
    json_end(out);
}
