/* wire: one connection to the server and the requests in flight on it, without the socket's
 * waiting.
 *
 * Two protocols: gRPC over HTTP/2 cleartext, and OTLP/HTTP with protobuf bodies over HTTP/1.1. */
#pragma once

#include "base/buf.h"
#include "base/clock.h"
#include "loadgen/loadgen.h"

enum { GRPC_PREFIX = 5, ANSWER_MAX = 4096 };

enum slot_state { SLOT_IDLE, SLOT_OPEN, SLOT_WAITING /* for its next try */ };

/* A request, from its first sending to its last answer. */
struct slot {
    enum slot_state state;
    enum signal_kind signal;
    uint64_t number;
    uint32_t items, tries;
    nanos began, next_try;
    char *bytes; /* GRPC_PREFIX bytes, then the message */
    size_t len;  /* of the message */
    size_t sent;

    /* the answer, as it comes in */
    int http_status, grpc_status; /* grpc_status: -1 none */
    uint32_t retry_after_ms;
    bool retry_info;
    char body[ANSWER_MAX], message[200];
    size_t body_len;
};

enum outcome { OUTCOME_ACCEPTED, OUTCOME_RETRY, OUTCOME_FAILED, OUTCOME_UNKNOWN };

struct wire {
    const struct wire_ops *ops;
    void *owner;
    /* The slot's answer is complete, or will never be. */
    void (*over)(void *owner, struct slot *s, enum outcome how);
    const char *authority;
    struct buf out; /* bytes to write */
    size_t out_at;
    bool finished;        /* the server wants no more on this connection */
    struct slot *current; /* HTTP/1.1: the one in flight */
    void *protocol;       /* nghttp2_session or llhttp_t */
};

struct wire_ops {
    void (*begin)(struct wire *w);                /* a connection was made */
    bool (*send)(struct wire *w, struct slot *s); /* false: not on this connection */
    void (*fill)(struct wire *w);                 /* moves what is to be written to `out` */
    bool (*input)(struct wire *w, str bytes);     /* false: nonsense came */
    void (*end)(struct wire *w); /* the connection is gone: open slots are over, unknown */
};

extern const struct wire_ops wire_grpc, wire_http;

/* Prepares the slot for an answer. */
void slot_expect(struct slot *s);
void slot_body(struct slot *s, str bytes);
/* One header of the answer, of either protocol; the name in lower case. */
void slot_header(struct slot *s, str name, str value);

/* rejected_* of the partial success in an export response, 0 when there is none. Its message is
 * put into s->message. */
uint64_t slot_rejected(struct slot *s, str response);
