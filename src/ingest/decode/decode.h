/* decode: an OTLP export request (protobuf or JSON), or a remote write request of Prometheus, into
 * a columnar batch. Pure.
 *
 * Spec: Prometheus Remote-Write 1.0 and 2.0; opentelemetry-proto ac2c4b5, proto3 JSON with OTLP's
 * deviations (hex ids, integer enums).
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "model/batch.h"
#include "model/request.h"

struct decode_options {
    nanos received_at;
    nanos oldest;            /* items with an earlier time are rejected alone; 0: no bound */
    nanos newest;            /* items with a later time are rejected alone; 0: no bound */
    uint32_t max_attributes; /* per item, and per event, link, exemplar, resource and scope of it;
                                0: no bound */
};

/* Decodes `body` (64 readable slack bytes behind it when format is protobuf) of `signal`. The batch
 * and all it holds lie in `arena` or borrow from `body`; ret->arena is `arena` and the batch is not
 * yet its owner: the caller still frees the arena when it does not keep the batch.
 *
 * Items that cannot be kept are left out and counted in ret->rejected; the others are decoded. An
 * empty body is an empty batch. Attribute keys are unique: of several the last value counts (nested
 * values, which are text, keep all). A nested value is at most 32 levels deep; in JSON the text's
 * limit of 128 levels allows about 29.
 *
 * ST_INVALID: malformed, with the byte position and the path
 * ("resource_spans[0].scope_spans[1].spans[3]: ..."). ST_LIMIT: the arena's budget was passed. */
[[nodiscard]] status decode_request(struct arena *arena, enum signal_kind signal,
                                    enum payload_format format, str body,
                                    const struct decode_options *opt, struct telemetry_batch **ret,
                                    struct err *err);
