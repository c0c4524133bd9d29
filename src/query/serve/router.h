/* router: from method and path to a row of the dialects' tables. Pure. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "query/ir/route.h"

enum route_answer { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };

struct route_match {
    const struct query_route *route; /* ROUTE_NO_METHOD: one with the same path */
    str segment;                     /* what {} stands for, as sent (not decoded) */
};

/* `path` is as sent: an escaped slash inside a segment does not separate. */
enum route_answer route_find(const struct query_route *const *tables, str method, str path,
                             struct route_match *ret);

/* The dialect an unknown path most likely meant. */
enum query_api route_guess_api(str path);

/* The Allow header: the methods all rows with this path have. */
void route_allow(const struct query_route *const *tables, str path, struct buf *out);

/* The dialect's form of an error: JSON for Prometheus and Jaeger, text for Loki. Returns its
 * content type. */
str route_error(enum query_api api, unsigned http_status, str msg, struct buf *out);
