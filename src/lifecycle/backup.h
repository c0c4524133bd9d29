/* backup: the engine's BACKUP and RESTORE of weir's database. They run in the engine; who started
 * one asks for its state. thread: any but a loop; calls block */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "schema/settings.h"

struct store;

struct backup_places {
    str place, base; /* backup_place.h; no base: a whole backup, or what the backup itself names */
    str region;      /* of object stores; may be empty */
};

enum { BACKUP_ID_MAX = 64 };

/* Begins a backup; of what is stored when it begins. With a base it holds only what that one does
 * not. ST_INVALID: the places; ST_UNSUPPORTED: a cluster. */
[[nodiscard]] status backup_start(struct store *s, const struct schema_settings *set,
                                  const struct backup_places *p, char id[BACKUP_ID_MAX],
                                  struct err *err);

struct backup_state {
    bool running;
    uint64_t files, bytes;         /* of the whole */
    uint64_t new_files, new_bytes; /* that are not in the base, its list of files included */
};

/* ST_NOT_FOUND: no such backup since the engine started. Else the status with which it ended, and
 * the engine's text. */
[[nodiscard]] status backup_ask(struct store *s, str id, struct backup_state *ret, struct err *err);

struct restored {
    uint64_t tables, rows, bytes;
};

/* Restores into a database without tables, then reads every part and compares its checksums.
 * Returns when all is done. ST_UNSUPPORTED: the backup's schema is newer than this binary (nothing
 * but weir_migrations was restored). ST_INVALID: no such backup, or it is not whole or damaged: the
 * message says where. After a failure the database holds a part of it. */
[[nodiscard]] status backup_restore(struct store *s, const struct schema_settings *set,
                                    const struct backup_places *p, struct restored *ret,
                                    struct err *err);
