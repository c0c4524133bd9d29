/* door_output: an answer's bytes on their way out: made into the client's form of Native, held back
 * while the client wants the end first, coded, and given to the exchange. thread: door */
#pragma once

#include "store/door_exchange.h"

struct door_output;

/* `begin` sends the head of a good answer; it is called once, before the first byte goes out. */
struct door_output *door_output_new(struct door_exchange *e, void (*begin)(void *ctx), void *ctx);
void door_output_free(struct door_output *o);

/* `native`: the result is in FORMAT Native. Before the first piece. */
void door_output_format(struct door_output *o, bool native);

/* A piece of the result. ST_CANCELLED: the peer has left. ST_UNSUPPORTED: see door_native.h.
 * ST_LIMIT, ST_UNAVAILABLE: it cannot be held back: too long, or no room on disk. */
[[nodiscard]] status door_output_take(struct door_output *o, str piece, struct err *err);

bool door_output_streaming(const struct door_output *o); /* has the head gone out? */

/* The end of a good answer. */
void door_output_end(struct door_output *o);
/* The end of a failed one, `text` last. Streaming: it is broken off behind. Otherwise the caller
 * has begun the answer with its status, and what was held back is dropped. */
void door_output_fail(struct door_output *o, str text);
