/* memory_limiter: the processor of that name, as memory.*: it is the process's, whatever pipeline
 * names it. */
#pragma once

#include "config/config.h"

/* Of the first one that a pipeline names. */
[[nodiscard]] status memory_limiter_options(struct config *c, const struct tree *root,
                                            struct err *err);
