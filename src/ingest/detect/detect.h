/* detect: resource detection at start: what the machine, the process, the container, the cluster
 * and the cloud say of where weir runs. Attributes per OpenTelemetry's semantic conventions.
 * thread: main, at start; it blocks.
 *
 * Detectors run side by side, each with a timeout, and never delay the start by more than it; one
 * that fails is logged and gives nothing. The first detector in the configured order that sets a
 * key wins. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"

/* A detected attribute. Exactly one of text, list (n_list > 0) and number (is_int) is meant. */
struct detected_attr {
    str key, text;
    const str *list;
    size_t n_list;
    bool is_int;
    int64_t i;
};

struct detected {
    const struct detected_attr *attrs; /* in the arena, keys unique */
    size_t n;
    str schema_url;
};

/* Options of a `resourcedetection` processor: detectors, override, timeout, and those of single
 * detectors. Only checks: ST_INVALID with the place. */
[[nodiscard]] status detect_check(const struct tree *options, struct err *err);

/* Runs what the options name. ST_INVALID as detect_check; a failing detector is no error. */
[[nodiscard]] status detect_resource(struct arena *a, const struct tree *options,
                                     struct detected *ret, struct err *err);
