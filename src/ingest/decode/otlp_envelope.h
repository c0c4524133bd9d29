/* What the three signals share: requests, resources and scopes around the items. */
#pragma once

#include "ingest/decode/builder.h"

typedef status otlp_item_fn(struct builder *b, str msg);

/* Walks the request and calls `item` for each span, log record or metric, in the order of the
 * bytes, with b->resource and b->scope set to the entries it belongs to. */
[[nodiscard]] status otlp_envelopes(struct builder *b, str request, otlp_item_fn *item);

/* Sums count(item) over the items. Never fails: what is malformed is found by the walk after it. */
uint64_t otlp_count_items(str request, uint64_t (*count)(str item));
