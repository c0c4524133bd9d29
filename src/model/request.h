/* request: one accepted OTLP export, between receive and the answer. */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/compression.h"
#include "base/err.h"
#include "base/telemetry.h"

enum payload_format { /* journaled: append only */
                      PAYLOAD_PROTOBUF,
                      PAYLOAD_JSON,
                      PAYLOAD_REMOTE_WRITE_1, /* Prometheus' prometheus.WriteRequest */
                      PAYLOAD_REMOTE_WRITE_2, /* io.prometheus.write.v2.Request */
                      PAYLOAD_FORMATS
};

/* Moved: receive makes it, the pipeline takes it and gives it back with the answer; its arena
 * (malloc'ed) goes on with the decoded batch. `body` has 64 readable slack bytes behind it. */
struct ingest_request {
    struct arena *arena; /* holds wire and body; NULL once the batch has taken it */
    enum signal_kind signal;
    enum payload_format format;
    enum payload_compression compression;
    str wire; /* as it came: what the journal keeps */
    str body; /* decompressed; the same bytes as wire when identity */
    nanos received_at;
    void *origin; /* receive's own */
};

struct ingest_answer {
    struct err err;          /* err.code ST_OK: accepted */
    uint32_t rejected;       /* partial success: items left out */
    char message[200];       /* partial success: why, NUL-terminated; empty when none */
    uint32_t retry_after_ms; /* with a retryable status; 0: not stated */
    uint32_t samples, histograms,
        exemplars; /* metrics: what was kept; remote write tells its client */
};
