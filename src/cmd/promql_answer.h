/* promql_answer: what Prometheus' API answers to a query, read for the shell. Pure; all lies in the
 * arena. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct answer_label {
    str name, value;
};

struct answer_point {
    double t; /* seconds since 1970 */
    double v; /* NaN for a histogram */
    str text; /* as the server wrote it; of a histogram "count=6 sum=9.5" */
};

struct answer_series {
    struct answer_label *labels; /* as they came: sorted */
    uint32_t n_labels;
    struct answer_point *points;
    uint32_t n_points;
};

enum answer_kind { ANSWER_VECTOR, ANSWER_MATRIX, ANSWER_SCALAR, ANSWER_STRING };

struct promql_answer {
    enum answer_kind kind;
    struct answer_series *series; /* one without labels for scalars and strings */
    uint32_t n_series;
    str *notes; /* warnings, then infos */
    uint32_t n_notes;
    str explained; /* lines: what was read and how; empty: nobody asked */
};

/* ST_EXECUTION: the server says that the query failed, err is its text. ST_INVALID: this is no
 * answer of such an API. */
[[nodiscard]] status promql_answer_read(struct arena *a, str json, struct promql_answer *ret,
                                        struct err *err);
