/* token_log: takes tokens of inserts that never happened out of the engine's deduplication logs.
 *
 * The engine writes an insert's token to <table>/deduplication_logs/ and then renames the insert's
 * part into place. Killed between the two, it would drop the next try as a duplicate of rows that
 * it does not have. So, before it starts: a token whose part no part on disk covers is taken out.
 * Parts lie below the table's folder, and those that moved at the same path below the cold volume.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* `data_dir`: the engine's, of which no process has anything open; `cold_dir`: where what lies in
 * the cold volume is listed, empty: none. *ret: how many were taken out. A folder without tables is
 * fine. */
[[nodiscard]] status token_log_repair(str data_dir, str cold_dir, uint64_t *ret, struct err *err);
