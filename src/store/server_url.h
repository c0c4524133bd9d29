/* server_url: a statement as the URL of ClickHouse's HTTP interface. Pure. */
#pragma once

#include "store/store.h"

void url_escape(struct buf *out,
                str s); /* percent-encoding of everything but unreserved characters */

enum server_url_use {
    SERVER_URL_QUERY,  /* the statement is the body */
    SERVER_URL_INSERT, /* the statement is in the URL, the data is the body */
};

/* What stands behind the server's address, "/?...": database (may be empty), settings, parameters,
 * the fixed settings of this driver. `q.sql` of an INSERT is without FORMAT. `packed`: the answer
 * may be compressed. A statement that only selects is marked read-only, so that the server stops it
 * when the connection closes. */
void server_url(struct buf *out, str database, const struct store_query *q, enum server_url_use use,
                bool packed);

/* Does it only select? Then it may be sent again elsewhere. */
bool server_url_reads_only(str sql);

/* Does the URL name this host? Then nothing is compressed on the way. */
bool server_url_is_loopback(str url);

/* Scheme http or https, a host, no user, query or fragment. */
[[nodiscard]] status server_url_check(str url, struct err *err);
