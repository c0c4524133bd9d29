/* AnyValue and KeyValue -> struct attr_value and struct attr. */
#pragma once

#include "ingest/decode/builder.h"

enum { VALUE_DEPTH_MAX = 32 }; /* levels of arrays and lists inside one value */

/* One AnyValue. A value without a member leaves *io as it is: that is how protobuf merges.
 * ST_INVALID: malformed, or nested too deep. */
[[nodiscard]] status otlp_value(struct builder *b, str msg, struct attr_value *io);

/* One KeyValue, put at the end of the batch's attributes and of the run *io. No other run may have
 * grown since the run began. */
[[nodiscard]] status otlp_attribute(struct builder *b, str msg, struct attr_range *io);

/* Ends a run: of a key that is there more than once the last value stays, in the first one's place.
 */
void otlp_attributes_end(struct builder *b, struct attr_range *io);
