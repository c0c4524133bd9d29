/* promql_runner: scripts in promqltest's language, over series in memory or another source; see
 * promql_runner_test.c. */
#pragma once

#include "query/eval/eval.h"

struct loaded {
    struct labels labels;
    struct sample *samples;
    struct histogram_sample *histograms;
    uint32_t n, n_histograms;
    int64_t *starts;            /* of each of `samples`: 0 where not known */
    enum histogram_hint *hints; /* of each of `histograms`, as the script says */
};

struct script {
    bool loud; /* says what fails */
    /* Where an evaluation of `e` gets its samples, valid as long as the arena; NULL: memory. */
    struct series_source *(*source)(struct script *s, struct arena *a, struct promql_expr *e);
    void *ctx; /* of `source` */

    struct arena arena;
    struct loaded *series; /* what the script has loaded so far */
    uint32_t n, cap;
    bool changed; /* since `source` was asked last */
    unsigned passed, total;
};

/* Runs `text`; the counts are in `s`. */
void script_run(struct script *s, str text);
