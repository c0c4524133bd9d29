/* server_decode: an answer's Content-Encoding undone piece by piece: zstd (RFC 8878) or LZ4 frames,
 * several of them in a row too. Pure. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct server_decoder;

enum server_encoding { SERVER_IDENTITY, SERVER_ZSTD, SERVER_LZ4 };

struct server_decoder *server_decoder_new(enum server_encoding encoding); /* not SERVER_IDENTITY */
void server_decoder_free(struct server_decoder *d);                       /* accepts NULL */

/* Hands over what `wire` decodes to, in pieces of at most 256 KiB. ST_CANCELLED: `take` said no.
 * ST_INVALID: malformed, or a window of more than 128 MiB. */
[[nodiscard]] status server_decode(struct server_decoder *d, str wire,
                                   bool (*take)(void *ctx, str piece), void *ctx, struct err *err);

/* Is what came whole frames? */
bool server_decoder_at_end(const struct server_decoder *d);
