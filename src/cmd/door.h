/* door: ClickHouse's HTTP interface of this process, from the configuration. thread: main */
#pragma once

#include "base/err.h"
#include "config/config.h"
#include "store/http_door.h"

/* Are its options right, and its files usable? The message begins with the option. */
[[nodiscard]] status door_check(const struct config *c, struct err *err);

/* Opens it in front of the embedded engine. `reader`: of a process that reads beside all else it
 * does (weir run), where clickhouse.readonly=auto means true. *ret stays NULL when
 * clickhouse.endpoint is empty, and when the store is a server, which has an interface of its own.
 */
[[nodiscard]] status door_open(const struct config *c, struct store *store, bool reader,
                               struct http_door **ret, struct err *err);
