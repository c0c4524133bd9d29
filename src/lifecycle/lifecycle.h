/* lifecycle: what the owner of the tables does: migrations, retention and indexes. thread: any but
 * a loop; calls block. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "schema/migrate.h"

struct store;

/* At start: applies the missing migrations, then makes the tables' TTLs and indexes equal to
 * the settings. ST_UNSUPPORTED: the store's schema is newer than this binary. */
[[nodiscard]] status lifecycle_start(struct store *s, const struct schema_settings *set,
                                     struct err *err);

[[nodiscard]] status lifecycle_migrate(struct store *s, const struct schema_settings *set,
                                       uint32_t *ret_applied, struct err *err);

/* Up to version `to` (0: all). At a server under a lock, for which it waits ten minutes at most
 * (ST_TIMEOUT). With `print` the statements are written there and nothing is changed. */
[[nodiscard]] status lifecycle_migrate_to(struct store *s, const struct schema_settings *set,
                                          uint32_t to, struct buf *print, uint32_t *ret_applied,
                                          struct err *err);

/* What the store says was applied, by version; none when it has no tables of weir yet. */
[[nodiscard]] status lifecycle_applied(struct store *s, struct applied_migration *out, size_t cap,
                                       size_t *ret_n, struct err *err);

/* Raw tables get the storage policy of the settings, if one is named. ST_INVALID: the server has
 * none of that name with a volume `cold` (which it has is said), or one that lacks a volume of the
 * table's own. */
[[nodiscard]] status lifecycle_use_policy(struct store *s, const struct schema_settings *set,
                                          struct err *err);

/* ALTER TABLE ... MODIFY TTL or REMOVE TTL (0 days) where a table says something else; how many
 * were changed. */
[[nodiscard]] status lifecycle_retain(struct store *s, const struct schema_settings *set,
                                      uint32_t *ret_changed, struct err *err);

/* Tables of the embedded engine merge as many parts at a time as suits them (docs/decisions/0011);
 * how many were changed. A server's tables are left as they are. */
[[nodiscard]] status lifecycle_merges(struct store *s, uint32_t *ret_changed, struct err *err);

/* Columns of the embedded engine have the codecs that older ClickHouse servers cannot write; how
 * many were changed. A server's tables are left as they are. */
[[nodiscard]] status lifecycle_codecs(struct store *s, uint32_t *ret_changed, struct err *err);

/* Adds the indexes of schema/indexes.def that are not there; how many were. What is stored already
 * gets a new index as it is merged. */
[[nodiscard]] status lifecycle_index(struct store *s, const struct schema_settings *set,
                                     uint32_t *ret_changed, struct err *err);

/* Has the embedded engine look which rows of the last two days no filter knows of, so that it
 * remembers it when a search comes. A server is not asked. *stop (may be NULL) ends it:
 * ST_CANCELLED. */
[[nodiscard]] status lifecycle_recall_filters(struct store *s, atomic_bool *stop, struct err *err);

/* How many active parts the tables have, into the metrics; *ret_most: in the partition that has the
 * most of them. At a cluster: of the node that answers. *stop (may be NULL) ends it:
 * ST_CANCELLED. */
[[nodiscard]] status lifecycle_count_parts(struct store *s, const struct schema_settings *set,
                                           atomic_bool *stop, uint64_t *ret_most, struct err *err);

/* Are the store's columns those of tables.def: name, type, order? ST_INTERNAL: the first
 * difference. */
[[nodiscard]] status lifecycle_check_columns(struct store *s, struct err *err);
