/* embedded_watch: honours cancel flags while the engine computes. A thread looks at the flags of
 * running statements and asks the engine to stop those whose flag is set; between two pieces of a
 * result the driver looks itself. */
#pragma once

#include <stdatomic.h>

#include "base/err.h"

struct embedded_watch;

[[nodiscard]] status embedded_watch_new(unsigned slots, struct embedded_watch **ret,
                                        struct err *err);
void embedded_watch_free(struct embedded_watch *w); /* accepts NULL */

/* From now until end, `cancel` stops what runs under `comment`. Both are borrowed. thread: any, one
 * a slot */
void embedded_watch_begin(struct embedded_watch *w, unsigned slot, const char *comment,
                          const atomic_bool *cancel);
/* When it returns, the slot's next statement is safe from the last one's flag. */
void embedded_watch_end(struct embedded_watch *w, unsigned slot);
