/* door_limits: a user's limits as settings of a statement. What the request sets itself may be
 * lower, not higher. Pure. */
#pragma once

#include "base/arena.h"
#include "store/door_users.h"
#include "store/store.h"

/* `settings` of the request, and behind them those of the user that it does not set, in the arena.
 * *ret_code is ClickHouse's: 452, a setting goes beyond the user's. */
[[nodiscard]] status door_limits_apply(struct arena *a, const struct door_user *u, str sql,
                                       const struct store_setting *settings, size_t n,
                                       const struct store_setting **ret, size_t *ret_n,
                                       int *ret_code, struct err *err);
