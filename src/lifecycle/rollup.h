/* rollup: windows of 5 minutes and 1 hour computed from rows in the store. docs/decisions/0015.
 *
 * weir_rollup_touched says which windows rows came for and when (views write it with each insert),
 * weir_rollup_done when a window was computed. A window is due when it is closed and rows came for
 * it since; it is computed whole, and again whenever it is due again. Killed anywhere, the next run
 * goes on. thread: any but a loop; calls block. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

struct store;

enum rollup_id { /* in the order they are run: an hour is made of its five minutes */
                 ROLLUP_METRICS_5M,
                 ROLLUP_METRICS_1H,
                 ROLLUP_LOGS_5M,
                 ROLLUP_LOGS_1H,
                 ROLLUP_TRACES_RED_1H,
                 ROLLUPS
};

const char *rollup_name(enum rollup_id id); /* "metrics_5m" */

struct rollup_settings {
    uint32_t source_days[ROLLUPS]; /* how long what it is computed from is kept; 0: for ever */
    uint32_t grace_s;   /* a window is computed so long after its end, when blocks have come in */
    uint32_t settle_ms; /* rows that came so shortly before a window was computed may be missing:
                           it is computed again */
    uint32_t quiet_ms;  /* again only when no row came for so long, or an hour has passed */
    uint64_t max_rows;  /* of the source, in one statement; 0: 8,000,000 */
};

#define ROLLUP_DEFAULTS                                          \
    {                                                            \
        .grace_s = 120, .settle_ms = 60'000, .quiet_ms = 600'000 \
    }

struct rollup_progress {
    uint32_t windows;  /* computed */
    uint64_t rows;     /* written */
    int64_t watermark; /* s since 1970: all closed windows up to here are computed; 0: none is */
    int64_t since; /* s since 1970: what windows up to here are computed from is not all there */
};

/* Computes what is due at `now`, oldest first. `stop` (may be NULL) ends it early, with ST_OK or
 * ST_CANCELLED. Whatever it returns: what was done stays, and is not done again. */
[[nodiscard]] status rollup_run(struct store *s, enum rollup_id id,
                                const struct rollup_settings *set, nanos now, atomic_bool *stop,
                                struct rollup_progress *ret, struct err *err);
