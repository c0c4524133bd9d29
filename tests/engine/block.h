/* block: telemetry into the engine, as the pipeline puts it there. thread: the test's */
#pragma once

#include "engine/engine.h"
#include "ingest/batch/batch.h"

/* Orders and encodes the block, by hours, and inserts it. Fails the test on an error. */
void engine_insert_block(struct store *s, const struct telemetry_block *block);
