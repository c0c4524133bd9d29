/* series: samples on their way into eval, and the values that come out of it. Data only.
 *
 * Everything lies in the query's arena. Times are ms since 1970. A sample is a number or a native
 * histogram; most series have numbers only, so histograms lie beside them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "query/ir/histogram.h"
#include "query/ir/labels.h"

struct sample {
    int64_t t;
    double v;
};

/* What a sample that ends its series holds: a NaN of its own. */
#define STALE_NAN_BITS 0x7ff0000000000002ull
static inline bool is_stale(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits == STALE_NAN_BITS;
}
static inline double stale_nan(void)
{
    uint64_t bits = STALE_NAN_BITS;
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

struct histogram_sample {
    int64_t t;
    const struct histogram *h;
    int64_t start; /* when counting began; 0: not known */
};

/* What is left of the samples of a window of a rollup: end - width < t <= end, at least one. */
enum rolled_known { /* each knows what those before it know */
                    ROLLED_LAST,
                    ROLLED_COUNTER, /* first and increase: of a counter, from first to last */
                    ROLLED_ALL
};
struct rolled {
    int64_t end, width;
    uint64_t version; /* of what was computed of it: the greatest holds */
    int64_t start;    /* of a counter: when counting began; 0: not known */
    uint32_t n;
    enum rolled_known known;
    bool ended; /* a marker ends the window */
    struct sample first, last;
    double min, max, sum, increase;
    const struct histogram *h; /* the last, where it is a native histogram */
};

/* Up to where windows stand for samples. Zeroed: nowhere. */
struct horizon {
    bool any;
    int64_t raw_after;  /* later samples are there themselves */
    int64_t fine_after; /* windows that end later are of ROLLED_FINE ms, the others of
                           ROLLED_COARSE; a multiple of both, as is raw_after */
};
enum { ROLLED_FINE = 300'000, ROLLED_COARSE = 3'600'000 };

/* A stored series: samples in time order, one a time, be it a number or a histogram. */
struct raw_series {
    struct labels labels;
    const struct sample *samples;
    uint32_t n;
    const struct histogram_sample *histograms;
    uint32_t n_histograms;
    const int64_t
        *starts; /* of each of `samples`: when counting began; 0, or NULL for all: not known */
    const struct rolled *rolled; /* in time order, before all samples; with NEEDS_CHANGE in the
                                    midst of them */
    uint32_t n_rolled;
    uint32_t rank; /* where it stands in its selection, when that comes in several sets */
};

struct series_set {
    struct raw_series *list;
    uint32_t n;
};

/* Texts for the caller, each once, in order: "PromQL warning: ... (1:5)". */
struct notes {
    struct arena *arena;
    str *list;
    uint32_t n, cap;
    bool of_range; /* some tell of all steps together: of a part of the steps they are others */
};
void notes_add(struct notes *n, str text); /* copied */
void notes_sort(struct notes *n);          /* by their texts */

/* What of a series' samples in the scope is needed: the source may leave the others out, and say of
 * what is left any time in the scope. Native histograms are all there. */
enum series_needs {
    NEEDS_ALL,
    NEEDS_LEAST, /* the least number, NaN only where there is no other; of equal ones the first */
    NEEDS_MOST,
    NEEDS_ONE,    /* any */
    NEEDS_CHANGE, /* the first, the last, their number and what a counter gained: windows may stand
                     for samples in the midst, of counters that did not begin anew to count there
                     but by falling */
    NEEDS_SUM,    /* the sum and the number: windows may stand for whole numbers in the midst */
};

/* What takes the series of a selection, set by set. What belongs to the samples only can be put in
 * `room`, which is freed after the call, as they are. */
struct series_sink {
    status (*take)(void *ctx, struct arena *room, struct series_set *set, struct err *err);
    void *ctx;
    bool in_order; /* one and the same order of all series, whatever times are asked for; otherwise
                      they come in any and have ranks */
    int64_t tail_ms; /* of the end of the scope, which a later scan of the same series will ask for
                        again, perhaps with more that follows; 0: none will */
    enum series_needs needs; /* NEEDS_ALL where there is a tail, unless windows will do */
    int64_t whole_ms;        /* of NEEDS_CHANGE and NEEDS_SUM: a multiple of ROLLED_FINE at whose
                                multiples all ranges of the scope begin and end; 0: the scope is one */
};

/* Where eval gets its samples: the store, or memory in tests. Samples with from_ms <= t <= to_ms;
 * the set is valid as long as the arena. thread: query */
struct series_source {
    status (*select)(struct series_source *s, struct arena *a, const struct label_matcher *m,
                     uint32_t n, int64_t from_ms, int64_t to_ms, struct notes *warnings,
                     struct series_set *ret, struct err *err);
    /* The same for who can do with windows where there are no samples any more; NULL: the source
     * has none. */
    status (*select_rolled)(struct series_source *s, struct arena *a, const struct label_matcher *m,
                            uint32_t n, int64_t from_ms, int64_t to_ms, struct notes *warnings,
                            struct series_set *ret, struct horizon *ret_horizon, struct err *err);
    /* The same, the series in as many sets as their samples need; the labels stay. `ret_horizon` is
     * set before the first; NULL: it has to be the samples. NULL: the source has it not. */
    status (*scan)(struct series_source *s, struct arena *a, const struct label_matcher *m,
                   uint32_t n, int64_t from_ms, int64_t to_ms, struct notes *warnings,
                   struct horizon *ret_horizon, const struct series_sink *sink, struct err *err);
    /* The times at whose multiples (ms), from the full hour on that it begins in, a scan is better
     * cut into several, one after the other, when each asks again for `tail_ms` of the one before;
     * 0: not at all. `needs` and `whole_ms`: of one that is not cut. NULL: the source does not
     * know. */
    status (*slice)(struct series_source *s, struct arena *a, const struct label_matcher *m,
                    uint32_t n, int64_t from_ms, int64_t to_ms, int64_t tail_ms,
                    enum series_needs needs, int64_t whole_ms, int64_t *ret_ms, struct err *err);
};

/* The steps of an evaluation: start, start + step, ... n of them. */
struct grid {
    int64_t start, step;
    uint32_t n;
};

/* One row of an answer: a value (or none) for each step. */
enum point { POINT_NONE, POINT_FLOAT, POINT_HISTOGRAM };
struct row {
    struct labels labels;
    double *v;
    uint8_t *has;               /* enum point */
    const struct histogram **h; /* at the POINT_HISTOGRAM steps; NULL when there is none */
    uint32_t rank;              /* of the series it is made of */
    bool drop_name;             /* __name__ goes when the answer is complete */
};

enum value_kind { VALUE_SCALAR, VALUE_STRING, VALUE_VECTOR, VALUE_MATRIX };

struct value {
    enum value_kind kind;
    struct grid grid;
    double *scalar; /* one a step */
    str text;
    struct row *rows; /* VALUE_VECTOR (n = 1 step) and range answers */
    uint32_t n_rows;
    struct series_set matrix; /* VALUE_MATRIX of an instant query: x[5m] */
};
