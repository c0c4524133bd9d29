/* door_active: the statements that are under way, by their ids: an id is used once at a time, a
 * user runs so many at a time, and KILL QUERY finds what it names. thread: any */
#pragma once

#include <stdatomic.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/door_users.h"

struct door_active;
struct door_active_entry;

struct door_active *door_active_new(void);
void door_active_free(struct door_active *a); /* when nothing is under way; accepts NULL */

/* `user` is borrowed until door_active_free, `cancel` until door_active_end. *ret_code is
 * ClickHouse's: 216, the id is in use; 202, the user has as many as it may. */
[[nodiscard]] status door_active_begin(struct door_active *a, str id, const struct door_user *user,
                                       atomic_bool *cancel, struct door_active_entry **ret,
                                       int *ret_code, struct err *err);
/* What it runs, for KILL QUERY to tell; the beginning is copied. */
void door_active_describe(struct door_active *a, struct door_active_entry *e, str sql);
void door_active_end(struct door_active *a, struct door_active_entry *e); /* accepts NULL */

/* Cancels the statement with that id when it is `by`'s own, or `by` may write. False: there is none
 * such. With `wait` until it has ended, or *give_up. User and text in the arena. */
struct door_killed {
    str user, sql;
};
bool door_active_kill(struct door_active *a, str id, const struct door_user *by, bool wait,
                      const atomic_bool *give_up, struct arena *arena, struct door_killed *ret);
