/* serve: HTTP in front of the query threads. Finds the route, decodes the parameters, makes the
 * job; when its answer comes back, sends it. Does no query work itself.
 *
 *   loop thread                          query thread
 *   request -> route -> body -> submit ->  ... run ...
 *   answer  <- loop_post               <-  serve_done
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "query/ir/job.h"
#include "query/ir/route.h"

struct server;

/* One API call. Made by serve, moved to the query threads by submit, moved back by serve_done. */
struct serve_call {
    struct query_job job;
    const struct query_route *route;
    nanos begun;             /* monotonic: the request was complete */
    struct serve_call *next; /* for whoever queues it */
};

struct serve_options {
    const char *host;
    uint16_t port;                           /* 0: any free one */
    const struct query_route *const *tables; /* each ends with path NULL; the list ends with NULL */
    const struct query_limits *limits;       /* valid as long as the server */
    /* Takes the call. False: no room (the caller answers 503). Must not block. thread: loop */
    bool (*submit)(void *ctx, struct serve_call *c);
    void *ctx;
};

enum { SERVE_BODY_MAX = 4 << 20 }; /* of a request; past it 413 */

[[nodiscard]] status serve_open(const struct serve_options *opt, struct server **ret,
                                struct err *err);
uint16_t serve_port(const struct server *s);

/* Gives the call back with its answer filled in. thread: any */
void serve_done(struct serve_call *c);

/* Answers in the form of the route's dialect, replacing what the job's body holds. thread: whoever
 * has the call */
void serve_fail(struct serve_call *c, unsigned http_status, const char *msg);

/* Ends the listener and the loop. Every call must have been given back. Accepts NULL. */
void serve_close(struct server *s);
