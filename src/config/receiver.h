/* receiver: what the Collector's sections say that is an option of weir already: the otlp receiver
 * and service.telemetry.logs. A start, check-config and the environment then see options only. */
#pragma once

#include "config/config.h"

/* `root` is the file's. Sets options; ST_INVALID with the place: something weir has no option for,
 * and what to write instead. */
[[nodiscard]] status receiver_options(struct config *c, const struct tree *root, struct err *err);
