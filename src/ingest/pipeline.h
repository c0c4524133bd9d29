/* pipeline: the path in. See README.md in this folder for who owns the bytes on each arrow.
 *
 * receive -> decode -> journal -> (ack) -> process -> batch -> encode -> store */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "ingest/batch/batch.h"
#include "ingest/receive/receive.h"

struct pipeline;
struct store;

enum ack_policy { ACK_DURABLE, ACK_MEMORY, ACK_STORED };

struct pipeline_options {
    unsigned workers; /* loops and journals; 0: one per core */
    const char *grpc_host, *http_host;
    uint16_t grpc_port, http_port;              /* 0: any free one */
    const struct http_tls *grpc_tls, *http_tls; /* NULL: without. Borrowed until it is open */
    struct receive_auth
        auth; /* of both ports; its strings, and those of cors, outlive the pipeline */
    struct receive_cors cors; /* of the HTTP port */
    str journal_dir, dead_dir;
    uint64_t journal_segment_bytes, journal_max_bytes,
        journal_reserve_bytes; /* of the whole process; split over workers */
    enum ack_policy ack;
    struct batch_limits batch;
    struct batch_partitioning partitioning;
    uint64_t max_body_bytes, max_decompressed_bytes;
    uint64_t max_inflight_bytes; /* bodies held: in flight, in open blocks, being stored */
    uint32_t max_connections;    /* of a worker at a port; 0: 10,000 */
    unsigned store_writers;      /* threads that encode and insert; 0: 2 */
    unsigned insert_tries;       /* before a refused block goes to dead/; default 5 */
    nanos retention_traces, retention_logs,
        retention_metrics;   /* older items are rejected; 0: no bound */
    nanos max_future;        /* default 10 minutes */
    uint32_t max_attributes; /* per item; 0: no bound */
    bool discard;            /* measure only: encode, then drop instead of inserting */
};

/* Opens the journals, replays what lies in them, listens. `store` is borrowed. */
[[nodiscard]] status pipeline_open(const struct pipeline_options *opt, struct store *store,
                                   struct pipeline **ret, struct err *err);
uint16_t pipeline_grpc_port(const struct pipeline *p);
uint16_t pipeline_http_port(const struct pipeline *p);

/* Seals all open blocks and waits until everything acknowledged so far is stored, or the timeout.
 * thread: any but a loop. ST_TIMEOUT: the message says how much is left in the journal. */
[[nodiscard]] status pipeline_flush(struct pipeline *p, uint32_t timeout_ms, struct err *err);

/* Stops receiving, flushes within the timeout, ends inserts that go on past it, and leaves the rest
 * in the journal (and logs how much). pipeline_ready and pipeline_flush may still be called, also
 * meanwhile: they say that it stops. */
void pipeline_stop(struct pipeline *p, uint32_t timeout_ms);

/* Stops, unless that is done, and frees. */
void pipeline_close(struct pipeline *p, uint32_t timeout_ms);

/* For /ready: may it accept now? `err` says why not. thread: any */
[[nodiscard]] status pipeline_ready(struct pipeline *p, struct err *err);
