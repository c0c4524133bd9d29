#include "ingest/receive/rig_test.h"
#include "testing/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void *answer_thread(void *arg)
{
    struct rig *g = arg;
    for (;;) {
        sem_wait(&g->ready);
        if (g->stop) return NULL;
        struct ingest_request *q = g->next;
        sem_post(&g->free);
        if (g->slow_us) usleep(g->slow_us);
        if (g->take_arena) {
            arena_done(q->arena);
            free(q->arena);
            q->arena = NULL;
        }
        receive_answer(q, &g->answer);
    }
}

static void sink(void *ctx, struct ingest_request *q)
{
    struct rig *g = ctx;
    g->calls++;
    g->seen = *q;
    memcpy(g->body, q->body.ptr, q->body.len < sizeof g->body ? q->body.len : sizeof g->body);
    memcpy(g->wire, q->wire.ptr, q->wire.len < sizeof g->wire ? q->wire.len : sizeof g->wire);
    for (size_t i = 0; i < 64; i++) CHECK_INT(q->body.ptr[q->body.len + i], 0);
    pthread_mutex_lock(&g->lock);
    bool hold = g->hold;
    if (hold) CHECK(g->n_held < sizeof g->held / sizeof *g->held);
    if (hold) g->held[g->n_held++] = q;
    pthread_mutex_unlock(&g->lock);
    if (hold) return;
    sem_wait(&g->free);
    g->next = q;
    sem_post(&g->ready);
}

void rig_let_go(struct rig *g)
{
    pthread_mutex_lock(&g->lock);
    g->hold = false;
    for (size_t i = 0; i < g->n_held; i++) receive_answer(g->held[i], &g->answer);
    g->n_held = 0;
    pthread_mutex_unlock(&g->lock);
}

str seen_body(const struct rig *g) { return (str){g->body, g->seen.body.len}; }

void rig_start(struct rig *g)
{
    struct err err;
    if (!g->gate.max_bytes) g->gate.max_bytes = 1 << 30;
    g->opt.gate = &g->gate;
    g->opt.sink = sink;
    g->opt.ctx = g;
    sem_init(&g->ready, 0, 0);
    pthread_mutex_init(&g->lock, NULL);
    sem_init(&g->free, 0, 1);
    CHECK_INT(loop_new("receive", &g->loop, &err), ST_OK);
    CHECK_INT(receive_open(g->loop, "127.0.0.1", 0, &g->opt, &g->r, &err), ST_OK);
    g->port = receive_port(g->r);
    CHECK_INT(loop_start(g->loop, &err), ST_OK);
    CHECK_INT(pthread_create(&g->thread, NULL, answer_thread, g), 0);
}

void rig_end(struct rig *g)
{
    g->stop = true;
    sem_post(&g->ready);
    pthread_join(g->thread, NULL);
    loop_stop(g->loop);
    loop_join(g->loop);
    CHECK_INT(receive_open_requests(g->r), 0);
    receive_close(g->r);
    loop_free(g->loop);
    CHECK_INT(atomic_load(&g->gate.bytes), 0);
}

int dial(const struct rig *g)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(g->port)};
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
        if (n <= 0) return; /* answered and closed early */
        s = str_drop(s, (size_t)n);
    }
}

char *post(struct rig *g, const char *line_and_headers, str body)
{
    static char answer[65536];
    int fd = dial(g);
    struct buf b;
    buf_init(&b, 64 << 20);
    buf_printf(&b, "%s\r\nHost: h\r\nConnection: close\r\n", line_and_headers);
    if (!strstr(line_and_headers, "Content-Length") && !strstr(line_and_headers, "hunked"))
        buf_printf(&b, "Content-Length: %zu\r\n", body.len);
    buf_add(&b, S("\r\n"));
    buf_add(&b, body);
    say(fd, buf_str(&b));
    buf_done(&b);
    size_t n = 0;
    for (ssize_t k; (k = recv(fd, answer + n, sizeof answer - 1 - n, 0)) > 0;) n += (size_t)k;
    answer[n] = 0;
    close(fd);
    return answer;
}

bool has(const char *answer, const char *part)
{
    if (strstr(answer, part)) return true;
    fprintf(stderr, "no \"%s\" in:\n%s\n", part, answer);
    return false;
}

bool body_is(const char *answer, const char *body, size_t n)
{
    const char *start = strstr(answer, "\r\n\r\n");
    return start && memcmp(start + 4, body, n + 1) == 0;
}

static int g_header(nghttp2_session *, const nghttp2_frame *, const uint8_t *n, size_t nl,
                    const uint8_t *v, size_t vl, uint8_t, void *ud)
{
    struct call *c = ud;
    buf_printf(&c->headers, "%.*s=%.*s;", (int)nl, (const char *)n, (int)vl, (const char *)v);
    return 0;
}

static int g_data(nghttp2_session *, uint8_t, int32_t, const uint8_t *p, size_t n, void *ud)
{
    buf_add(&((struct call *)ud)->body, (str){(const char *)p, n});
    return 0;
}

static int g_close(nghttp2_session *, int32_t, uint32_t code, void *ud)
{
    struct call *c = ud;
    c->over = true;
    c->n_over++;
    c->reset = code;
    return 0;
}

static ssize_t g_read(nghttp2_session *s, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
                      nghttp2_data_source *, void *ud)
{
    struct call *c = ud;
    size_t mine = (size_t)nghttp2_session_get_stream_user_data(s, id);
    size_t *at = c->each ? &mine : &c->sent;
    str left = str_drop(buf_str(&c->send), *at);
    if (left.len == 0 && c->stops) return NGHTTP2_ERR_DEFERRED;
    if (left.len > room) left.len = room;
    if (c->piece && left.len > c->piece) left.len = c->piece;
    if (left.len) memcpy(to, left.ptr, left.len);
    *at += left.len;
    c->sent_all += left.len;
    nghttp2_session_set_stream_user_data(s, id, (void *)mine);
    if (*at == c->send.len && !c->stops) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)left.len;
}

static nghttp2_nv nv(const char *n, const char *v)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)n, (uint8_t *)(uintptr_t)v, strlen(n), strlen(v), 0};
}

void call_init(struct call *c)
{
    *c = (struct call){};
    buf_init(&c->headers, 1 << 20);
    buf_init(&c->body, 1 << 20);
    buf_init(&c->send, 64 << 20);
}

void call_done(struct call *c)
{
    buf_done(&c->headers);
    buf_done(&c->body);
    buf_done(&c->send);
}

void frame(struct call *c, bool compressed, str message)
{
    size_t n = message.len;
    char prefix[5] = {compressed, (char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n};
    buf_add(&c->send, (str){prefix, 5});
    buf_add(&c->send, message);
}

nghttp2_session *call_session(struct call *c)
{
    nghttp2_session *s;
    nghttp2_session_callbacks *cb;
    nghttp2_session_callbacks_new(&cb);
    nghttp2_session_callbacks_set_on_header_callback(cb, g_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, g_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, g_close);
    nghttp2_session_client_new(&s, cb, c);
    nghttp2_session_callbacks_del(cb);
    nghttp2_submit_settings(s, 0, NULL, 0);
    return s;
}

int32_t call_submit(nghttp2_session *s, const struct call *c, const char *path, const char *type,
                    const char *encoding)
{
    const char *timeout = c->timeout ? c->timeout : "10S";
    nghttp2_nv h[9] = {nv(":method", "POST"),      nv(":scheme", "http"),    nv(":authority", "h"),
                       nv(":path", path),          nv("content-type", type), nv("te", "trailers"),
                       nv("grpc-timeout", timeout)};
    size_t n = 7;
    if (*encoding) h[n++] = nv("grpc-encoding", encoding);
    if (c->more[0]) h[n++] = nv(c->more[0], c->more[1]);
    nghttp2_data_provider body = {.read_callback = g_read};
    int32_t id = nghttp2_submit_request(s, NULL, h, n, &body, NULL);
    CHECK(id > 0);
    return id;
}

void call(struct rig *g, struct call *c, const char *path, const char *type, const char *encoding)
{
    int fd = dial(g);
    nghttp2_session *s = call_session(c);
    call_submit(s, c, path, type, encoding);
    char in[65536];
    while (!c->over) {
        const uint8_t *p;
        ssize_t n;
        while ((n = nghttp2_session_mem_send(s, &p)) > 0)
            say(fd, (str){(const char *)p, (size_t)n});
        if (c->over) break;
        n = recv(fd, in, sizeof in, 0);
        if (n <= 0) break;
        CHECK(nghttp2_session_mem_recv(s, (uint8_t *)in, (size_t)n) == n);
    }
    CHECK(c->over);
    nghttp2_session_del(s);
    close(fd);
    buf_char(&c->headers, 0);
}
