/* export: blocks to destinations other than the store: otlp (gRPC), otlphttp, debug, file.
 *
 * Types, with the OpenTelemetry Collector's older and newer names: otlp (otlp_grpc), otlphttp
 * (otlp_http), debug (logging), file. `clickhouse` is not here: the pipeline inserts into the store
 * itself.
 *
 * thread: any; several threads may send through one exporter at a time. exporter_send blocks: never
 * on a loop. */
#pragma once

#include <stdatomic.h>

#include "base/tree.h"
#include "model/block.h"

struct exporter;

/* retry_on_failure, as the Collector spells it, of any exporter. */
struct export_retry {
    bool enabled;                         /* default true; false: one try */
    uint32_t max_tries;                   /* default 5; 0: for ever */
    nanos initial_interval, max_interval; /* 1 s, 30 s */
    double multiplier;                    /* 2 */
    double randomization_factor;          /* 0.5: between half of an interval and one and a half */
};

/* The part of an exporter's options that every kind has: retry_on_failure and sending_queue, as the
 * Collector spells them. Not its own keys: `options` may hold others. What has no meaning here is
 * refused with the reason (max_elapsed_time but 0, sending_queue.enabled: false, batch) or, where
 * the journal does it anyway, accepted (queue_size, sizer, storage). */
struct export_common {
    struct export_retry retry;
    uint32_t consumers; /* threads that send; default 2 */
    /* What happens at the journal's cap when this exporter is what holds it full. true (default):
     * requests are refused until there is room; false: the oldest of what waits for it is dropped,
     * counted and logged. */
    bool block_on_overflow;
};
[[nodiscard]] status export_common_read(const struct tree *options, struct export_common *ret,
                                        struct err *err);
void export_common_defaults(struct export_common *ret);

struct exporter_spec {
    str name;                   /* "otlp/eu": its type is before the slash */
    const struct tree *options; /* NULL: none given. Borrowed until exporter_close */
};

bool exporter_is_type(str type);

/* Reads and checks the options, opens files and connections when the first block comes. ST_INVALID:
 * an option is wrong, with its place. ST_UNAVAILABLE: a certificate cannot be read, or a folder for
 * the file is not there. */
[[nodiscard]] status exporter_open(const struct exporter_spec *spec, struct exporter **ret,
                                   struct err *err);
void exporter_close(struct exporter *e); /* accepts NULL */

/* How far a block has been sent: zeroed for a new block, kept over the tries of one process. After
 * a restart a block is sent from its beginning: a destination that had part of it sees that part
 * twice, as OTLP allows. */
struct export_progress {
    size_t batches;    /* delivered, from the first on */
    uint64_t items;    /* delivered and taken */
    uint64_t rejected; /* told by the destination as partial success: not sent again */
    char message[200]; /* the first such rejection's */
};

/* Sends what of the block is not yet delivered, in requests of at most the exporter's size (a batch
 * that is larger alone is sent alone). Batches without rows are delivered by doing nothing. On any
 * status *io holds what has been delivered so far: give it back with the next try.
 *
 * ST_OK: all of it. ST_UNAVAILABLE, ST_TIMEOUT: the destination was not reached, or did not answer.
 * ST_OVERLOADED: it answered with a retryable status; *ret_retry_after_ms is what it asked for (0:
 * not stated). ST_INVALID, ST_LIMIT, ST_UNAUTHORIZED and the like: it refuses; sending again is not
 * likely to help; what is not delivered of the block is then the pipeline's to keep or drop.
 * ST_CANCELLED: *cancel (may be NULL) was set; noticed within 200 ms. */
[[nodiscard]] status exporter_send(struct exporter *e, const struct telemetry_block *b,
                                   struct export_progress *io, atomic_bool *cancel,
                                   uint32_t *ret_retry_after_ms, struct err *err);
