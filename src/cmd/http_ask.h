/* http_ask: one HTTP request of a command at the shell, whole answers. No proxy is asked. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* GETs `url`, or POSTs `form` (x-www-form-urlencoded; NULL: GET); the answer's body is added to
 * `out`, *ret_code is HTTP's. ST_UNAVAILABLE: nobody answers there, err says why. Blocks,
 * `timeout_ms` at most. */
[[nodiscard]] status http_ask(const char *url, const char *form, uint32_t timeout_ms,
                              struct buf *out, long *ret_code, struct err *err);

/* "key=value" with the value percent-encoded, "&" before it unless it is the first. */
void http_form_add(struct buf *form, const char *key, str value);
