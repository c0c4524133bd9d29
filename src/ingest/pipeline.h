/* pipeline: the path in. See README.md in this folder for who owns the bytes on each arrow.
 *
 * receive -> decode -> journal -> (ack) -> process -> batch -> encode -> store, exporters */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "ingest/batch/batch.h"
#include "ingest/export/export.h"
#include "ingest/process/process.h"
#include "ingest/receive/receive.h"

struct pipeline;
struct store;

enum ack_policy { ACK_DURABLE, ACK_MEMORY, ACK_STORED };

enum { PIPELINE_ROUTES_MAX = 16 };

/* A destination. `clickhouse` has a store, all others an exporter; both are borrowed. */
struct pipeline_exporter {
    const char *name; /* "clickhouse", "otlp/eu" */
    struct store *store;
    struct exporter *exporter;
    struct export_common common; /* retry; consumers: threads that send */
    bool block_on_overflow; /* true: the journal full because of it refuses requests; false: the
                               oldest of what waits for it is dropped instead */
};

/* One exporter of one pipeline, for one signal. The first route of a signal is what the answer of
 * `ack: stored` waits for, and what the ledger of the signal counts. */
struct pipeline_route {
    enum signal_kind signal;
    const char *pipeline;              /* "traces/sampled" */
    unsigned exporter;                 /* index */
    const struct process_chain *chain; /* NULL: none; borrowed */
    struct batch_limits batch;         /* zeros: the defaults */
};

struct pipeline_options {
    unsigned workers;                           /* loops and journals; 0: one per core */
    const char *grpc_host, *http_host;          /* NULL: all addresses; "": not listened at */
    uint16_t grpc_port, http_port;              /* 0: any free one */
    const struct http_tls *grpc_tls, *http_tls; /* NULL: without. Borrowed until it is open */
    struct receive_auth
        auth; /* of both ports; its strings, and those of cors, outlive the pipeline */
    struct receive_cors cors; /* of the HTTP port */
    str journal_dir, dead_dir;
    uint64_t journal_segment_bytes, journal_max_bytes,
        journal_reserve_bytes; /* of the whole process; split over workers */
    enum ack_policy ack;
    struct batch_partitioning partitioning;
    uint64_t max_body_bytes, max_decompressed_bytes;
    uint64_t max_inflight_bytes; /* bodies held: in flight, in open blocks, being stored */
    uint32_t max_connections;    /* of a worker at a port; 0: 10,000 */
    nanos retention_traces, retention_logs,
        retention_metrics;   /* older items are rejected; 0: no bound */
    nanos max_future;        /* default 10 minutes */
    uint32_t max_attributes; /* per item; 0: no bound */
    bool discard;            /* measure only: encode, then drop instead of inserting */
    bool store_not_ready;    /* what `store` should have waits for pipeline_store_ready */
    /* The folder of an embedded engine: what it has confirmed is synced before the journal deletes
     * it. Empty: durability is the server's affair. */
    str store_dir;

    /* At most PIPELINE_ROUTES_MAX routes; a signal without one is not served. None at all: every
     * signal goes to the store that pipeline_open is given, by the three settings below. */
    const struct pipeline_exporter *exporters;
    const struct pipeline_route *routes;
    unsigned n_exporters, n_routes;

    struct batch_limits batch;
    unsigned store_writers; /* threads that encode and insert; 0: 2 */
    unsigned insert_tries;  /* before a refused block goes to dead/; default 5 */
};

/* Opens the journals, replays what lies in them, listens. `store` (may be NULL when exporters are
 * given), exporters, stores and chains are borrowed until pipeline_close. ST_INVALID: the routes
 * are not possible. */
[[nodiscard]] status pipeline_open(const struct pipeline_options *opt, struct store *store,
                                   struct pipeline **ret, struct err *err);
uint16_t pipeline_grpc_port(const struct pipeline *p);
uint16_t pipeline_http_port(const struct pipeline *p);

/* Seals all open blocks and waits until everything acknowledged so far is delivered on every route,
 * or the timeout. thread: any but a loop. ST_TIMEOUT: the message says how much is left in the
 * journal. */
[[nodiscard]] status pipeline_flush(struct pipeline *p, uint32_t timeout_ms, struct err *err);

/* The tables of the store are there: delivers what came in meanwhile. thread: any */
void pipeline_store_ready(struct pipeline *p);

/* How many parts the fullest partition of the store's tables has: when many, blocks become wider
 * and inserts rarer, before the engine slows them down. thread: any */
void pipeline_note_parts(struct pipeline *p, uint64_t most);

/* From now on: how old an item may be by signal (0: no bound), and why no request is taken (a
 * constant; NULL: they are taken again). thread: any */
void pipeline_set_retention(struct pipeline *p, nanos traces, nanos logs, nanos metrics);
void pipeline_refuse(struct pipeline *p, const char *why);

/* Stops receiving, flushes within the timeout, ends tries that go on past it, and leaves the rest
 * in the journal (and logs how much, by route). pipeline_ready, pipeline_flush and pipeline_status
 * may still be called, also meanwhile: they say that it stops. */
void pipeline_stop(struct pipeline *p, uint32_t timeout_ms);

/* Stops, unless that is done, and frees. */
void pipeline_close(struct pipeline *p, uint32_t timeout_ms);

/* For /ready: may it accept now? `err` says why not. thread: any */
[[nodiscard]] status pipeline_ready(struct pipeline *p, struct err *err);

/* Sends a block of dead/ again: `id` is its folder's name. Decoded and processed as the first time,
 * as one block under its first token through its route; one try. The folder is removed when it is
 * delivered. ST_NOT_FOUND: no such folder, or its route is no longer configured. Else why it was
 * not delivered: the folder stays. thread: any but a loop; blocks */
[[nodiscard]] status pipeline_dead_retry(struct pipeline *p, str id, struct err *err);

/* Writes the members of a JSON object: the journal, exporters and routes as they are now.
 * thread: any */
struct json_out;
void pipeline_status(struct pipeline *p, struct json_out *out);

/* From now on a signal that ends the process because it is broken (SIGSEGV, SIGABRT, ...) leaves a
 * note of what was being delivered: what does so twice is put aside in dead/. Once, at start. */
void pipeline_note_crashes(void);
