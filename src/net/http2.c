/* HTTP/2 on nghttp2 (rfc9113): server side, prior knowledge.
 *
 * Windows are ours: a stream has `window_bytes`, a connection four times that, and both are
 * replenished by http_consume only. Floods end the connection: resets, acks and continuations by
 * nghttp2's own limits; pings, frames that bring no work (settings, window updates, priorities,
 * empty data, unknown ones, requests with too large a head) and an output nobody reads by ours. */
#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#include "base/num.h"
#include "net/http_core.h"

enum {
    IDLE_FRAMES_MAX = 1000, /* frames without any work for us, in a row */
    PINGS_BURST = 100,      /* the same of pings, and refill per second: gRPC's clients keep alive
                               with one in ten seconds at most */
    PINGS_RATE = 10,
    IDLE_BYTES_MAX = 1 << 20, /* the same of bytes, beside what the connection's window lets come */
    QUEUE_MAX = 10000,        /* frames waiting to be sent */
    HEADERS_MAX = 256,
    OWN_RESETS_BURST =
        1000, /* streams that we had to reset for the peer's errors, and refill per second */
    OWN_RESETS_RATE = 33,
    EARLY_GRACE_MS = 200, /* between an early answer and the reset that says no more is wanted */
    NOTICE_MS = 1000,     /* of a drain, for a peer that answers no ping */
};

struct http2 {
    struct http_core core;
    nghttp2_session *session;
    bool dead, draining, last_told, peer_ended;
    uint32_t idle_frames, pings, own_resets;
    uint64_t idle_bytes;
    uint64_t resets_at_ms, pings_at_ms, drain_at_ms;
};

struct header_node {
    struct header_node *next;
    struct http_header h;
};

static struct http2 *of(struct http_core *c) { return (struct http2 *)c; }

static int32_t connection_window(const struct http_limits *l)
{
    uint64_t n = (uint64_t)l->window_bytes * 4;
    return n > INT32_MAX ? INT32_MAX : n < 65535 ? 65535 : (int32_t)n;
}

static void give_up(struct http2 *h, uint32_t code)
{
    if (h->dead) return;
    h->dead = true;
    nghttp2_session_terminate_session(h->session, code);
}

/* Something was done for the peer: its frames have a purpose. */
static void note_work(struct http2 *h) { h->idle_frames = h->pings = 0, h->idle_bytes = 0; }

/* `level` falls by `rate` a second. */
static void refill(struct http2 *h, uint32_t *level, uint64_t *at_ms, uint32_t rate)
{
    uint64_t n = (h->core.now_ms - *at_ms) * rate / 1000;
    if (n == 0) return;
    *level = n > *level ? 0 : *level - (uint32_t)n;
    *at_ms = h->core.now_ms;
}

/* gRPC's clients know these words and ask less often (gRPC proposal A8). */
static void count_ping(struct http2 *h)
{
    static const char why[] = "too_many_pings";
    refill(h, &h->pings, &h->pings_at_ms, PINGS_RATE);
    if (++h->pings <= PINGS_BURST || h->dead) return;
    h->dead = true;
    nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(h->session),
                          NGHTTP2_ENHANCE_YOUR_CALM, (const uint8_t *)why, sizeof why - 1);
}

/* ---- in ---- */

/* A frame counts as idle until it turns out to bring work. Data that is on its way when its stream
 * is reset is none of the peer's fault. */
static int on_begin_frame(nghttp2_session *, const nghttp2_frame_hd *f, void *ud)
{
    struct http2 *h = ud;
    if (f->type == NGHTTP2_DATA && f->length > 0 && !(f->flags & NGHTTP2_FLAG_PADDED)) return 0;
    if (++h->idle_frames > IDLE_FRAMES_MAX) give_up(h, NGHTTP2_ENHANCE_YOUR_CALM);
    return 0;
}

static int on_begin_headers(nghttp2_session *s, const nghttp2_frame *f, void *ud)
{
    struct http2 *h = ud;
    h->core.header_since_ms = h->core.now_ms ? h->core.now_ms : 1;
    if (f->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    struct http_exchange *x = exchange_new(&h->core);
    x->stream = f->hd.stream_id;
    x->req.http2 = true;
    nghttp2_session_set_stream_user_data(s, x->stream, x);
    return 0;
}

static bool starts_with(str s, str prefix)
{
    return s.len >= prefix.len && memcmp(s.ptr, prefix.ptr, prefix.len) == 0;
}

static int on_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t, void *ud)
{
    struct http2 *h = ud;
    struct http_exchange *x = nghttp2_session_get_stream_user_data(s, f->hd.stream_id);
    if (!x || f->headers.cat != NGHTTP2_HCAT_REQUEST || x->header_over) return 0;
    x->header_bytes += name_len + value_len + 32; /* rfc9113 6.5.2 */
    if (x->header_bytes > h->core.limits->max_header_bytes || x->req.n_headers == HEADERS_MAX) {
        x->header_over = true; /* the rest is still read: the compression state is shared */
        return 0;
    }
    str n = {(const char *)name, name_len};
    str v = arena_str(&x->arena, (str){(const char *)value, value_len});
    if (!v.ptr) v.ptr = "";
    if (str_eq(n, S(":method"))) x->req.method = v;
    if (str_eq(n, S(":path"))) request_set_target(&x->req, v);
    if (str_eq(n, S("content-length"))) {
        uint64_t length;
        if (num_parse_u64(v, &length) && length <= INT64_MAX)
            x->req.content_length = (int64_t)length;
    }
    if (str_eq(n, S(":authority"))) n = S("host");
    if (starts_with(n, S(":"))) return 0;
    struct header_node *node = arena_new(&x->arena, struct header_node);
    node->h = (struct http_header){arena_str(&x->arena, n), v};
    node->next = x->header_list; /* newest first; turned round when complete */
    x->header_list = node;
    x->req.n_headers++;
    return 0;
}

static void take_headers(struct http_exchange *x)
{
    struct http_header *list = arena_array(&x->arena, struct http_header, x->req.n_headers + 1);
    size_t i = x->req.n_headers;
    for (struct header_node *n = x->header_list; n; n = n->next) list[--i] = n->h;
    x->req.headers = list;
}

static void request_came(struct http2 *h, struct http_exchange *x, bool ended)
{
    if (x->header_over) {
        x->answered = x->answer_done = true;
        x->request_done = ended;
        x->core->ops->answer(x, &(struct http_answer){.status = 431}, true);
        return;
    }
    take_headers(x);
    note_work(h);
    exchange_announce(x);
    if (ended) exchange_ended(x);
}

/* No stream after those that have come. */
static void tell_last(struct http2 *h)
{
    if (!h->draining || h->last_told || h->dead) return;
    h->last_told = true;
    nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(h->session), NGHTTP2_NO_ERROR,
                          NULL, 0);
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *f, void *ud)
{
    struct http2 *h = ud;
    bool ended = f->hd.flags & NGHTTP2_FLAG_END_STREAM;
    struct http_exchange *x = nghttp2_session_get_stream_user_data(s, f->hd.stream_id);
    if (f->hd.type == NGHTTP2_HEADERS) {
        h->core.header_since_ms = 0;
        if (x && f->headers.cat == NGHTTP2_HCAT_REQUEST)
            request_came(h, x, ended);
        else if (x && ended && x->announced)
            exchange_ended(x); /* trailers */
        return 0;
    }
    if (f->hd.type == NGHTTP2_DATA && x && ended && x->announced) exchange_ended(x);
    if (f->hd.type != NGHTTP2_PING) return 0;
    if (f->hd.flags & NGHTTP2_FLAG_ACK)
        tell_last(h);
    else
        count_ping(h);
    return 0;
}

static int on_data(nghttp2_session *s, uint8_t, int32_t stream, const uint8_t *data, size_t n,
                   void *ud)
{
    struct http2 *h = ud;
    struct http_exchange *x = nghttp2_session_get_stream_user_data(s, stream);
    note_work(h);
    size_t before = x ? x->unconsumed : 0;
    if (x && x->announced) exchange_take(x, (str){(const char *)data, n});
    if (!x || (x->unconsumed == before && (x->answer_done || x->aborted || !x->announced)))
        nghttp2_session_consume_connection(s, n); /* nobody will; the stream gets no more window */
    return 0;
}

static int on_stream_close(nghttp2_session *s, int32_t stream, uint32_t, void *)
{
    struct http_exchange *x = nghttp2_session_get_stream_user_data(s, stream);
    if (!x) return 0;
    nghttp2_session_set_stream_user_data(s, stream, NULL);
    size_t owed = x->unconsumed;
    x->stream = -1;
    exchange_free(x);
    if (owed) nghttp2_session_consume_connection(s, owed);
    return 0;
}

static int on_frame_sent(nghttp2_session *s, const nghttp2_frame *f, void *ud)
{
    struct http2 *h = ud;
    if (f->hd.type == NGHTTP2_DATA) note_work(h);
    if (f->hd.type == NGHTTP2_RST_STREAM && f->rst_stream.error_code != NGHTTP2_NO_ERROR) {
        refill(h, &h->own_resets, &h->resets_at_ms, OWN_RESETS_RATE);
        if (++h->own_resets > OWN_RESETS_BURST) give_up(h, NGHTTP2_ENHANCE_YOUR_CALM);
    }
    if (!(f->hd.flags & NGHTTP2_FLAG_END_STREAM) ||
        (f->hd.type != NGHTTP2_DATA && f->hd.type != NGHTTP2_HEADERS))
        return 0;
    struct http_exchange *x = nghttp2_session_get_stream_user_data(s, f->hd.stream_id);
    /* Answered early. A reset right behind the answer (rfc9113 8.1) would make some clients
     * (curl 7.88) drop the answer, so it comes a little later; meanwhile the stream's window is not
     * replenished. */
    if (x && !x->request_done) {
        x->early_end = true;
        x->write_at_ms = h->core.now_ms;
    }
    return 0;
}

static void http2_step(struct http_core *c)
{
    struct http2 *h = of(c);
    for (struct http_exchange *x = c->exchanges, *next; x; x = next) {
        next = x->next;
        exchange_unfill(x);
    }
    if (!h->dead && nghttp2_session_get_outbound_queue_size(h->session) > QUEUE_MAX)
        give_up(h, NGHTTP2_ENHANCE_YOUR_CALM);
    bool quiet = c->n_exchanges == 0 && !nghttp2_session_want_write(h->session);
    if (quiet && (h->last_told || h->peer_ended)) c->wants_close = true;
    if (h->dead ||
        (!nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session)))
        c->wants_close = true;
}

static void http2_input(struct http_core *c, str bytes)
{
    struct http2 *h = of(c);
    if (h->dead) return;
    h->idle_bytes += bytes.len;
    ssize_t n = nghttp2_session_mem_recv(h->session, (const uint8_t *)bytes.ptr, bytes.len);
    if (n < 0)
        give_up(h, n == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
    else if (h->idle_bytes > IDLE_BYTES_MAX + (uint64_t)connection_window(c->limits))
        give_up(h, NGHTTP2_ENHANCE_YOUR_CALM);
    http2_step(c);
}

static void reset(struct http2 *h, struct http_exchange *x, uint32_t code)
{
    x->aborted = true; /* the service may not know yet: what it still says goes nowhere */
    nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, x->stream, code);
}

static void http2_input_end(struct http_core *c)
{
    struct http2 *h = of(c);
    h->peer_ended = true;
    for (struct http_exchange *x = c->exchanges; x; x = x->next)
        if (!x->request_done && !x->aborted) reset(h, x, NGHTTP2_CANCEL);
    if (c->n_exchanges == 0) c->wants_close = true;
}

static void http2_sweep(struct http_core *c)
{
    struct http2 *h = of(c);
    const struct http_limits *l = c->limits;
    if (h->dead) return;
    if (c->header_since_ms && c->now_ms - c->header_since_ms > l->header_timeout_ms) {
        give_up(h, NGHTTP2_PROTOCOL_ERROR);
    } else if (c->n_exchanges == 0 && c->now_ms - c->idle_since_ms > l->idle_timeout_ms) {
        give_up(h, NGHTTP2_NO_ERROR);
    }
    if (h->draining && c->now_ms - h->drain_at_ms >= NOTICE_MS) tell_last(h);
    bool open = nghttp2_session_get_effective_recv_data_length(h->session) <
                nghttp2_session_get_effective_local_window_size(h->session);
    for (struct http_exchange *x = c->exchanges; x; x = x->next) {
        if (x->aborted) continue;
        if (x->early_end) {
            if (c->now_ms - x->write_at_ms >= EARLY_GRACE_MS) reset(h, x, NGHTTP2_NO_ERROR);
            continue;
        }
        bool reading = x->announced && !x->request_done && !x->answer_done;
        bool writing = x->answered && (exchange_unsent(x) || x->answer_done);
        if ((reading && exchange_is_late(x, open && x->unconsumed < l->window_bytes)) ||
            (writing && c->now_ms - x->write_at_ms > l->write_timeout_ms))
            reset(h, x, NGHTTP2_CANCEL);
    }
    http2_step(c);
}

/* First the notice, then, once its ping has come back and with it all that was on its way, the last
 * stream (rfc9113 6.8): requests that cross the notice are served, not dropped. */
static void http2_drain(struct http_core *c)
{
    struct http2 *h = of(c);
    if (h->draining || h->dead) return;
    h->draining = true;
    h->drain_at_ms = c->now_ms;
    nghttp2_submit_shutdown_notice(h->session);
    nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL);
}

static void http2_free(struct http_core *c)
{
    struct http2 *h = of(c);
    while (c->exchanges) exchange_free(c->exchanges);
    nghttp2_session_del(h->session);
    free(h);
}

/* ---- out ---- */

static nghttp2_nv pair(str name, str value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name.ptr, (uint8_t *)(uintptr_t)value.ptr, name.len,
                        value.len, NGHTTP2_NV_FLAG_NONE};
}

static void send_trailers(struct http_exchange *x)
{
    nghttp2_nv *nv = arena_array(&x->arena, nghttp2_nv, x->n_trailers);
    for (size_t i = 0; i < x->n_trailers; i++)
        nv[i] = pair(x->trailers[i].name, x->trailers[i].value);
    nghttp2_submit_trailer(of(x->core)->session, x->stream, nv, x->n_trailers);
}

static ssize_t read_body(nghttp2_session *, int32_t, uint8_t *to, size_t room, uint32_t *flags,
                         nghttp2_data_source *source, void *)
{
    struct http_exchange *x = source->ptr;
    size_t n = exchange_move(x, (char *)to, room);
    if (n == 0 && !x->answer_done) {
        x->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (x->answer_done && exchange_unsent(x) == 0) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (x->n_trailers) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            send_trailers(x);
        }
    }
    return (ssize_t)n;
}

static void keep_trailers(struct http_exchange *x, const struct http_answer *a)
{
    struct http_header *t = arena_array(&x->arena, struct http_header, a->n_trailers);
    for (size_t i = 0; i < a->n_trailers; i++) {
        t[i].name = arena_str(&x->arena, a->trailers[i].name);
        t[i].value = header_clean(&x->arena, arena_str(&x->arena, a->trailers[i].value));
    }
    x->trailers = t;
    x->n_trailers = a->n_trailers;
}

static void http2_answer(struct http_exchange *x, const struct http_answer *a, bool whole)
{
    struct http2 *h = of(x->core);
    bool empty = x->no_body || (whole && a->body.len == 0);
    nghttp2_nv *nv = arena_array(&x->arena, nghttp2_nv, a->n_headers + a->n_trailers + 3);
    size_t n = 0;
    char code[8], digits[NUM_MAX];
    size_t code_len = num_format_u64(a->status, code);
    nv[n++] = pair(S(":status"), (str){code, code_len});
    for (size_t i = 0; i < a->n_headers; i++)
        nv[n++] = pair(a->headers[i].name, header_clean(&x->arena, a->headers[i].value));
    str date = http_date(x->core);
    if (date.len) {
        /* Another one each second: kept in the compression table it would be found again by few
         * answers, and looked for among all older ones by each. */
        nv[n] = pair(S("date"), date);
        nv[n++].flags = NGHTTP2_NV_FLAG_NO_INDEX;
    }
    if (whole && a->body.len && a->n_trailers == 0)
        nv[n++] = pair(S("content-length"), (str){digits, num_format_u64(a->body.len, digits)});
    if (empty) {
        for (size_t i = 0; i < a->n_trailers; i++)
            nv[n++] = pair(a->trailers[i].name, header_clean(&x->arena, a->trailers[i].value));
        nghttp2_submit_response(h->session, x->stream, nv, n, NULL);
        return;
    }
    if (a->n_trailers) keep_trailers(x, a);
    buf_add(&x->unsent, a->body);
    nghttp2_data_provider body = {.source.ptr = x, .read_callback = read_body};
    nghttp2_submit_response(h->session, x->stream, nv, n, &body);
}

static void resume(struct http_exchange *x)
{
    if (!x->deferred) return;
    x->deferred = false;
    nghttp2_session_resume_data(of(x->core)->session, x->stream);
}

static void http2_write(struct http_exchange *x, str piece)
{
    buf_add(&x->unsent, piece);
    resume(x);
}

static void http2_end(struct http_exchange *x) { resume(x); }

static void http2_abort(struct http_exchange *x)
{
    nghttp2_submit_rst_stream(of(x->core)->session, NGHTTP2_FLAG_NONE, x->stream,
                              NGHTTP2_INTERNAL_ERROR);
}

static void http2_consume(struct http_exchange *x, size_t n)
{
    x->body_at_ms = x->core->now_ms;
    if (x->stream > 0) nghttp2_session_consume(of(x->core)->session, x->stream, n);
}

static void http2_proceed(struct http_exchange *x)
{
    if (!str_eq(http_header_get(&x->req, S("expect")), S("100-continue")) || x->request_done)
        return;
    nghttp2_nv nv = pair(S(":status"), S("100"));
    nghttp2_submit_headers(of(x->core)->session, NGHTTP2_FLAG_NONE, x->stream, NULL, &nv, 1, NULL);
}

static void http2_output(struct http_core *c, struct buf *out, size_t most)
{
    struct http2 *h = of(c);
    size_t start = out->len;
    while (out->len - start < most) {
        const uint8_t *p;
        ssize_t n = nghttp2_session_mem_send(h->session, &p);
        if (n < 0) h->dead = true;
        if (n <= 0) break;
        buf_add(out, (str){(const char *)p, (size_t)n});
    }
    http2_step(c);
}

static const struct http_core_ops ops = {
    .input = http2_input,
    .input_end = http2_input_end,
    .step = http2_step,
    .output = http2_output,
    .sweep = http2_sweep,
    .drain = http2_drain,
    .free = http2_free,
    .answer = http2_answer,
    .write = http2_write,
    .end = http2_end,
    .abort = http2_abort,
    .consume = http2_consume,
    .proceed = http2_proceed,
};

static nghttp2_session *session_new(struct http2 *h)
{
    nghttp2_session_callbacks *cb;
    nghttp2_option *opt;
    nghttp2_session *s;
    if (nghttp2_session_callbacks_new(&cb) || nghttp2_option_new(&opt)) abort();
    nghttp2_session_callbacks_set_on_begin_frame_callback(cb, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_sent);
    nghttp2_option_set_no_auto_window_update(opt, 1);
    nghttp2_option_set_no_closed_streams(opt, 1);
    nghttp2_option_set_max_outbound_ack(opt, 1000);
    nghttp2_option_set_max_settings(opt, 32);
    nghttp2_option_set_stream_reset_rate_limit(opt, 1000, 33);
    nghttp2_option_set_max_continuations(opt, 8);
    if (nghttp2_session_server_new2(&s, cb, h, opt)) abort();
    nghttp2_option_del(opt);
    nghttp2_session_callbacks_del(cb);
    return s;
}

void http2_begin(struct http_core *c)
{
    struct http2 *h = of(c);
    const struct http_limits *l = c->limits;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, l->max_streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, l->window_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, l->max_header_bytes},
        {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 1 << 20},
    };
    nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings,
                            sizeof settings / sizeof *settings);
    nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, connection_window(l));
}

struct http_core *http2_new(void)
{
    struct http2 *h = calloc(1, sizeof *h);
    if (!h) abort();
    h->core.ops = &ops;
    h->session = session_new(h);
    return &h->core;
}
