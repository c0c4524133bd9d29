/* seen: a bounded set of hashes; full, it forgets everything. Private to ingest/encode but for its
 * door. */
#pragma once

#include "ingest/encode/encode.h"

/* True when `hash` was not there; it is then. */
bool seen_add(struct encode_seen *s, uint64_t hash);
