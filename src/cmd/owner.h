/* owner: what the process that owns the tables does with them: migrations and retention at start,
 * jobs afterwards. */
#pragma once

#include "base/json_out.h"
#include "config/config.h"
#include "schema/settings.h"

struct owner;
struct store;

/* What the configuration says of the tables; strings borrow from it. */
struct schema_settings owner_settings(const struct config *c);

/* Told again and again how many parts the fullest partition of the tables has. thread: a job's */
struct owner_listener {
    void (*parts)(void *ctx, uint64_t most);
    void *ctx;
};

/* Makes the tables what this binary and the configuration say, then starts the jobs. `store`
 * outlives it. ST_UNSUPPORTED: the store's schema is newer than this binary. thread: main */
[[nodiscard]] status owner_open(const struct config *c, struct store *store,
                                const struct owner_listener *l, struct owner **ret,
                                struct err *err);

/* "jobs" and "rollups" of GET /status. thread: any */
void owner_status(struct owner *o, struct json_out *j);

/* Stops the jobs; accepts NULL. thread: main */
void owner_close(struct owner *o);
