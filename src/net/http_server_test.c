#include "net/http_server_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "testing/test.h"

static char block[65536];

static void stream_on(struct http_exchange *x, struct test_server *s)
{
    while (s->stream_at < s->stream_bytes) {
        size_t n = s->stream_bytes - s->stream_at;
        if (n > sizeof block) n = sizeof block;
        s->stream_at += n;
        if (!http_respond_write(x, (str){block, n})) return;
    }
    http_respond_end(x);
}

static void on_request(void *, struct http_exchange *x, const struct http_request *r)
{
    http_set_user(x, (void *)(uintptr_t)r);
    if (str_eq(r->path, S("/early")))
        http_respond(x, &(struct http_answer){.status = 413, .body = S("early")});
    else
        http_continue(x);
}

static void on_data(void *ctx, struct http_exchange *x, str b)
{
    ((struct test_server *)ctx)->body_bytes += b.len;
    http_consume(x, b.len);
}

static void on_end(void *ctx, struct http_exchange *x)
{
    struct test_server *s = ctx;
    str path = ((const struct http_request *)http_user(x))->path;
    if (str_eq(path, S("/stream"))) {
        s->stream_at = 0;
        http_respond_begin(x, &(struct http_answer){.status = 200});
        stream_on(x, s);
    } else if (str_eq(path, S("/never"))) {
        return;
    } else if (str_eq(path, S("/trailer"))) {
        struct http_header t = {S("grpc-status"), S("0")};
        http_respond(x, &(struct http_answer){
                            .status = 200, .body = S("body"), .trailers = &t, .n_trailers = 1});
    } else {
        char text[64];
        int n = snprintf(text, sizeof text, "%zu bytes", s->body_bytes);
        s->body_bytes = 0;
        http_respond(x, &(struct http_answer){.status = 200, .body = {text, (size_t)n}});
    }
}

static void on_close(void *ctx, struct http_exchange *)
{
    struct test_server *s = ctx;
    s->closes++;
    sem_post(&s->closed);
}

static void on_writable(void *ctx, struct http_exchange *x) { stream_on(x, ctx); }

void test_server_start(struct test_server *s)
{
    struct err err;
    sem_init(&s->closed, 0, 0);
    s->service = (struct http_service){s, on_request, on_data, on_end, on_close, on_writable};
    CHECK_INT(loop_new("http", &s->loop, &err), ST_OK);
    CHECK_INT(http_listen(s->loop, "127.0.0.1", 0, &s->service, &s->limits, &s->listener, &err),
              ST_OK);
    CHECK(http_listener_port(s->listener) > 0);
    CHECK_INT(loop_start(s->loop, &err), ST_OK);
}

void test_server_end(struct test_server *s)
{
    loop_stop(s->loop);
    loop_join(s->loop);
    loop_free(s->loop);
}

void test_server_drain(void *server)
{
    http_listener_drain(((struct test_server *)server)->listener);
}

int dial(const struct test_server *s)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(http_listener_port(s->listener))};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    struct timeval limit = {10, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

void say(int fd, str s)
{
    while (s.len) {
        ssize_t n = send(fd, s.ptr, s.len, MSG_NOSIGNAL);
        CHECK(n > 0);
        s = str_drop(s, (size_t)n);
    }
}

void hear(int fd, struct buf *in, str last)
{
    for (;;) {
        if (last.len && in->len >= last.len &&
            memcmp(in->ptr + in->len - last.len, last.ptr, last.len) == 0)
            return;
        CHECK(buf_reserve(in, 65536));
        ssize_t n = recv(fd, in->ptr + in->len, 65536, 0);
        if (n <= 0) {
            CHECK(n == 0 || errno == ECONNRESET);
            return;
        }
        in->len += (size_t)n;
    }
}

bool buf_has(const struct buf *b, const char *part)
{
    return b->len && memmem(b->ptr, b->len, part, strlen(part));
}
