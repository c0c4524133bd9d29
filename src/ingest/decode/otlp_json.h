/* OTLP/JSON -> the same request in protobuf. Both forms then take one walk, so they cannot differ.
 *
 * proto3 JSON with OTLP's deviations: keys in lowerCamelCase only, unknown ones ignored; trace and
 * span ids in hex, other bytes in base64; enums as integers (names are accepted); 64-bit integers
 * as strings or numbers; null is unset; of a key that comes twice the last one counts. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/telemetry.h"

/* *ret lies in `arena`. ST_INVALID: malformed, with position and path. ST_LIMIT: past the budget.
 */
[[nodiscard]] status otlp_json(struct arena *arena, enum signal_kind signal, str json, str *ret,
                               struct err *err);
