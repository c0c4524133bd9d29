/* cold: the options of cold storage, checked and put into the modules' own structs. thread: main */
#pragma once

#include "config/config.h"
#include "schema/settings.h"
#include "store/store.h"

/* ST_INVALID: options that contradict one another, or are not what they should be; the message
 * names them, and holds no value that may be secret. */
[[nodiscard]] status cold_check(const struct config *c, struct err *err);

/* Where parts go (embedded engine), and when. Borrowed from `c`. */
struct store_cold cold_store(const struct config *c);
void cold_settings(const struct config *c, struct schema_settings *set);
