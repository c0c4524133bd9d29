/* retention_of: the retention settings of a configuration, as lifecycle has them. */
#pragma once

#include "config/config.h"
#include "lifecycle/retention.h"

/* What the configuration says of the tables; strings borrow from it. */
struct schema_settings settings_of(const struct config *c);

/* All is copied to `a`. ST_INVALID: overrides for a cluster. */
[[nodiscard]] status retention_of(const struct config *c, struct arena *a, struct retention *ret,
                                  struct err *err);

/* How old a raw row may be by signal, overrides included; 0: no bound. */
struct raw_ages {
    nanos traces, logs, metrics;
};
[[nodiscard]] status raw_ages_of(const struct config *c, struct raw_ages *ret, struct err *err);
