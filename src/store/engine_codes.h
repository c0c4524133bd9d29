/* engine_codes: what ClickHouse's error codes mean. One table, engine_codes.def. Pure. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

enum engine_use { ENGINE_QUERY, ENGINE_INSERT };

/* The status for an error text of the engine ("Code: 60. DB::Exception: ..."). */
status engine_status(str message, enum engine_use use);

/* The same, with the text put into *err. */
status engine_error(str message, enum engine_use use, struct err *err);

int engine_http_status(int code);
const char *engine_code_name(int code); /* "UNKNOWN_TABLE", or "UNKNOWN_EXCEPTION" */
