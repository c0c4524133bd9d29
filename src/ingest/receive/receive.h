/* receive: OTLP over gRPC, HTTP/protobuf and HTTP/JSON, any of them on any of its ports.
 *
 * Spec: OTLP 1.x (opentelemetry-proto ac2c4b5 docs/specification.md). It reads a request whole
 * (bounded), takes off framing and compression, hands it to `sink`, and renders the answer in the
 * request's own encoding. It does not decode telemetry. thread: loop, unless said otherwise. */
#pragma once

#include <stdatomic.h>

#include "base/err.h"
#include "model/request.h"
#include "net/http.h"

struct receiver;

/* Shared by all receivers of the process: memory of bodies in flight, from its allocation (up to
 * 256 KiB that a client has stated are allocated at once, more in steps as it comes; a decompressed
 * body before it is inflated) to the answer. */
struct receive_gate {
    atomic_uint_fast64_t bytes;
    uint64_t max_bytes; /* past it requests are refused before their body is read */
    atomic_bool closed; /* shutdown: refuse everything with UNAVAILABLE */
};

/* Who may send. All NULL: everybody. Any one of the credentials will do. Files are read again
 * within two seconds of a change, on the next request. */
struct receive_auth {
    const char *bearer_token;
    const char *bearer_tokens_file; /* a token a line; # begins a comment line */
    const char *basic_file;         /* "user:password" a line; # begins a comment line */
};

/* Which pages a browser lets send: answers to preflights, and headers of the other answers. */
struct receive_cors {
    str origins;      /* between commas; `*` in one stands for any characters. Empty: none */
    str headers;      /* between commas: what a page may set; "*": what it asks for */
    uint32_t max_age; /* seconds a browser may remember the answer */
};

struct receive_options {
    uint64_t max_body_bytes; /* as it came; default 64 MiB. Past it 413 / RESOURCE_EXHAUSTED */
    uint64_t max_decompressed_bytes; /* default 64 MiB */
    struct receive_gate *gate;       /* borrowed; outlives the receiver */
    unsigned unserved; /* bits (1 << signal): no such service here, as if its path did not exist */
    struct http_limits http;  /* and the port's TLS */
    struct receive_auth auth; /* its strings outlive the receiver, and those of cors */
    struct receive_cors cors;
    /* Takes the request. Called on the loop's thread. The answer comes back by receive_answer, from
     * any thread. */
    void (*sink)(void *ctx, struct ingest_request *req);
    void *ctx;
};

/* ST_UNAVAILABLE: the address; ST_INVALID: a file of TLS or of the credentials. */
[[nodiscard]] status receive_open(struct loop *l, const char *host, uint16_t port,
                                  const struct receive_options *opt, struct receiver **ret,
                                  struct err *err);
/* Could a receiver be opened with these credentials? thread: any */
[[nodiscard]] status receive_auth_check(const struct receive_auth *auth, struct err *err);
/* All below accept NULL: a port that is not listened at. */
uint16_t receive_port(const struct receiver *r);

/* Answers the request and frees it (with its arena, when the batch has not taken it). Exactly once
 * for each request. The client may be gone: then nothing is sent. thread: any */
void receive_answer(struct ingest_request *req, const struct ingest_answer *answer);

void receive_drain(struct receiver *r); /* stop accepting; finish what is open. thread: any */
uint32_t
receive_open_requests(const struct receiver *r); /* being read or not yet answered. thread: any */
uint32_t receive_connections(const struct receiver *r); /* thread: loop */
/* After the loop has ended and before loop_free, or on it. All requests the sink was given have
 * been answered by then. Accepts NULL. */
void receive_close(struct receiver *r);
