/* admin_client: questions to the running process of the same configuration, at its admin port. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "config/config.h"

/* GET or POST `path` ("/status"), whose answer is added to `out`; *ret_code is HTTP's. An address
 * for all (0.0.0.0) is asked at 127.0.0.1. ST_INVALID: admin.endpoint. ST_UNAVAILABLE: nobody
 * answers there. Blocks, `timeout_ms` at most. */
[[nodiscard]] status admin_ask(const struct config *c, bool post, const char *path,
                               uint32_t timeout_ms, struct buf *out, long *ret_code,
                               struct err *err);
