/* door_users: who may use the HTTP door, with what limits. Read once from a file:
 *
 *   users:
 *     grafana:
 *       password_sha256: 64 hexadecimal digits
 *       readonly: true
 *       max_concurrent_queries: 8
 *       max_memory: 2GiB          of one statement
 *       max_execution_time: 60s
 *       max_rows_to_read: 100000000
 *       max_result_rows: 1000000
 *
 * Without a file there is one user, `default`, without password and limits. thread: any, once made
 */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"

struct door_user {
    str name;
    bool has_password, read_only;
    unsigned char password[32]; /* its SHA-256 */
    uint64_t concurrent;        /* statements at a time; this and what follows: 0 for no limit */
    uint64_t memory, rows, result_rows;
    nanos time;
};

struct door_users;

/* `path` NULL: `default` alone. ST_INVALID: cannot be read, or is wrong: file, line, column, why.
 */
[[nodiscard]] status door_users_open(const char *path, struct door_users **ret, struct err *err);
void door_users_close(struct door_users *u); /* accepts NULL */

/* NULL: no such user, or another password; both take as long. */
const struct door_user *door_users_find(const struct door_users *u, str name, str password);
