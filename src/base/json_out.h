/* json_out: writes JSON into a buf, commas and quotes included. Sticky: an over-full buf is seen
 * once, at the end (buf.over). Strings that are not valid UTF-8 get U+FFFD for each bad byte.
 *
 *   struct json_out j = json_begin(&buf);
 *   json_object(&j); json_key(&j, S("status")); json_str(&j, S("success")); json_end(&j);
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct json_out {
    struct buf *out;
    uint64_t comma; /* one bit a level: something was written at this level before */
    uint64_t array; /* one bit a level: the level is an array */
    unsigned depth; /* at most 63 */
    bool after_key;
};

static inline struct json_out json_begin(struct buf *out) { return (struct json_out){.out = out}; }

void json_object(struct json_out *j);
void json_array(struct json_out *j);
void json_end(struct json_out *j); /* closes the innermost object or array */
void json_key(struct json_out *j, str key);
void json_str(struct json_out *j, str s);
void json_i64(struct json_out *j, int64_t v);
void json_u64(struct json_out *j, uint64_t v);
void json_f64(struct json_out *j, double v); /* NaN and infinities as quoted text */
void json_bool(struct json_out *j, bool v);
void json_null(struct json_out *j);
void json_raw(struct json_out *j, str already_json); /* one value, written as it is */

/* The quoted, escaped form of `s`, without comma bookkeeping. */
void json_quote(struct buf *out, str s);
