/* owner: what the process that owns the tables does with them: migrations and retention at start,
 * jobs afterwards, and new settings while it runs. */
#pragma once

#include "base/json_out.h"
#include "config/config.h"

struct owner;
struct store;

struct owner_options {
    const struct config *config; /* borrowed until it is open */
    struct store *store;         /* outlives it */
    /* The disk is short, or no longer (why NULL): nothing more may come in. thread: a job's */
    void (*refuse)(void *ctx, const char *why);
    /* Told again and again how many parts the fullest partition of the tables has. thread: so */
    void (*parts)(void *ctx, uint64_t most);
    void *ctx;
};

/* Makes the tables what this binary and the configuration say, then starts the jobs.
 * ST_UNSUPPORTED: the store's schema is newer than this binary. thread: main */
[[nodiscard]] status owner_open(const struct owner_options *opt, struct owner **ret,
                                struct err *err);

/* Retention and the disk's reserve are from now on what `c` says: the tables' TTLs are altered
 * before it returns, the jobs run at once. Nothing is borrowed. thread: one at a time */
[[nodiscard]] status owner_reload(struct owner *o, const struct config *c, struct err *err);

/* "jobs" and "rollups" of GET /status. thread: any */
void owner_status(struct owner *o, struct json_out *j);

/* Stops the jobs; accepts NULL. thread: main */
void owner_close(struct owner *o);
