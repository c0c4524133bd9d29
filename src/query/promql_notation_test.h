/* The notation of series in promqltest scripts; see promql_notation_test.c. */
#pragma once

#include "query/ir/series.h"

struct points { /* one series of the notation: a value or nothing at each position */
    struct labels labels;
    double *v;
    uint8_t *has; /* enum point */
    const struct histogram **h;
    bool *hinted; /* the histogram's hint was written */
    uint32_t n;
};

str notation_trim(str s);
str notation_word(str *s); /* the first word, and *s what follows it */
bool notation_starts(str s, const char *with);
bool notation_duration(str s, int64_t *ret);
bool notation_number(str s, double *ret);
/* name{a="b"} at the front of a line; the rest is left in *line. */
bool notation_metric(struct arena *a, str *line, struct labels *ret);
/* -1m+10sx5 _: start times, in ms before their samples */
bool notation_durations(struct arena *a, str line, struct points *p);
bool notation_points(struct arena *a, str line, struct points *p);
