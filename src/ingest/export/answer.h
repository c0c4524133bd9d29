/* answer: what a destination says to an export: partial success, google.rpc.Status, RetryInfo, the
 * headers of HTTP and gRPC. Outside bytes: all of it may be anything. Pure; thread: any.
 *
 * Texts are copied short, as one line of UTF-8: what is not becomes '?'. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/telemetry.h"
#include "model/request.h"

enum { ANSWER_TEXT_MAX = 200 };

struct answer_partial {
    uint64_t rejected;
    char message[ANSWER_TEXT_MAX]; /* empty: none */
};

/* An Export*ServiceResponse. Empty, or one that cannot be read: no rejection. */
struct answer_partial answer_partial_read(str body, enum payload_format format,
                                          enum signal_kind signal);

struct answer_status {
    char message[ANSWER_TEXT_MAX];
    bool has_retry; /* a RetryInfo is among its details */
    uint32_t retry_after_ms;
};

/* A google.rpc.Status; one that cannot be read is an empty one. */
struct answer_status answer_status_read(str body, enum payload_format format);

/* grpc-message: percent-encoded. */
void export_answer_message(str header, char out[ANSWER_TEXT_MAX]);
/* grpc-status-details-bin: base64 of a Status. */
struct answer_status export_answer_details(str header);

/* Retry-After: seconds, or a date (rfc9110 10.2.3), to milliseconds from `now`. 0: not readable. */
uint32_t answer_retry_after(str header, nanos now);

/* What a gRPC status, or an HTTP one, means for who sends. ST_OVERLOADED: try again (OTLP,
 * "Failures": RESOURCE_EXHAUSTED only with RetryInfo). 2xx and 0 are ST_OK. */
status answer_grpc_status(uint64_t code, bool has_retry);
status answer_http_status(long code);
/* The status of a gRPC call whose HTTP answer has no grpc-status (gRPC, "HTTP to gRPC Status Code
 * Mapping"). */
status answer_http_for_grpc(long code);
const char *answer_grpc_name(uint64_t code); /* "UNAVAILABLE" */

/* One line of UTF-8 out of any bytes, NUL-terminated. */
void answer_text(str s, char *out, size_t room);
