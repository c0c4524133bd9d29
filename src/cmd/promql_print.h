/* promql_print: an answer as text for people, as CSV, or as a plot. Pure: times are printed in UTC.
 */
#pragma once

#include "base/buf.h"
#include "cmd/promql_answer.h"

/* An instant answer: a line a series. A range answer: each series, and a line for each of its
 * points. */
void promql_print_table(struct buf *out, const struct promql_answer *r);

/* RFC 4180: a column for each label name there is, then timestamp (seconds) and value; a line a
 * point. */
void promql_print_csv(struct arena *a, struct buf *out, const struct promql_answer *r);

/* Series as lines of dots (braille), `width` and `height` in characters with axes and legend beside
 * them; values that are no finite numbers leave gaps. `colour`: series are told apart by ANSI
 * colours. */
void promql_print_plot(struct arena *a, struct buf *out, const struct promql_answer *r,
                       unsigned width, unsigned height, bool colour);

/* name{a="b"} */
void promql_print_metric(struct buf *out, const struct answer_series *s);
