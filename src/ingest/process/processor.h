/* processor: what one kind of processor is to the chain. Each has a file with its maker. */
#pragma once

#include "base/regex.h"
#include "ingest/process/attr_set.h"
#include "ingest/process/process.h"

/* What a run of the chain writes to besides the batch. */
struct process_work {
    struct batch_edit edit;
    struct attr_set set;
    struct regex_scratch *regex; /* see process_scratch */
    struct buf *text;            /* scratch text, for whoever needs some */
};

/* Made when first needed. */
struct regex_scratch *process_scratch(struct process_work *w);

struct processor {
    /* Changes the batch of w->edit, rows of `dropped` included, and adds to *count; `seen` has
     * been counted already. */
    void (*run)(const struct processor *p, struct process_work *w, struct process_count *count);
    bool samples; /* thins spans out: RED is taken before */
};

/* Makes a processor of the spec's type, in the arena. ST_INVALID: an option, with its place. */
typedef status processor_maker(struct arena *a, enum signal_kind signal,
                               const struct process_spec *spec, const struct processor **ret,
                               struct err *err);

processor_maker attributes_new, resource_new, filter_new, sampler_new, redaction_new,
    resourcedetection_new;

/* Takes the rows out whose bit is not set, of `n` before, and counts them. */
void process_drop(struct process_work *w, const uint64_t *keep, uint32_t n, enum drop_policy why,
                  struct process_count *count);

/* The resource of each row: of metrics through its desc. */
uint32_t process_resource_of(const struct telemetry_batch *b, uint32_t row);
uint32_t process_scope_of(const struct telemetry_batch *b, uint32_t row);

/* The rows' own attributes, one run a row. */
struct attr_range *process_attrs(struct telemetry_batch *b);

/* Counts as changed the rows whose resource's bit is set. */
void process_count_resources(const struct telemetry_batch *b, const uint64_t *changed,
                             struct process_count *count);

/* "file:line:column: path: option is missing": `options` may be NULL. */
status process_fail(const struct process_spec *spec, struct err *err, const char *why);
