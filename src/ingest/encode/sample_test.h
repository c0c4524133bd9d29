/* Blocks made in memory, with every member set to something. For the tests here. */
#pragma once

#include "ingest/encode/encode.h"

#define SAMPLE_TIME 1'700'000'000'000'000'000ull /* 2023-11-14 22:13:20 */

/* `batches` batches of `rows` rows; everything lies in `a`. */
struct telemetry_block *sample_block(struct arena *a, enum signal_kind signal, uint32_t batches,
                                     uint32_t rows);

/* All rows of a block, as they are. */
struct encode_rows sample_rows(struct arena *a, const struct telemetry_block *b);
