/* naming_of: the settings query.otlp.* of a configuration, as queries have them. */
#pragma once

#include "config/config.h"
#include "model/prometheus_name.h"

/* All lies in `a` or borrows from the configuration. ST_INVALID: settings that exclude each other.
 */
[[nodiscard]] status naming_of(const struct config *c, struct arena *a,
                               struct prometheus_naming *ret, struct err *err);
