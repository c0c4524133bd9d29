/* The receiver: a request from its head to its answer. One `incoming` for each, held by two: the
 * exchange (until on_close) and the request (from the sink until the answer). Whoever lets go last
 * frees it. */
#include "ingest/receive/receive.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "ingest/receive/answer.h"
#include "ingest/receive/grpc_frame.h"
#include "ingest/receive/route.h"
#include "net/compress.h"
#include "obs/metrics.h"

enum {
    SLACK = 64,
    FIRST_ROOM = 16384,
    WHOLE_ROOM = 1 << 20,
    REFUSED_RETRY_MS = 1000,
    ARENA_FACTOR = 8
};
#define DEFAULT_MAX ((uint64_t)64 << 20)

struct receiver {
    struct loop *loop;
    struct http_listener *listener;
    struct receive_options opt;
    uint16_t port;
    atomic_uint open;
    struct loop_message drain;
    atomic_bool draining;
};

struct incoming {
    struct ingest_request req;
    struct receiver *r;
    struct http_exchange *x; /* NULL once the client is gone. thread: loop */
    atomic_int refs;
    struct route route;
    struct grpc_frame frame;
    bool answered, cross_origin;

    char *at; /* the wire bytes: in the arena when their number was told, else malloc'ed */
    size_t len, room;
    bool on_heap;
    uint64_t charged; /* of the gate */

    nanos ended_at; /* monotonic: the last byte */
    struct loop_message message;
    struct ingest_answer answer;
};

/* ---- the gate ---- */

static bool fits(const struct receive_gate *g, uint64_t n)
{
    uint64_t held = atomic_load_explicit(&g->bytes, memory_order_relaxed);
    return held < g->max_bytes && n <= g->max_bytes - held;
}

static bool charge(struct incoming *in, uint64_t n)
{
    struct receive_gate *g = in->r->opt.gate;
    uint64_t before = atomic_fetch_add_explicit(&g->bytes, n, memory_order_relaxed);
    if (before > g->max_bytes || n > g->max_bytes - before) {
        atomic_fetch_sub_explicit(&g->bytes, n, memory_order_relaxed);
        return false;
    }
    in->charged += n;
    metric_move(M_INFLIGHT_BYTES, 0, (int64_t)n);
    return true;
}

static void discharge(struct incoming *in)
{
    atomic_fetch_sub_explicit(&in->r->opt.gate->bytes, in->charged, memory_order_relaxed);
    metric_move(M_INFLIGHT_BYTES, 0, -(int64_t)in->charged);
    in->charged = 0;
}

/* ---- life ---- */

static void release_body(struct incoming *in)
{
    if (in->on_heap) free(in->at);
    in->at = NULL;
    in->on_heap = false;
    if (in->req.arena) {
        arena_done(in->req.arena);
        free(in->req.arena);
        in->req.arena = NULL;
    }
    discharge(in);
}

static void unref(struct incoming *in)
{
    if (atomic_fetch_sub(&in->refs, 1) > 1) return;
    release_body(in);
    atomic_fetch_sub(&in->r->open, 1);
    free(in);
}

static struct incoming *incoming_new(struct receiver *r, struct http_exchange *x)
{
    struct incoming *in = calloc(1, sizeof *in);
    struct arena *a = malloc(sizeof *a);
    if (!in || !a) abort();
    /* Decoded columns are a few times their bytes; this bounds what hostile bytes can blow up to.
     */
    arena_init(a, r->opt.max_body_bytes + ARENA_FACTOR * r->opt.max_decompressed_bytes);
    in->req.arena = a;
    in->req.origin = in;
    in->r = r;
    in->x = x;
    atomic_init(&in->refs, 1);
    atomic_fetch_add(&r->open, 1);
    http_set_user(x, in);
    return in;
}

/* ---- the answer ---- */

enum { ANSWER_HEADERS = 10 };

struct head {
    struct http_header list[ANSWER_HEADERS];
    size_t n;
};

static void add(struct head *h, str name, str value)
{
    assert(h->n < ANSWER_HEADERS);
    h->list[h->n++] = (struct http_header){name, value};
}

static void respond_grpc(struct incoming *in, const struct ingest_answer *a)
{
    struct buf body, message, details;
    buf_init(&body, 8192);
    buf_init(&message, 8192);
    buf_init(&details, 8192);
    struct head h = {};
    add(&h, S("content-type"), S("application/grpc"));
    if (a->err.code == ST_OK) {
        buf_add(&body, (str){"\0\0\0\0\0", 5});
        answer_export(&body, PAYLOAD_PROTOBUF, in->route.signal, a);
        size_t n = body.len - 5;
        for (int i = 0; i < 4; i++) body.ptr[1 + i] = (char)(n >> (24 - 8 * i));
        struct http_header trailer = {S("grpc-status"), S("0")};
        http_respond(in->x, &(struct http_answer){.status = 200,
                                                  .headers = h.list,
                                                  .n_headers = h.n,
                                                  .body = buf_str(&body),
                                                  .trailers = &trailer,
                                                  .n_trailers = 1});
    } else {
        char code[12];
        int n = snprintf(code, sizeof code, "%d", status_grpc(a->err.code));
        add(&h, S("grpc-accept-encoding"), S("identity,gzip,zstd"));
        add(&h, S("grpc-status"), (str){code, (size_t)n});
        answer_grpc_message(&message, (str){a->err.msg, strlen(a->err.msg)});
        add(&h, S("grpc-message"), buf_str(&message));
        if (a->retry_after_ms && status_retryable(a->err.code)) {
            answer_grpc_details(&details, a);
            add(&h, S("grpc-status-details-bin"), buf_str(&details));
        }
        http_respond(in->x,
                     &(struct http_answer){.status = 200, .headers = h.list, .n_headers = h.n});
    }
    buf_done(&body);
    buf_done(&message);
    buf_done(&details);
}

static void respond_http(struct incoming *in, const struct ingest_answer *a)
{
    bool json = in->route.protocol != OTLP_HTTP_PROTOBUF, ok = a->err.code == ST_OK;
    enum payload_format form = json ? PAYLOAD_JSON : PAYLOAD_PROTOBUF;
    struct buf body;
    buf_init(&body, 8192);
    if (ok)
        answer_export(&body, form, in->route.signal, a);
    else
        answer_status(&body, form, a);
    struct head h = {};
    add(&h, S("content-type"), json ? S("application/json") : S("application/x-protobuf"));
    if (in->cross_origin) add(&h, S("access-control-allow-origin"), S("*"));
    unsigned code =
        in->route.http_status ? in->route.http_status : (unsigned)status_http(a->err.code);
    if (code == 405) add(&h, S("allow"), S("POST, OPTIONS"));
    if (code == 415) add(&h, S("accept-encoding"), S("gzip, zstd, identity"));
    char seconds[16];
    if (!ok && a->retry_after_ms && status_retryable(a->err.code)) {
        int n = snprintf(seconds, sizeof seconds, "%u",
                         a->retry_after_ms / 1000 + (a->retry_after_ms % 1000 != 0));
        add(&h, S("retry-after"), (str){seconds, (size_t)n});
    }
    http_respond(in->x, &(struct http_answer){.status = ok ? 200 : code,
                                              .headers = h.list,
                                              .n_headers = h.n,
                                              .body = buf_str(&body)});
    buf_done(&body);
}

static void respond(struct incoming *in, const struct ingest_answer *a)
{
    if (a->err.code != ST_OK) metric_add(M_REQUESTS_REFUSED, a->err.code, 1);
    if (in->ended_at)
        metric_observe(M_REQUEST_SECONDS, in->route.signal,
                       (double)(clock_monotonic() - in->ended_at) / 1e9);
    in->answered = true;
    if (!in->x) return;
    if (in->route.protocol == OTLP_GRPC)
        respond_grpc(in, a);
    else
        respond_http(in, a);
}

/* Receive's own no: the body, as far as it has come, is let go at once. */
static void refuse(struct incoming *in, const struct err *err)
{
    struct ingest_answer a = {.err = *err};
    if (status_retryable(err->code)) a.retry_after_ms = REFUSED_RETRY_MS;
    respond(in, &a);
    release_body(in);
}

static void respond_preflight(struct incoming *in, const struct http_request *req)
{
    struct head h = {};
    str wanted = http_header_get(req, S("access-control-request-headers"));
    add(&h, S("access-control-allow-origin"), S("*"));
    add(&h, S("access-control-allow-methods"), S("POST, OPTIONS"));
    add(&h, S("access-control-allow-headers"),
        wanted.len ? wanted : S("content-type, content-encoding"));
    add(&h, S("access-control-max-age"), S("7200"));
    add(&h, S("vary"), S("access-control-request-headers"));
    in->answered = true;
    http_respond(in->x, &(struct http_answer){.status = 204, .headers = h.list, .n_headers = h.n});
}

/* On the loop, or in the answering thread when the loop has stopped and nobody is left to tell. */
static void deliver(void *ctx)
{
    struct incoming *in = ctx;
    respond(in, &in->answer);
    release_body(in);
    unref(in);
}

void receive_answer(struct ingest_request *req, const struct ingest_answer *answer)
{
    struct incoming *in = req->origin;
    in->answer = *answer;
    in->message = (struct loop_message){.fn = deliver, .ctx = in};
    if (loop_post_message(in->r->loop, &in->message)) return;
    release_body(in);
    unref(in);
}

/* ---- the body ---- */

static status too_large(const struct receiver *r, struct err *err)
{
    return err_set(err, ST_LIMIT, ERR_NOPOS, "body is larger than %llu bytes",
                   (unsigned long long)r->opt.max_body_bytes);
}

static status no_room(struct err *err)
{
    return err_set(err, ST_OVERLOADED, ERR_NOPOS, "too many bytes of requests in flight");
}

/* The number of wire bytes is known: room for all of them, in the arena unless they are many. Only
 * what has come is charged: what a client states and never sends must not keep others out. */
static status room_for(struct incoming *in, uint64_t n, struct err *err)
{
    if (n > in->r->opt.max_body_bytes) return too_large(in->r, err);
    if (!fits(in->r->opt.gate, n)) return no_room(err);
    if (n > WHOLE_ROOM) return ST_OK;
    in->at = arena_alloc(in->req.arena, n + SLACK, 16);
    in->room = n;
    return ST_OK;
}

static void grow(struct incoming *in, size_t need)
{
    size_t room = in->room ? in->room * 2 : FIRST_ROOM;
    while (room < need) room *= 2;
    if (room > in->r->opt.max_body_bytes) room = (size_t)in->r->opt.max_body_bytes;
    char *p = realloc(in->at, room + SLACK);
    if (!p) abort();
    in->at = p;
    in->on_heap = true;
    in->room = room;
}

static status append(struct incoming *in, str bytes, struct err *err)
{
    bool more = bytes.len > in->room - in->len;
    if (more && in->at && !in->on_heap)
        return err_set(err, ST_INVALID, ERR_NOPOS, "body is longer than %zu bytes as stated",
                       in->room);
    if (bytes.len > in->r->opt.max_body_bytes - in->len) return too_large(in->r, err);
    if (!charge(in, bytes.len)) return no_room(err);
    if (more) grow(in, in->len + bytes.len);
    memcpy(in->at + in->len, bytes.ptr, bytes.len);
    in->len += bytes.len;
    return ST_OK;
}

static status take(struct incoming *in, str bytes, struct err *err)
{
    if (in->route.protocol != OTLP_GRPC) return append(in, bytes, err);
    bool knew = grpc_frame_has_length(&in->frame);
    str message;
    TRY(grpc_frame_take(&in->frame, bytes, in->r->opt.max_body_bytes, &message, err));
    if (!knew && grpc_frame_has_length(&in->frame)) TRY(room_for(in, in->frame.length, err));
    return message.len ? append(in, message, err) : ST_OK;
}

/* Wire and body of the request, once the last byte is there. */
static status finish(struct incoming *in, struct err *err)
{
    struct ingest_request *q = &in->req;
    q->compression = in->route.compression;
    if (in->route.protocol == OTLP_GRPC) {
        TRY(grpc_frame_end(&in->frame, q->compression != PAYLOAD_IDENTITY, err));
        if (!in->frame.compressed) q->compression = PAYLOAD_IDENTITY;
    }
    if (!in->at) TRY(room_for(in, 0, err));
    if (in->on_heap) { /* it goes with the arena from here on */
        arena_defer(q->arena, free, in->at);
        in->on_heap = false;
    }
    memset(in->at + in->len, 0, SLACK);
    q->wire = q->body = (str){in->at, in->len};
    if (q->compression == PAYLOAD_IDENTITY && in->len > in->r->opt.max_decompressed_bytes)
        return too_large(in->r, err);
    if (q->compression != PAYLOAD_IDENTITY) {
        TRY(decompress(q->arena, q->compression, q->wire, in->r->opt.max_decompressed_bytes,
                       &q->body, err));
        if (!charge(in, q->body.len)) return no_room(err);
        memset((char *)(uintptr_t)q->body.ptr + q->body.len, 0, SLACK);
    }
    q->signal = in->route.signal;
    q->format = in->route.protocol == OTLP_HTTP_JSON ? PAYLOAD_JSON : PAYLOAD_PROTOBUF;
    q->received_at = loop_now(in->r->loop);
    return ST_OK;
}

/* ---- the service ---- */

static status admit(struct incoming *in, const struct http_request *req, struct err *err)
{
    struct receiver *r = in->r;
    TRY(route_request(req, &in->route, err));
    if (in->route.preflight) return ST_OK;
    metric_add(M_REQUESTS, in->route.protocol, 1);
    if (atomic_load_explicit(&r->opt.gate->closed, memory_order_relaxed))
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "shutting down");
    if (in->route.protocol != OTLP_GRPC && req->content_length >= 0)
        return room_for(in, (uint64_t)req->content_length, err);
    /* The size is told later, or never: there must be room for something at least. */
    if (!fits(r->opt.gate, 1)) return no_room(err);
    if (req->content_length > 5 && (uint64_t)req->content_length - 5 > r->opt.max_body_bytes)
        return too_large(r, err);
    return ST_OK;
}

static void on_request(void *ctx, struct http_exchange *x, const struct http_request *req)
{
    struct incoming *in = incoming_new(ctx, x);
    in->cross_origin = http_header_get(req, S("origin")).len > 0;
    struct err err;
    if (admit(in, req, &err) != ST_OK)
        refuse(in, &err);
    else if (in->route.preflight)
        respond_preflight(in, req);
    else
        http_continue(x);
}

static void on_data(void *, struct http_exchange *x, str bytes)
{
    struct incoming *in = http_user(x);
    struct err err;
    /* Copied, so the window is free again; the gate is what bounds the copies. */
    http_consume(x, bytes.len);
    if (!in->answered && take(in, bytes, &err) != ST_OK) refuse(in, &err);
}

static void on_end(void *, struct http_exchange *x)
{
    struct incoming *in = http_user(x);
    struct err err;
    if (in->answered) return;
    in->ended_at = clock_monotonic();
    if (finish(in, &err) != ST_OK) return refuse(in, &err);
    atomic_fetch_add(&in->refs, 1);
    in->r->opt.sink(in->r->opt.ctx, &in->req);
}

static void on_close(void *, struct http_exchange *x)
{
    struct incoming *in = http_user(x);
    in->x = NULL;
    unref(in);
}

/* ---- the door ---- */

static void drain_now(void *ctx) { http_listener_drain(((struct receiver *)ctx)->listener); }

status receive_open(struct loop *l, const char *host, uint16_t port,
                    const struct receive_options *opt, struct receiver **ret, struct err *err)
{
    struct receiver *r = calloc(1, sizeof *r);
    if (!r) abort();
    r->loop = l;
    r->opt = *opt;
    if (!r->opt.max_body_bytes) r->opt.max_body_bytes = DEFAULT_MAX;
    if (!r->opt.max_decompressed_bytes) r->opt.max_decompressed_bytes = DEFAULT_MAX;
    r->drain = (struct loop_message){.fn = drain_now, .ctx = r};
    struct http_service service = {r, on_request, on_data, on_end, on_close, NULL};
    status st = http_listen(l, host, port, &service, &opt->http, &r->listener, err);
    if (st != ST_OK) {
        free(r);
        return st;
    }
    r->port = http_listener_port(r->listener);
    *ret = r;
    return ST_OK;
}

uint16_t receive_port(const struct receiver *r) { return r->port; }

void receive_drain(struct receiver *r)
{
    if (atomic_exchange(&r->draining, true)) return;
    if (loop_is_mine(r->loop))
        drain_now(r);
    else if (!loop_post_message(r->loop, &r->drain))
        return; /* it has ended: nothing is open */
}

uint32_t receive_open_requests(const struct receiver *r) { return atomic_load(&r->open); }

void receive_close(struct receiver *r)
{
    if (!r) return;
    http_listener_close(r->listener);
    assert(atomic_load(&r->open) == 0);
    free(r);
}
