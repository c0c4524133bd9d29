/* lifecycle: what the owner of the tables does: migrations and retention. thread: any but a loop;
 * calls block. */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "schema/migrate.h"

struct store;

/* At start: applies the missing migrations, then makes the tables' TTLs equal to the retention
 * settings. ST_UNSUPPORTED: the store's schema is newer than this binary. */
[[nodiscard]] status lifecycle_start(struct store *s, const struct schema_settings *set,
                                     struct err *err);

[[nodiscard]] status lifecycle_migrate(struct store *s, const struct schema_settings *set,
                                       uint32_t *ret_applied, struct err *err);

/* ALTER TABLE ... MODIFY TTL or REMOVE TTL (0 days) where a table says something else; how many
 * were changed. */
[[nodiscard]] status lifecycle_retain(struct store *s, const struct schema_settings *set,
                                      uint32_t *ret_changed, struct err *err);

/* Are the store's columns those of tables.def: name, type, order? ST_INTERNAL: the first
 * difference. */
[[nodiscard]] status lifecycle_check_columns(struct store *s, struct err *err);
