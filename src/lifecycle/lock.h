/* lock: one weir at a time migrates a server's tables. It holds on a plain ClickHouse server, and
 * after a SIGKILL.
 *
 * The lock is a table weir_migration_lock_N. CREATE TABLE without IF NOT EXISTS succeeds for one
 * client alone (in a cluster the queue of ON CLUSTER statements decides); the highest N counts. Its
 * comment names the owner, and the server's clock says how old it is. A free or stale N is
 * succeeded by N + 1, never taken over, so that one who slept too long finds its own table gone.
 *
 *   comment ''                  free
 *   comment '<owner>'           held, until it was not altered for the lease
 *   the owner lived here, and its process is gone: free at once
 *
 * The embedded engine needs none: its folder belongs to one process. thread: one at a time */
#pragma once

#include "base/clock.h"
#include "base/err.h"
#include "schema/settings.h"

struct store;

struct migration_lock {
    struct store *store;
    const struct schema_settings *set; /* borrowed */
    nanos lease, renewed;              /* monotonic */
    uint64_t number;                   /* 0: none is held */
};

/* Waits for it, until `deadline` (monotonic). ST_TIMEOUT: another holds it; the message names it.
 */
[[nodiscard]] status lock_take(struct store *s, const struct schema_settings *set, nanos lease,
                               nanos deadline, struct migration_lock *ret, struct err *err);

/* Before each statement: renews what is older than a fourth of the lease. ST_UNAVAILABLE: another
 * weir has succeeded it, or the server is away. */
[[nodiscard]] status lock_hold(struct migration_lock *l, struct err *err);

void lock_release(struct migration_lock *l);
