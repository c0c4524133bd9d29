#include "ingest/client_test.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/pb_out.h"

static void number_be(uint64_t v, char out[8])
{
    for (int i = 0; i < 8; i++) out[i] = (char)(v >> (56 - 8 * i));
}

static void put_attr(struct pb_out *p, uint32_t field, str key, str value)
{
    pb_begin(p, field);
    pb_put_str(p, 1, key);
    pb_begin(p, 2);
    pb_put_str(p, 1, value);
    pb_end(p);
    pb_end(p);
}

static void put_span(struct pb_out *p, uint64_t number, uint64_t time)
{
    char id[16] = "01234567";
    number_be(number, id + 8);
    pb_begin(p, 2);
    pb_put_str(p, 1, (str){id, 16});
    pb_put_str(p, 2, (str){id + 8, 8});
    pb_put_str(p, 5, S("GET /cart"));
    pb_put_varint(p, 6, 2);
    pb_put_fixed64(p, 7, time);
    pb_put_fixed64(p, 8, time + 1000000);
    put_attr(p, 9, S("http.route"), S("/cart"));
    pb_end(p);
}

static void put_log(struct pb_out *p, uint64_t number, uint64_t time)
{
    char text[40];
    int n = snprintf(text, sizeof text, "line %llu", (unsigned long long)number);
    pb_begin(p, 2);
    pb_put_fixed64(p, 1, time);
    pb_put_varint(p, 2, 9);
    pb_begin(p, 5);
    pb_put_str(p, 1, (str){text, (size_t)n});
    pb_end(p);
    pb_end(p);
}

static void put_points(struct pb_out *p, uint64_t first, uint32_t n, uint64_t time)
{
    pb_begin(p, 2);
    pb_put_str(p, 1, S("queue.length"));
    pb_begin(p, 5);
    for (uint32_t i = 0; i < n; i++) {
        pb_begin(p, 1);
        pb_put_fixed64(p, 3, time + i * 1000000ull);
        pb_put_fixed64(p, 6, first + i);
        pb_end(p);
    }
    pb_end(p);
    pb_end(p);
}

void otlp_request(struct buf *out, enum signal_kind signal, str service, uint64_t first, uint32_t n,
                  nanos time)
{
    struct pb_out p = pb_begin_in(out);
    pb_begin(&p, 1);
    pb_begin(&p, 1);
    put_attr(&p, 1, S("service.name"), service);
    pb_end(&p);
    pb_begin(&p, 2);
    if (signal == SIGNAL_METRICS)
        put_points(&p, first, n, (uint64_t)time);
    else
        for (uint32_t i = 0; i < n; i++)
            (signal == SIGNAL_TRACES ? put_span : put_log)(&p, first + i, (uint64_t)time);
    pb_end(&p);
    pb_end(&p);
}

const char *otlp_numbers_sql(enum signal_kind signal)
{
    switch (signal) {
    case SIGNAL_TRACES:
        return "SELECT reinterpretAsUInt64(reverse(span_id)) AS n FROM otel_traces ORDER BY n";
    case SIGNAL_LOGS: return "SELECT toUInt64(substring(body, 6)) AS n FROM otel_logs ORDER BY n";
    default: return "SELECT int_value AS n FROM otel_metrics ORDER BY n";
    }
}

int otlp_connect(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int now = 1;
    if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &now, sizeof now);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

static bool send_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t w = send(fd, p, n, MSG_NOSIGNAL);
        if (w <= 0) return false;
        p += w;
        n -= (size_t)w;
    }
    return true;
}

static bool recv_all(int fd, char *p, size_t n)
{
    while (n > 0) {
        ssize_t r = recv(fd, p, n, 0);
        if (r <= 0) return false;
        p += r;
        n -= (size_t)r;
    }
    return true;
}

bool otlp_http_send(int fd, enum signal_kind signal, const char *content_type, str body)
{
    char head[300];
    int n = snprintf(head, sizeof head,
                     "POST /v1/%s HTTP/1.1\r\nhost: localhost\r\ncontent-type: %s\r\n"
                     "content-length: %zu\r\n\r\n",
                     signal_name(signal), content_type, body.len);
    return send_all(fd, head, (size_t)n) && send_all(fd, body.ptr, body.len);
}

int otlp_http_status(int fd, struct buf *ret_body)
{
    char head[4096];
    size_t n = 0;
    do {
        if (n + 1 >= sizeof head || !recv_all(fd, head + n, 1)) return -1;
        head[++n] = 0;
    } while (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4) != 0);
    const char *length = strcasestr(head, "\r\ncontent-length:");
    size_t left = length ? strtoul(length + 17, NULL, 10) : 0;
    while (left > 0) {
        char piece[1024];
        size_t k = left < sizeof piece ? left : sizeof piece;
        if (!recv_all(fd, piece, k)) return -1;
        if (ret_body) buf_add(ret_body, (str){piece, k});
        left -= k;
    }
    return atoi(head + 9);
}

/* ---- gRPC ---- */

static void frame(struct buf *out, uint8_t type, uint8_t flags, uint32_t stream, str payload)
{
    char h[9] = {(char)(payload.len >> 16),
                 (char)(payload.len >> 8),
                 (char)payload.len,
                 (char)type,
                 (char)flags,
                 (char)(stream >> 24),
                 (char)(stream >> 16),
                 (char)(stream >> 8),
                 (char)stream};
    buf_add(out, (str){h, 9});
    buf_add(out, payload);
}

static void header(struct buf *out, const char *name, const char *value)
{
    buf_char(out, 0); /* literal, not indexed, new name; rfc7541 6.2.2 */
    buf_char(out, (char)strlen(name));
    buf_add(out, (str){name, strlen(name)});
    buf_char(out, (char)strlen(value));
    buf_add(out, (str){value, strlen(value)});
}

static int grpc_status_in(nghttp2_hd_inflater *hd, const uint8_t *p, size_t n)
{
    int found = -1;
    for (;;) {
        nghttp2_nv nv;
        int flags = 0;
        ssize_t used = nghttp2_hd_inflate_hd2(hd, &nv, &flags, p, n, 1);
        if (used < 0) return -1;
        p += used;
        n -= (size_t)used;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) && nv.namelen == 11 &&
            memcmp(nv.name, "grpc-status", 11) == 0)
            found = atoi((const char *)nv.value);
        if (flags & NGHTTP2_HD_INFLATE_FINAL) break;
        if (n == 0 && !(flags & NGHTTP2_HD_INFLATE_EMIT)) break;
    }
    nghttp2_hd_inflate_end_headers(hd);
    return found;
}

static int grpc_answer(int fd)
{
    nghttp2_hd_inflater *hd;
    nghttp2_hd_inflate_new(&hd);
    int result = -1;
    for (;;) {
        uint8_t h[9];
        static uint8_t payload[1 << 16];
        if (!recv_all(fd, (char *)h, 9)) break;
        size_t len = (size_t)h[0] << 16 | (size_t)h[1] << 8 | h[2];
        if (len > sizeof payload || !recv_all(fd, (char *)payload, len)) break;
        if (h[3] == 1) {
            int s = grpc_status_in(hd, payload, len);
            if (s >= 0) result = s;
        }
        if ((h[3] == 0 || h[3] == 1) && (h[4] & 1)) break; /* end of the stream */
        if (h[3] == 3 || h[3] == 7) break;                 /* RST_STREAM, GOAWAY */
    }
    nghttp2_hd_inflate_del(hd);
    return result;
}

int otlp_grpc(uint16_t port, enum signal_kind signal, str message)
{
    static const char *const paths[] = {
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"};
    int fd = otlp_connect(port);
    if (fd < 0) return -1;
    struct buf out, headers, data;
    buf_init(&out, 1 << 20);
    buf_init(&headers, 4096);
    buf_init(&data, 1 << 20);
    buf_add(&out, S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    frame(&out, 4, 0, 0, (str){0});
    header(&headers, ":method", "POST");
    header(&headers, ":scheme", "http");
    header(&headers, ":path", paths[signal]);
    header(&headers, ":authority", "localhost");
    header(&headers, "content-type", "application/grpc");
    header(&headers, "te", "trailers");
    frame(&out, 1, 4, 1, buf_str(&headers));
    char prefix[5] = {0, (char)(message.len >> 24), (char)(message.len >> 16),
                      (char)(message.len >> 8), (char)message.len};
    buf_add(&data, (str){prefix, 5});
    buf_add(&data, message);
    frame(&out, 0, 1, 1, buf_str(&data));
    int result = send_all(fd, out.ptr, out.len) ? grpc_answer(fd) : -1;
    close(fd);
    buf_done(&out);
    buf_done(&headers);
    buf_done(&data);
    return result;
}
