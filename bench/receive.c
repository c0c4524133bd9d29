/* receive: requests over loopback, one client thread and one loop; the sink says yes at once: 8 KiB
 * bodies on one connection, and ten spans each of 1,000 connections. The number is the CPU time of
 * all threads but the client's. */
#include <arpa/inet.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ingest/receive/receive.h"

enum { BODY = 8192, AT_ONCE = 50 };
static char body[BODY + 5];

static void sink(void *, struct ingest_request *q) { receive_answer(q, &(struct ingest_answer){}); }

static int dial(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a)) abort();
    return fd;
}

static void say(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k <= 0) abort();
        p += k;
        n -= (size_t)k;
    }
}

struct client {
    unsigned open, done, target;
    nghttp2_session *s;
};

static ssize_t read_body(nghttp2_session *s, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
                         nghttp2_data_source *, void *)
{
    size_t at = (size_t)nghttp2_session_get_stream_user_data(s, id);
    size_t n = sizeof body - at < room ? sizeof body - at : room;
    memcpy(to, body + at, n);
    nghttp2_session_set_stream_user_data(s, id, (void *)(at + n));
    if (at + n == sizeof body) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static nghttp2_nv nv(const char *n, const char *v)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)n, (uint8_t *)(uintptr_t)v, strlen(n), strlen(v), 0};
}

static void ask(struct client *c)
{
    nghttp2_nv h[] = {nv(":method", "POST"),
                      nv(":scheme", "http"),
                      nv(":authority", "h"),
                      nv(":path", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"),
                      nv("content-type", "application/grpc"),
                      nv("te", "trailers")};
    nghttp2_data_provider p = {.read_callback = read_body};
    if (nghttp2_submit_request(c->s, NULL, h, 6, &p, NULL) < 0) abort();
    c->open++;
}

static int on_close(nghttp2_session *, int32_t, uint32_t, void *ud)
{
    struct client *c = ud;
    c->open--;
    c->done++;
    if (c->done + c->open < c->target) ask(c);
    return 0;
}

static void grpc(uint16_t port, unsigned n)
{
    struct client c = {.target = n};
    int fd = dial(port);
    nghttp2_session_callbacks *cb;
    nghttp2_session_callbacks_new(&cb);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    nghttp2_session_client_new(&c.s, cb, &c);
    nghttp2_session_callbacks_del(cb);
    nghttp2_submit_settings(c.s, 0, NULL, 0);
    for (int i = 0; i < AT_ONCE; i++) ask(&c);
    static char in[65536];
    while (c.done < n) {
        const uint8_t *p;
        ssize_t k;
        while ((k = nghttp2_session_mem_send(c.s, &p)) > 0) say(fd, (const char *)p, (size_t)k);
        k = recv(fd, in, sizeof in, 0);
        if (k <= 0 || nghttp2_session_mem_recv(c.s, (uint8_t *)in, (size_t)k) < 0) abort();
    }
    nghttp2_session_del(c.s);
    close(fd);
}

static void http1(uint16_t port, unsigned n)
{
    int fd = dial(port);
    char one[BODY + 200], in[4096];
    int head = snprintf(one, 200,
                        "POST /v1/traces HTTP/1.1\r\nHost: h\r\n"
                        "Content-Type: application/x-protobuf\r\nContent-Length: %d\r\n\r\n",
                        BODY);
    memset(one + head, 0, BODY);
    for (unsigned i = 0; i < n; i++) {
        say(fd, one, (size_t)head + BODY);
        if (recv(fd, in, sizeof in, 0) <= 0) abort();
    }
    close(fd);
}

/* ---- many small clients: each has a connection of its own and asks now and then, so every request
 * comes alone ---- */

enum { CLIENTS = 1000, SMALL = 2500 }; /* ten spans */

static void small_http1(uint16_t port, unsigned n)
{
    static int fds[CLIENTS];
    char one[SMALL + 400] = {}, in[4096];
    int head = snprintf(one, 400,
                        "POST /v1/traces HTTP/1.1\r\nHost: collector:4318\r\n"
                        "User-Agent: OTel-OTLP-Exporter/1.0\r\nAccept: */*\r\n"
                        "Content-Type: application/x-protobuf\r\nContent-Length: %d\r\n\r\n",
                        SMALL);
    for (int i = 0; i < CLIENTS; i++) fds[i] = dial(port);
    for (unsigned i = 0; i < n; i++) {
        say(fds[i % CLIENTS], one, (size_t)head + SMALL);
        if (recv(fds[i % CLIENTS], in, sizeof in, 0) <= 0) abort();
    }
    for (int i = 0; i < CLIENTS; i++) close(fds[i]);
}

static ssize_t read_small(nghttp2_session *, int32_t, uint8_t *to, size_t, uint32_t *flags,
                          nghttp2_data_source *, void *)
{
    memset(to, 0, SMALL + 5);
    to[3] = SMALL >> 8;
    to[4] = SMALL & 255;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return SMALL + 5;
}

static void one_small_call(nghttp2_session *s, int fd, struct client *c)
{
    nghttp2_nv h[] = {nv(":method", "POST"),
                      nv(":scheme", "http"),
                      nv(":path", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"),
                      nv(":authority", "collector:4317"),
                      nv("grpc-timeout", "10S"),
                      nv("content-type", "application/grpc"),
                      nv("user-agent", "OTel-OTLP-Exporter/1.0 grpc/1.60"),
                      nv("te", "trailers")};
    nghttp2_data_provider p = {.read_callback = read_small};
    char out[8192], in[65536];
    c->open = 1;
    if (nghttp2_submit_request(s, NULL, h, 8, &p, NULL) < 0) abort();
    while (c->open) {
        const uint8_t *q;
        size_t len = 0;
        ssize_t k;
        while ((k = nghttp2_session_mem_send(s, &q)) > 0) {
            memcpy(out + len, q, (size_t)k);
            len += (size_t)k;
        }
        if (len) say(fd, out, len);
        k = recv(fd, in, sizeof in, 0);
        if (k <= 0 || nghttp2_session_mem_recv(s, (uint8_t *)in, (size_t)k) < 0) abort();
    }
}

static void small_grpc(uint16_t port, unsigned n)
{
    static int fds[CLIENTS];
    static nghttp2_session *sessions[CLIENTS];
    struct client c = {};
    nghttp2_session_callbacks *cb;
    nghttp2_session_callbacks_new(&cb);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = dial(port);
        nghttp2_session_client_new(&sessions[i], cb, &c);
        nghttp2_submit_settings(sessions[i], 0, NULL, 0);
    }
    nghttp2_session_callbacks_del(cb);
    for (unsigned i = 0; i < n; i++) one_small_call(sessions[i % CLIENTS], fds[i % CLIENTS], &c);
    for (int i = 0; i < CLIENTS; i++) {
        nghttp2_session_del(sessions[i]);
        close(fds[i]);
    }
}

static nanos own_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (nanos)t.tv_sec * NANOS_S + t.tv_nsec;
}

static void run(const char *name, void (*fn)(uint16_t, unsigned), uint16_t port, unsigned n)
{
    nanos wall = clock_monotonic(), cpu = clock_cpu() - own_cpu();
    fn(port, n);
    double s = (double)(clock_monotonic() - wall) / 1e9;
    printf("%-24s %10.0f requests/s %8.2f core-us/request\n", name, n / s,
           (double)(clock_cpu() - own_cpu() - cpu) / 1e3 / n);
}

int main(void)
{
    struct err err;
    struct loop *l;
    struct receiver *r;
    struct receive_gate gate = {.max_bytes = 1 << 30};
    struct receive_options opt = {.gate = &gate, .sink = sink};
    body[3] = BODY >> 8;
    if (loop_new("bench", &l, &err) || receive_open(l, "127.0.0.1", 0, &opt, &r, &err) ||
        loop_start(l, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    run("receive/grpc", grpc, receive_port(r), 20000);
    run("receive/http1", http1, receive_port(r), 10000);
    run("receive/small grpc", small_grpc, receive_port(r), 50000);
    run("receive/small http1", small_http1, receive_port(r), 50000);
    loop_stop(l);
    loop_join(l);
    receive_close(r);
    loop_free(l);
    return 0;
}
