/* http_door: ClickHouse's own HTTP interface (port 8123) in front of a store. What weir collector
 * and weir query-api talk to when they run as processes of their own, and any ClickHouse HTTP
 * client.
 *
 * What it serves and what it does not: docs/clickhouse.md. */
#pragma once

#include <stdint.h>

#include "base/err.h"

struct http_door;
struct http_tls;
struct store;

struct http_door_options {
    const char *host;
    uint16_t port;
    unsigned threads;           /* statements at a time; 0: 6. Some are for inserts alone */
    uint64_t max_insert_bytes;  /* of one INSERT body; 0: 1 GiB */
    bool read_only;             /* whoever asks */
    const char *users_file;     /* door_users.h; NULL: `default`, without a password */
    const struct http_tls *tls; /* NULL: without */
};

/* Is the file of users right? ST_INVALID: the message names the place. thread: any */
[[nodiscard]] status http_door_check(const struct http_door_options *opt, struct err *err);

[[nodiscard]] status http_door_open(const struct http_door_options *opt, struct store *store,
                                    struct http_door **ret, struct err *err);
uint16_t http_door_port(const struct http_door *d);
void http_door_close(struct http_door *d); /* finishes open statements, bounded; accepts NULL */
