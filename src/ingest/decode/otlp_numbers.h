/* Repeated numbers, packed or not -> runs in the batch's u64s and f64s. */
#pragma once

#include "ingest/decode/builder.h"

/* Each appends to the end of the array and to the run *io, which must be the last one there.
 * ST_INVALID: malformed. */
[[nodiscard]] status otlp_fixed64s(struct builder *b, str packed, struct num_range *io);
[[nodiscard]] status otlp_varints(struct builder *b, str packed, struct num_range *io);
[[nodiscard]] status otlp_doubles(struct builder *b, str packed, struct num_range *io);
[[nodiscard]] status otlp_one_u64(struct builder *b, uint64_t v, struct num_range *io);
[[nodiscard]] status otlp_one_f64(struct builder *b, double v, struct num_range *io);

/* Makes room for `n` more doubles at the end and takes it. */
[[nodiscard]] status otlp_f64s_reserve(struct builder *b, uint64_t n, struct num_range *ret);
