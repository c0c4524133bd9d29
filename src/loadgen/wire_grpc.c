/* gRPC unary calls over one HTTP/2 connection, by nghttp2's client side. */
#include <assert.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

#include "loadgen/wire.h"

enum { OUT_MOST = 256 << 10 };

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t, void *)
{
    struct slot *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (s)
        slot_header(s, (str){(const char *)name, name_len}, (str){(const char *)value, value_len});
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t, int32_t stream, const uint8_t *data,
                   size_t len, void *)
{
    struct slot *s = nghttp2_session_get_stream_user_data(session, stream);
    if (s) slot_body(s, (str){(const char *)data, len});
    return 0;
}

/* OTLP spec, "Failures": which codes are worth another try. */
static bool retryable(const struct slot *s)
{
    switch (s->grpc_status) {
    case 1:               /* CANCELLED */
    case 4:               /* DEADLINE_EXCEEDED */
    case 10:              /* ABORTED */
    case 11:              /* OUT_OF_RANGE */
    case 14:              /* UNAVAILABLE */
    case 15: return true; /* DATA_LOSS */
    case 8: return s->retry_info;
    case -1: return s->http_status == 429 || (s->http_status >= 502 && s->http_status <= 504);
    default: return false;
    }
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user)
{
    struct wire *w = user;
    struct slot *s = nghttp2_session_get_stream_user_data(session, stream);
    if (!s) return 0;
    nghttp2_session_set_stream_user_data(session, stream, NULL);
    if (s->grpc_status == 0)
        w->over(w->owner, s, OUTCOME_ACCEPTED);
    else if (code == NGHTTP2_REFUSED_STREAM) /* the server has not looked at it */
        w->over(w->owner, s, OUTCOME_RETRY);
    else if (s->grpc_status < 0 && s->http_status <= 200)
        w->over(w->owner, s, OUTCOME_UNKNOWN);
    else
        w->over(w->owner, s, retryable(s) ? OUTCOME_RETRY : OUTCOME_FAILED);
    return 0;
}

static ssize_t read_body(nghttp2_session *, int32_t, uint8_t *out, size_t room, uint32_t *flags,
                         nghttp2_data_source *source, void *)
{
    struct slot *s = source->ptr;
    size_t left = GRPC_PREFIX + s->len - s->sent, n = left < room ? left : room;
    memcpy(out, s->bytes + s->sent, n);
    s->sent += n;
    if (n == left) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static void grpc_begin(struct wire *w)
{
    nghttp2_session_callbacks *cb;
    nghttp2_session *session;
    if (nghttp2_session_callbacks_new(&cb) != 0) abort();
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    if (nghttp2_session_client_new(&session, cb, w) != 0) abort();
    nghttp2_session_callbacks_del(cb);
    nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
    if (nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, 1) != 0) abort();
    w->protocol = session;
}

#define HEADER(n, v)                                                     \
    {                                                                    \
        (uint8_t *)(n), (uint8_t *)(v), strlen(n), strlen(v),            \
            NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE \
    }

static bool grpc_send(struct wire *w, struct slot *s)
{
    static const char *const paths[] = {
        [SIGNAL_TRACES] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        [SIGNAL_LOGS] = "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        [SIGNAL_METRICS] = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    };
    nghttp2_nv headers[] = {
        HEADER(":method", "POST"),
        HEADER(":scheme", "http"),
        HEADER(":path", paths[s->signal]),
        HEADER(":authority", w->authority),
        HEADER("content-type", "application/grpc"),
        HEADER("te", "trailers"),
        HEADER("user-agent", "weir-loadgen/" WEIR_VERSION),
    };
    for (int i = 0; i < 4; i++) s->bytes[4 - i] = (char)(s->len >> 8 * i);
    s->bytes[0] = 0;
    slot_expect(s);
    nghttp2_data_provider body = {.source.ptr = s, .read_callback = read_body};
    int32_t id = nghttp2_submit_request(w->protocol, NULL, headers,
                                        sizeof headers / sizeof *headers, &body, s);
    return id > 0;
}

static void grpc_fill(struct wire *w)
{
    while (w->out.len - w->out_at < OUT_MOST) {
        const uint8_t *bytes;
        ssize_t n = nghttp2_session_mem_send(w->protocol, &bytes);
        if (n <= 0) break;
        buf_add(&w->out, (str){(const char *)bytes, (size_t)n});
    }
    w->finished = !nghttp2_session_want_read(w->protocol) && w->out.len == w->out_at;
}

static bool grpc_input(struct wire *w, str bytes)
{
    return nghttp2_session_mem_recv(w->protocol, (const uint8_t *)bytes.ptr, bytes.len) >= 0;
}

static void grpc_end(struct wire *w)
{
    nghttp2_session_del(w->protocol); /* the owner knows which slots were open here */
    w->protocol = NULL;
}

const struct wire_ops wire_grpc = {grpc_begin, grpc_send, grpc_fill, grpc_input, grpc_end};
