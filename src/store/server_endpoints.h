/* server_endpoints: the addresses of one store, and which of them is asked next.
 *
 * One that fails is rested: 1 s, then twice as long after each failure, up to 30 s. When its rest
 * is over one caller finds out whether it is back, while the others go on elsewhere. When all rest,
 * the one whose rest ends first is asked: refusing is not for here. Logs the first failure in a row
 * and the recovery, when there are several. thread: any */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

enum { SERVER_ENDPOINTS_MAX = 16 };

struct server_endpoints;

/* `urls`: "http://a:8123, https://b:8443". `round_robin`: each call begins at the next one; else at
 * the first that does not rest. ST_INVALID: one is no store's URL, one is there twice, or too many.
 */
[[nodiscard]] status server_endpoints_new(str urls, bool round_robin, struct server_endpoints **ret,
                                          struct err *err);
void server_endpoints_free(struct server_endpoints *e); /* accepts NULL */

unsigned server_endpoints_count(const struct server_endpoints *e);
const char *server_endpoints_url(const struct server_endpoints *e, unsigned i);
bool server_endpoints_loopback(const struct server_endpoints *e); /* all are this host */

/* The one to ask now; `tried`: a bit for each that has failed this call. -1: all have. */
int server_endpoints_pick(struct server_endpoints *e, uint32_t tried, nanos now);

void server_endpoints_worked(struct server_endpoints *e, unsigned i);
void server_endpoints_failed(struct server_endpoints *e, unsigned i, nanos now, const char *why);
