/* store_options: weir's own store as the configuration has it. thread: main, at start */
#pragma once

#include "base/err.h"
#include "config/config.h"
#include "store/store.h"

/* The driver and all of store.*, the password from its file too; without what the caller adds:
 * data_dir, memory_bytes, may_be_away. Strings borrow from `c`. ST_INVALID: an option is wrong, or
 * contradicts another. ST_UNAVAILABLE: store.password_file cannot be read. */
[[nodiscard]] status store_options_of(const struct config *c, struct store_options *ret,
                                      struct err *err);
