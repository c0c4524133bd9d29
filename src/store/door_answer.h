/* door_answer: how ClickHouse's HTTP interface words its answers. Pure. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "net/http.h"
#include "store/store.h"

str door_content_type(str format);

/* The code for an outcome that has none: our own limits, no connection free. */
int door_code(status s);

/* "Code: 60. DB::Exception: ... (UNKNOWN_TABLE) (version 26.7.2.1)\n". `message` may be the
 * engine's whole text or empty; then it is made of `err`. The code in *ret_code. */
void door_error_text(struct buf *out, str message, status s, const struct err *err,
                     const char *version, int *ret_code);

/* {"read_rows":"1",...}: what X-ClickHouse-Summary says. */
void door_summary(struct buf *out, const struct store_stats *stats, uint64_t elapsed_ns);

/* What ends an answer whose head said 200: the exception between marks, so that a client that has
 * read the tag in the head knows it from data. `text` ends with a line end; at most 16 KiB are
 * told.
 */
void door_exception_block(struct buf *out, str text, str tag);
