/* Resource and InstrumentationScope -> entries of the batch, each distinct one once. */
#pragma once

#include "ingest/decode/builder.h"

/* Fields 1 and 3 of a ResourceSpans or ScopeSpans message. */
struct envelope_head {
    str message; /* the whole of it, for the rare case that field 1 came in pieces */
    str inner;   /* field 1, the last one */
    uint32_t times;
    str schema_url;
};

/* Set b->resource and b->scope. ST_INVALID: malformed. */
[[nodiscard]] status otlp_resource(struct builder *b, const struct envelope_head *head);
[[nodiscard]] status otlp_scope(struct builder *b, const struct envelope_head *head);
