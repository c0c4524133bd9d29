/* process: what a pipeline does to a batch between journal and block: a chain of processors, in the
 * order the configuration names them. Pure: a function of the batch, its journaled receive time and
 * the options, so that a replay decides as the first time. thread: any; a chain is read-only once
 * made.
 *
 * Types (the name before the slash; what the OpenTelemetry Collector calls them, old name and new):
 * attributes, resource, filter, probabilistic_sampler, redaction, resourcedetection
 * (resource_detection). `batch` and `memory_limiter` are not processors here: they are settings of
 * the pipeline. */
#pragma once

#include "base/tree.h"
#include "model/batch.h"

struct process_chain;

/* What resource detection found at start; borrowed by the chain. */
struct process_detected {
    const struct attr *attrs;
    size_t n;
    str schema_url;
};

struct process_spec {
    str name;                                /* "attributes/2" */
    const struct tree *options;              /* NULL: none given */
    const struct process_detected *detected; /* resourcedetection only; NULL: nothing */
};

/* Is there a processor of this type ("attributes", without suffix)? */
bool process_is_type(str type);

/* Reads the options and makes the chain (malloc'ed). Specs and trees are borrowed until
 * process_chain_free. ST_INVALID: an option is wrong, with its place; a processor that has no
 * meaning for `signal`. */
[[nodiscard]] status process_chain_new(enum signal_kind signal, const struct process_spec *specs,
                                       size_t n, struct process_chain **ret, struct err *err);
void process_chain_free(struct process_chain *c); /* accepts NULL */
size_t process_chain_length(const struct process_chain *c);
str process_chain_name(const struct process_chain *c, size_t i); /* "attributes/2" */

/* Items: spans, log records, data points. */
struct process_count {
    uint64_t seen, changed, dropped;
};

/* Runs the chain on the batch, in place. What is added lies in the batch's arena. Rows dropped
 * leave the columns and are counted in batch->dropped; identities that depend on what changed
 * (series ids, resource hashes, service names) are made anew. `counts` (one per processor; may be
 * NULL) is added to. */
void process_run(const struct process_chain *c, struct telemetry_batch *b,
                 struct process_count *counts);
