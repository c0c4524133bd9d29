/* overrides: the list retention.overrides of the YAML file: who is kept longer or shorter than
 * retention.traces, .logs and .metrics say.
 *
 *   retention:
 *     overrides:
 *       - match: {service.name: checkout}      # resource attributes; all of them
 *         raw: 7d                              # 0: for ever
 *         signals: [traces, logs]              # all three when it is not said */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

struct arena;
struct tree;

enum { OVERRIDES_MAX = 64, OVERRIDE_MATCHES_MAX = 8 };

struct retention_override {
    struct {
        str key, value;
    } match[OVERRIDE_MATCHES_MAX];
    size_t n_match;
    nanos raw;       /* whole days; 0: for ever */
    bool signals[3]; /* traces, logs, metrics */
};

/* The list at `t`; strings borrow from it, the rest lies in `a`. ST_INVALID, with the place. */
[[nodiscard]] status overrides_read(struct arena *a, const struct tree *t,
                                    struct retention_override **ret, size_t *ret_n,
                                    struct err *err);

/* As YAML that is read back as it is; nothing when there are none. */
void overrides_print(const struct retention_override *all, size_t n, struct buf *out);
