/* Batches made by hand, chains read from YAML, and what came of them as text. For the tests here.
 * One batch at a time; sample_begin ends the one before. */
#pragma once

#include "ingest/process/process.h"

enum { SAMPLE_ROWS = 4096 };

/* An empty batch with one resource and one scope, both without attributes. */
struct telemetry_batch *sample_begin(enum signal_kind signal);
void sample_end(void);

/* Attributes as "key=value;key=value": whole numbers, numbers with a point, true, false, JSON that
 * begins with [ or {, else text. "key=" is the empty text. */
struct attr_range sample_attrs(const char *text);
void sample_resource(const char *attrs); /* of the rows that come now */
void sample_scope(const char *name, const char *version);

/* Each adds a row and returns its number. */
uint32_t sample_span(const char *name, const char *attrs);
uint32_t sample_log(const char *body, const char *attrs);
uint32_t sample_point(const char *metric, int64_t value, const char *attrs); /* of a sum */
void sample_event(const char *name, const char *attrs);                      /* of the last span */
void sample_exemplar(uint32_t point, const char *attrs);

/* "key=s:text;n=i:5", in the run's order. Good until sample_begin. */
str sample_text(struct attr_range run);
str sample_row(uint32_t row); /* its attributes */
str sample_names(void);       /* span names, bodies, metric names of the rows: "a b c" */

/* Runs the processors of a YAML map on the batch: name: options. Fails the
 * test when they are refused. */
struct process_count sample_run(const char *yaml); /* counts of the last one */

/* Why they are refused; empty when they are not. */
str sample_refusal(enum signal_kind signal, const char *yaml);

/* For resourcedetection; NULL for none. */
void sample_detected(const struct process_detected *d);
