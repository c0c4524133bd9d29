/* jaeger_envelope: what surrounds every answer of Jaeger's v1 HTTP API. */
#pragma once

#include "base/json_out.h"

/* {"data": ...; the caller writes the value, then ends. */
struct json_out jaeger_begin(struct buf *out);
void jaeger_end(struct json_out *j, uint64_t total); /* "errors":null} */
/* The same up to "errors":, whose value the caller writes before json_end. */
void jaeger_end_with_errors(struct json_out *j, uint64_t total);
