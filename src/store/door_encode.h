/* door_encode: an answer's bytes coded as they go. Pure. thread: one at a time */
#pragma once

#include "base/buf.h"
#include "store/door_decode.h"

struct door_encoder;
struct door_encoder *door_encoder_new(enum door_coding c);
void door_encoder_free(struct door_encoder *e); /* accepts NULL */

/* Appends what `piece` becomes. What was given so far can be decoded once `out` is sent; with `end`
 * it is also closed, and nothing may follow. */
void door_encode(struct door_encoder *e, str piece, bool end, struct buf *out);

/* The coding to answer in by an Accept-Encoding header: the best of those it names, without a look
 * at preferences but q=0, as ClickHouse does. Identity when it names none. */
enum door_coding door_coding_accepted(str header);
