/* loki_plan: what is asked of the store for LogQL. Pure; the SQL is golden-tested
 * (testdata/loki_*.sql). */
#pragma once

#include "query/ir/logql.h"
#include "query/ir/loki_labels.h"
#include "query/ir/sql.h"
#include "query/plan/filter_plan.h"

/* Streams seen on the days of [start, end]: columns stream_id, keys and values of the resource, one
 * row a stream. A selector's service_name="x" narrows them; its other matchers are for eval. At
 * most `limit` + 1 rows. */
void loki_plan_streams(struct sql *q, const struct logql_matchers *m, nanos start, nanos end,
                       uint64_t limit);

struct loki_streams {
    const uint64_t *ids;
    uint32_t n;
    const str *services; /* the service_name columns of these streams, each once: they are in the
                            table's key */
    uint32_t n_services;
    /* Labels that a record must have itself (not from its stream): the store leaves out records
     * that hold such a value nowhere. A superset comes back. */
    const struct loki_label *must;
    uint32_t n_must;
};

struct loki_slice {
    nanos start, end; /* [start, end) */
    bool forward;
    uint64_t limit;                /* 0: all */
    const struct filter_run *runs; /* n_runs > 0: records of these runs' times alone */
    size_t n_runs;
};

/* The records of the streams in the slice that pass the line filters, in order of time. */
void loki_plan_records(struct sql *q, const struct loki_streams *s, const struct logql_log *log,
                       const struct loki_slice *slice);

/* Where labels that tell a level are all that is asked of records, most need no look at their
 * attributes and lines: two statements count them for less than one. */
enum loki_level_rows {
    LOKI_LEVEL_EACH,  /* one statement: every record with all that may tell its level */
    LOKI_LEVEL_PLAIN, /* every record, as if only its severity number told the level */
    LOKI_LEVEL_ODD,   /* the records of which something else may tell, with all that may */
};

/* Which of a record's fields labels are made of. */
struct loki_fields {
    bool all;         /* whatever there is */
    const str *names; /* label names that may be asked for */
    uint32_t n;
    bool bytes; /* the lines' bytes are asked for: without, column bytes is 0 and no line is read */
    enum loki_level_rows level_rows;
};

struct loki_grid {
    nanos start, step, range;
    uint32_t n;
};

/* Is the last window that holds a line known by the first one and the other way round? */
static inline bool loki_grid_has_slots(const struct loki_grid *g)
{
    return g->n > 1 && g->range % g->step == 0;
}

/* Runs of windows of five minutes: (after, to] in seconds. */
struct loki_stretch {
    int64_t after, to;
};
struct loki_stretches {
    struct loki_stretch *v;
    uint32_t n;
};

/* Lines and bytes by stream, fields and windows: columns lines, bytes, and, when the grid has
 * slots, slot: the last time of the grid whose window holds them, which may lie behind the grid's
 * end; else first and last (see logql_eval.h). With `all` fields each record is a row of its own.
 * `in`: records of these times alone; NULL: all of the grid's. */
void loki_plan_windows(struct sql *q, const struct loki_streams *s, const struct logql_log *log,
                       const struct loki_grid *g, const struct loki_fields *fields,
                       const struct loki_stretches *in);

/* t (s), rising: ends of windows in (after, to] whose counts in otel_logs_5m are those of the
 * records: computed after the last insert of theirs, and not expired. */
void loki_plan_fresh(struct sql *q, const struct loki_stretch *in);

/* Whom the counts of a service are shown as: a stream with the labels that are asked for. */
struct loki_rolled {
    const str *services;
    const uint64_t *streams; /* of services[i] */
    uint32_t n;
    struct loki_stretches in;
};

/* What loki_plan_windows gives as LOKI_LEVEL_PLAIN, from otel_logs_5m. The grid has slots, and its
 * start, step and range are multiples of five minutes. */
void loki_plan_rolled(struct sql *q, const struct loki_rolled *r, const struct loki_grid *g,
                      const struct loki_fields *fields);

/* Columns streams, lines, bytes of [start, end). */
void loki_plan_stats(struct sql *q, const struct loki_streams *s, nanos start, nanos end);
