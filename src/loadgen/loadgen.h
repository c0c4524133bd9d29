/* loadgen: sends generated OTLP to a server and keeps exact account of what was acknowledged.
 *
 * A request that gets a retryable answer is sent again, the same bytes, with backoff. One whose
 * answer never came (the connection broke) is not, since the server may have it: it counts as
 * unanswered. So every acknowledged item was accepted exactly once. thread: the caller's, alone. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/telemetry.h"

enum load_protocol { LOAD_GRPC, LOAD_HTTP };

struct load_options {
    const char *host; /* a name or an address */
    const char *port;
    enum load_protocol protocol;
    bool signals[SIGNAL_COUNT];
    double rate;       /* items per second of each signal; 0: as fast as it is let */
    double duration_s; /* 0: until stopped */
    uint64_t seed;
    uint32_t services, batch, series;
    uint32_t connections, streams; /* streams: requests in flight on a connection; 1 for HTTP */
    FILE *ack_log; /* NULL: none. "signal number items" for each acknowledged request */
};

struct load_latency {
    double p50_ms, p90_ms, p99_ms, max_ms;
};

struct load_count {
    uint64_t requests, items;
};

struct load_report {
    double seconds;
    uint64_t reconnects;
    char first_error[200]; /* the first answer that was not an acknowledgement; empty when none */
    struct load_signal_report {
        struct load_count sent;         /* every request once, however often it was sent */
        struct load_count acknowledged; /* items: without those the server rejected */
        uint64_t rejected;              /* items of acknowledged requests that were not kept */
        struct load_count failed;       /* answered with an error that is not worth a retry */
        struct load_count refused;      /* answered with a retryable error until the end */
        struct load_count unanswered;
        uint64_t retries;
        struct load_latency latency; /* first sending to acknowledgement */
    } signals[SIGNAL_COUNT];
};

/* Ends after the duration, or soon after *stop becomes true; then waits a little for open answers.
 * ST_UNAVAILABLE: no connection could be made at the start. ST_INVALID: an option out of bounds. */
[[nodiscard]] status load_run(const struct load_options *opt, const volatile bool *stop,
                              struct load_report *ret, struct err *err);

void load_report_text(const struct load_options *opt, const struct load_report *r, FILE *to);
void load_report_json(const struct load_options *opt, const struct load_report *r, FILE *to);
