/* http_door: ClickHouse's own HTTP interface (port 8123) in front of a store. What weir collector
 * and weir query-api talk to when they run as processes of their own, and any ClickHouse HTTP
 * client.
 *
 * First form: GET /ping, GET and POST / with `query` in the URL or body, streaming INSERT ...
 * FORMAT in, results in any format out, param_*, settings in the URL, database, X-ClickHouse-*
 * headers, exceptions as ClickHouse words them. */
#pragma once

#include <stdint.h>

#include "base/err.h"

struct http_door;
struct store;

struct http_door_options {
    const char *host;
    uint16_t port;
    unsigned threads;          /* statements at a time; 0: 4 */
    uint64_t max_insert_bytes; /* of one INSERT body; 0: 1 GiB */
};

[[nodiscard]] status http_door_open(const struct http_door_options *opt, struct store *store,
                                    struct http_door **ret, struct err *err);
uint16_t http_door_port(const struct http_door *d);
void http_door_close(struct http_door *d); /* finishes open statements, bounded; accepts NULL */
