/* embedded_engine: the one engine of this process: its data directory, lock and configuration file.
 *
 * It is started by the first store and lives until the process ends: an engine with MergeTree
 * tables does not shut down cleanly. A connection of its own keeps it alive when all stores are
 * closed, and stops statements of the others. */
#pragma once

#include <stdint.h>

#include "store/changes.h"
#include "store/chdb.h"
#include "store/store.h"

/* Loads the library, makes and locks the data directory, writes the configuration and the roles;
 * nothing when that was done for this directory already. *ret_changes is of all stores of the
 * process. ST_UNAVAILABLE: in use by another process (which one). */
[[nodiscard]] status embedded_engine_prepare(const struct store_options *opt,
                                             const struct chdb **ret, struct changes **ret_changes,
                                             struct err *err);

/* Starts what was prepared: loads all tables, seconds for thousands of parts; nothing when it runs.
 * ST_UNAVAILABLE: it does not start. */
[[nodiscard]] status embedded_engine_start(struct err *err);

/* A connection, named by the comment its statements carry, which is written to `comment`. */
enum { ENGINE_COMMENT_MAX = 32 };
[[nodiscard]] status embedded_engine_connect(char comment[ENGINE_COMMENT_MAX],
                                             chdb_connection **ret, struct err *err);

/* Roles of the engine, which every connection may take on by SET ROLE (store.h, enum store_role).
 */
#define ENGINE_ROLE_WRITE "weir_write"
#define ENGINE_ROLE_READ "weir_read"

/* Asks the engine to stop what runs under this comment. Returns before it has stopped. */
void embedded_engine_kill(const char *comment);
