/* job: one API call on its way through the query stages. Data only; see query/README.md.
 *
 * serve makes it, engine.c hands it to the function of its endpoint on a query thread, which fills
 * in the answer. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "query/ir/sql.h"

/* Decoded parameters of the URL query and, for POST, of the form body (body first: it wins). In
 * order, repeats kept. */
struct query_param {
    str name, value;
};

struct prometheus_naming; /* model/prometheus_name.h */

struct query_limits {
    uint64_t max_rows;    /* read into this process; default 50,000,000 samples or rows */
    uint64_t max_series;  /* default 500,000 */
    uint64_t max_bytes;   /* memory of one query: the arena's budget. default 512 MiB */
    uint64_t max_entries; /* log lines or traces in one answer. default 5,000 */
    uint32_t timeout_ms;  /* default 60,000 */
    unsigned cores;       /* of this machine; 0: not known */
    bool experimental;    /* functions that Prometheus hides behind a flag */
    const struct prometheus_naming *naming; /* of OTLP metrics in PromQL; NULL: Prometheus' default
                                             */
};

/* What a job did, for who asks for it (explain). Lies in the job's arena. */
struct query_statement {
    str sql;
    const struct sql_param *params;
    uint32_t n_params;
    uint64_t rows, rows_read; /* handed over; read by the engine */
    nanos took;
    struct query_statement *next;
};
struct query_read { /* of a selector */
    str selector;
    int64_t from_ms, to_ms;
    uint32_t series, sets;
    str resolution; /* as in job->resolution */
    struct query_read *next;
};
struct query_trace {
    struct query_statement *statements, **last_statement;
    struct query_read *reads, **last_read;
};

struct query_job {
    struct arena *arena; /* budget: limits->max_bytes */
    str method;          /* GET, POST */
    str path;            /* decoded */
    str segment; /* the variable part of the path ({name}, {service}, {id}), decoded; else empty */
    const struct query_param *params;
    size_t n_params;
    const struct query_param *headers; /* lower-case names */
    size_t n_headers;
    str sent; /* the request's body, where it is not a form */
    nanos now;
    nanos arrived;         /* monotonic: the request was complete */
    nanos deadline;        /* monotonic */
    atomic_bool cancelled; /* the client left */
    const struct query_limits *limits;
    struct fetcher *fetcher;
    struct query_cache *cache; /* of range queries (query/cache/cache.h); NULL: none */
    struct query_trace *trace; /* NULL: nobody asks */

    /* the answer */
    unsigned http_status; /* 0: 200 */
    str content_type;     /* empty: application/json */
    str content_encoding; /* of the body as it is; empty: none, and serve may compress it */
    str resolution;       /* the header X-Weir-Resolution; empty: none */
    struct buf body;
    /* NULL: the body is the whole answer, or its last piece. Else this adds the next piece to the
     * body, which was emptied when the client had taken the one before, and sets `more` anew.
     * Cannot fail; may be called long after the deadline, or never. thread: query */
    void (*more)(struct query_job *j);
    void *more_ctx; /* in the arena */
};
/* How much of a long answer is made at a time, about. */
static inline size_t job_piece(const struct query_job *j)
{
    enum { MOST = 1 << 20 };
    return j->body.max / 4 < MOST ? j->body.max / 4 : MOST;
}

/* The first value of `name`, or an empty str with ptr NULL when absent. */
str job_param(const struct query_job *j, str name);
/* The i-th value of `name` (0, 1, ...); ptr NULL past the last. */
str job_param_at(const struct query_job *j, str name, size_t i);
str job_header(const struct query_job *j, str name);

void query_trace_begin(struct query_job *j); /* from now on job->trace is kept */

/* ST_CANCELLED or ST_TIMEOUT when the query should stop; cheap: called once per block or step. */
[[nodiscard]] status job_check(const struct query_job *j, struct err *err);
