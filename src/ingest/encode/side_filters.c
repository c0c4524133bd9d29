/* otel_trace_filters, otel_log_filters: a row for each run of rows of the main table. A search
 * reads the filters first, and then the runs that may hold what it is after. A row of a main table
 * that is sent without one in a filter has no_filter 1. */
#include "ingest/encode/filter_runs.h"
#include "ingest/encode/side.h"

static void find(const struct telemetry_block *, const struct encode_rows *, struct encode_seen *,
                 struct side_rows *ret)
{
    for (size_t i = 0; i < ret->filters->n; i++) {
        struct filter_run *r = &ret->filters->list[i];
        if (r->pairs) r->filter = filter_of_pairs(r->pairs, ret->arena);
        side_add(ret, (struct side_row){.partition = side_day(r->first_time),
                                        .u = r->first_time,
                                        .v = r->last_time,
                                        .filter = r});
    }
}

/* `at` is the offset of the time in struct filter_run. */
static void put_time(struct insert *w, const struct column_plan *c)
{
    char *to = native_put_space(w->out, w->n * 8);
    for (size_t i = 0; to && i < w->n; i++)
        memcpy(to + i * 8, (const char *)w->side[i].filter + c->at, 8);
}

static void put_first_id(struct insert *w, const struct column_plan *)
{
    char *to = native_put_space(w->out, w->n * 16);
    for (size_t i = 0; to && i < w->n; i++) memcpy(to + i * 16, w->side[i].filter->first_id, 16);
}

static void put_last_id(struct insert *w, const struct column_plan *)
{
    char *to = native_put_space(w->out, w->n * 16);
    for (size_t i = 0; to && i < w->n; i++) memcpy(to + i * 16, w->side[i].filter->last_id, 16);
}

static void put_filter(struct insert *w, const struct column_plan *)
{
    for (size_t i = 0; i < w->n; i++) native_put_str(w->out, w->side[i].filter->filter);
}

#define TIME_PLANS                                                        \
    {"first_time", put_time, offsetof(struct filter_run, first_time), 0}, \
    {                                                                     \
        "last_time", put_time, offsetof(struct filter_run, last_time), 0  \
    }

static void put_traces(struct insert *w)
{
    static const struct column_plan plan[] = {
        TIME_PLANS,
        {"first_id", put_first_id, 0, 0},
        {"last_id", put_last_id, 0, 0},
        {"filter", put_filter, 0, 0},
    };
    insert_put(w, "otel_trace_filters", plan, sizeof plan / sizeof *plan);
}

static void put_logs(struct insert *w)
{
    static const struct column_plan plan[] = {TIME_PLANS, {"filter", put_filter, 0, 0}};
    insert_put(w, "otel_log_filters", plan, sizeof plan / sizeof *plan);
}

const struct side_table side_trace_filters = {S("otel_trace_filters"), find, put_traces};
const struct side_table side_log_filters = {S("otel_log_filters"), find, put_logs};
