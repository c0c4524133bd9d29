/* otlp_request: a block cut into OTLP requests: as many of its batches in one as fit. Pure. */
#pragma once

#include "base/buf.h"
#include "model/block.h"
#include "model/request.h"

struct otlp_request {
    enum payload_format format;
    uint64_t max_bytes; /* aimed at; a batch that is larger alone is a request of its own */
    struct arena scratch;
    struct buf body;
    size_t batches; /* in it */
    uint64_t items; /* rows in it; 0: there is nothing to send */
};

void otlp_request_init(struct otlp_request *r, enum payload_format format, uint64_t max_bytes);
void otlp_request_done(struct otlp_request *r); /* accepts zeroed */

/* Makes the request that begins with batch `from` of the block. ST_LIMIT: a batch is larger than
 * any request can be. */
[[nodiscard]] status otlp_request_make(struct otlp_request *r, const struct telemetry_block *b,
                                       size_t from, struct err *err);

/* Gives back memory that an unusually large request needed. */
void otlp_request_trim(struct otlp_request *r);
