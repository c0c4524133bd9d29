/* route: what the head of a request says: which signal, in which form, and why not. Pure.
 *
 * Spec: OTLP/gRPC, OTLP/HTTP; Prometheus Remote-Write 1.0 and 2.0, "Protocol". */
#pragma once

#include "base/err.h"
#include "model/request.h"
#include "net/http.h"

enum otlp_protocol {
    OTLP_GRPC,
    OTLP_HTTP_PROTOBUF,
    OTLP_HTTP_JSON,
    REMOTE_WRITE_1,
    REMOTE_WRITE_2,
    OTLP_PROTOCOLS
}; /* the order of the metric's labels */

static inline bool is_remote_write(enum otlp_protocol p)
{
    return p == REMOTE_WRITE_1 || p == REMOTE_WRITE_2;
}

struct route {
    enum otlp_protocol protocol; /* of the answer, also when the request is refused */
    bool known_protocol;         /* false: the request did not say, the answer is JSON */
    bool preflight;              /* a browser asks first: answered with 204, no body */
    enum signal_kind signal;
    enum payload_compression compression;
    nanos timeout;        /* gRPC: for the whole call; 0: not stated */
    unsigned http_status; /* with an error: instead of the status' own; 0: its own */
};

/* Reads the head. An error is what the client is told; *ret is then good for the answer's form. */
[[nodiscard]] status route_request(const struct http_request *req, struct route *ret,
                                   struct err *err);

/* Does the client read gzip? (Accept-Encoding, rfc9110 12.5.3) */
bool route_takes_gzip(const struct http_request *req);
