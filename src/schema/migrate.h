/* migrate: numbered SQL files, embedded in the binary, applied in order and recorded in
 * weir_migrations. How the files are written: README.md. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "schema/settings.h"

struct migration {
    uint32_t version;
    const char *name; /* "0001_tables" */
    const char *sql;
};

extern const struct migration migrations[];
extern const size_t n_migrations;

uint64_t
migration_checksum(const struct migration *m); /* XXH3 of the file as it is in the source */

/* The next statement of a file, without its end line; false when there is none. `rest` moves on. */
bool schema_statement_next(str *rest, str *ret);

/* Runs one statement. */
typedef status (*migrate_exec)(void *ctx, str sql, struct err *err);
/* Reads what is applied, in any order; none when there is no weir_migrations. Count in *ret_n. */
struct applied_migration {
    uint32_t version;
    uint64_t checksum;
    char at[32]; /* when, UTC; for people */
};
typedef status (*migrate_applied)(void *ctx, struct applied_migration *out, size_t cap,
                                  size_t *ret_n, struct err *err);

/* The table that remembers, made by schema_migrate. */
#define SCHEMA_MIGRATIONS_TABLE "weir_migrations"
enum { SCHEMA_MIGRATIONS_MAX = 10000 };

/* Which of migrations[] are missing up to version `to` (0: all), as n_migrations flags, and how
 * many. ST_UNSUPPORTED: the store's schema is newer than this binary, or an applied file's checksum
 * differs; the message says which. ST_INVALID: no such version. */
[[nodiscard]] status schema_pending(const struct applied_migration *applied, size_t n, uint32_t to,
                                    bool *pending, uint32_t *ret_n, struct err *err);

/* Applies what is missing. Each statement is idempotent, so a killed migration is simply run again.
 * Statuses of schema_pending and of `exec`. */
[[nodiscard]] status schema_migrate(const struct schema_settings *set, migrate_exec exec,
                                    migrate_applied applied, void *ctx, uint32_t to,
                                    uint32_t *ret_applied, struct err *err);

/* tables.def as data. */
struct schema_column {
    const char *table, *column, *type;
};
extern const struct schema_column schema_columns[];
extern const size_t n_schema_columns;
