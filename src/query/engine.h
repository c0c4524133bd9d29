/* engine: the path out. Owns the query threads, their limits, and the HTTP listener of the query
 * API.
 *
 * serve -> parse -> plan -> fetch -> eval -> render */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "query/ir/job.h"
#include "query/ir/route.h"

struct engine;
struct query_cache;
struct store;

struct engine_options {
    const char *host;
    uint16_t port;              /* 0: any free one */
    unsigned threads;           /* 0: 4 */
    unsigned max_queued;        /* jobs waiting for a thread; past it 503. 0: 256 */
    struct query_limits limits; /* a member of 0: its default (ir/job.h) */
    /* The dialects served: tables of api.h, the list ends with NULL. Static storage. */
    const struct query_route *const *tables;
    struct query_cache *cache; /* outlives the engine; NULL: nothing is cached */
    bool begin_later;          /* queries are answered 503 until engine_begin */
    /* Run once when queries begin, on one of the query threads, for a second at most; NULL: nothing
     * is. */
    status (*warm_up)(struct query_job *j, struct err *err);
};

[[nodiscard]] status engine_open(const struct engine_options *opt, struct store *store,
                                 struct engine **ret, struct err *err);
void engine_begin(struct engine *e); /* the tables are there. thread: any */
uint16_t engine_port(const struct engine *e);
void engine_close(struct engine *e); /* cancels running queries; accepts NULL */
