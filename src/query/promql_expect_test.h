/* What promqltest scripts expect of an evaluation; see promql_expect_test.c. */
#pragma once

#include "query/eval/eval.h"
#include "query/promql_notation_test.h"

struct expectation {
    struct points *rows;
    uint32_t n;
    bool fails, ordered, has_scalar, string, no_warn, no_info, warn, info;
    bool grid; /* expect range vector */
    int64_t from, step;
    double scalar;
    str text;
    str *conditions; /* "fail msg: ...", as written */
    uint32_t n_conditions;
};

/* The lines behind an `eval`; false: one of them cannot be read. All lies in the arena. */
bool expectation_read(struct arena *a, const str *lines, uint32_t n, struct expectation *x);

bool expectation_same(double a, double b);
bool expectation_row(const struct row *r, const struct points *p, uint32_t steps);
/* The one step of an instant answer, or step `at` of a range. */
bool expectation_vector(const struct value *v, const struct expectation *x, uint32_t at);
bool expectation_matrix(const struct value *v, const struct expectation *x);
/* The samples of a range by itself. */
bool expectation_series(const struct value *v, const struct expectation *x);
/* Conditions of one kind ("warn"): each met by a text, and each text by one of them. */
bool expectation_notes(struct arena *a, const struct expectation *x, const char *kind,
                       const struct notes *notes);
