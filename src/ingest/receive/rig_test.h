/* What the tests of this folder share: a receiver with real sockets, a sink whose answers come from
 * another thread, and clients of HTTP/1.1 and gRPC. */
#pragma once

#include <nghttp2/nghttp2.h>
#include <pthread.h>
#include <semaphore.h>

#include "base/buf.h"
#include "ingest/receive/receive.h"

struct rig {
    struct loop *loop;
    struct receiver *r;
    struct receive_gate gate;
    struct receive_options opt;
    uint16_t port;
    struct ingest_answer answer; /* what the sink says */
    bool take_arena;
    bool hold;        /* keep requests until rig_let_go */
    unsigned slow_us; /* the answer comes that much later */
    struct ingest_request *held[64];
    size_t n_held;
    pthread_mutex_t lock; /* of the held ones */
    /* what the sink saw last */
    int calls;
    struct ingest_request seen;
    char body[4096], wire[4096];

    struct ingest_request *next; /* handed to the answering thread */
    sem_t ready, free;
    pthread_t thread;
    bool stop;
};

void rig_start(struct rig *g);
void rig_end(struct rig *g);
void rig_let_go(struct rig *g); /* answers what is held, and holds no more */
str seen_body(const struct rig *g);

int dial(const struct rig *g);
void say(int fd, str s); /* as much as the peer takes */
/* One HTTP/1.1 call on a connection of its own. The whole answer, NUL-terminated. */
char *post(struct rig *g, const char *line_and_headers, str body);
bool has(const char *answer, const char *part);
/* Does the answer end with these bytes as its body? */
bool body_is(const char *answer, const char *body, size_t n);

struct call {
    struct buf headers, body, send;
    size_t sent, piece; /* DATA frames of at most `piece` bytes */
    uint32_t reset;
    bool stops; /* the end of the body is not sent */
    bool each;  /* more than one call: each sends all of it */
    size_t sent_all;
    int n_over;
    const char *timeout; /* grpc-timeout; NULL: 10S */
    const char *more[2]; /* one header more: its name and value */
    bool over;
};

void call_init(struct call *c);
void call_done(struct call *c);
void frame(struct call *c, bool compressed, str message);
/* Sends c->send to `path`; the answer is in c->headers ("name=value;...") and c->body. */
void call(struct rig *g, struct call *c, const char *path, const char *type, const char *encoding);
/* The parts of it, for more calls on one connection: *c is the session's user data. */
nghttp2_session *call_session(struct call *c);
int32_t call_submit(nghttp2_session *s, const struct call *c, const char *path, const char *type,
                    const char *encoding);

#define PB "\r\nContent-Type: application/x-protobuf"
#define JS "\r\nContent-Type: application/json"
#define TRACES "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
#define LOGS "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
#define METRICS "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
