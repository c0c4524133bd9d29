/* door_input: a request's body decoded, piece by piece, and bounded. thread: door */
#pragma once

#include "base/err.h"
#include "store/door_exchange.h"

struct door_input;

struct door_input *door_input_new(struct door_exchange *e, uint64_t max_bytes);
void door_input_free(struct door_input *in); /* accepts NULL */

/* The next decoded piece, borrowed until the next call; empty at the end.
 * ST_INVALID: malformed compression. ST_LIMIT: more than max_bytes. ST_CANCELLED: the body broke
 * off. */
[[nodiscard]] status door_input_next(struct door_input *in, str *ret, struct err *err);
