/* A server with real sockets on loopback for tests: a loop in its thread, and what a client by hand
 * says and hears. Paths: /early is answered before its body, /stream with stream_bytes bytes,
 * /never not at all, /trailer with a trailer, others with how many bytes came. thread: main */
#pragma once

#include <semaphore.h>

#include "base/buf.h"
#include "net/http.h"

struct test_server {
    struct loop *loop;
    struct http_listener *listener;
    struct http_service service;
    struct http_limits limits;
    size_t stream_bytes, stream_at; /* for /stream */
    int closes;
    size_t body_bytes;
    sem_t closed;
};

void test_server_start(struct test_server *s);
void test_server_end(struct test_server *s);
void test_server_drain(void *server); /* for loop_post */

int dial(const struct test_server *s); /* a connection that is read for 10 s at most */
void say(int fd, str s);
/* Reads until `last` is at the end of what came, or the peer closes. */
void hear(int fd, struct buf *in, str last);
bool buf_has(const struct buf *b, const char *part);
